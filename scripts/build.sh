# shellcheck shell=bash
# Configures and builds presets; formats; writes generated documents.

programs=(tok tok-repl trytok-coordinator trytok-executor trytok-runner)

# configure PRESET TESTS(ON|OFF): only when it is not configured, or lacks the tests.
configure() {
    local preset=$1 tests=$2 dir="build/$1"
    if [ -f "$dir/build.ninja" ]; then
        [ "$tests" = ON ] || return 0
        ! grep -qx 'TRYTOK_TESTS:BOOL=ON' "$dir/CMakeCache.txt" || return 0
    fi
    cmake --preset "$preset" "-DTRYTOK_TESTS=$tests" >&2
}

build_preset() {
    configure "$1" ON
    cmake --build --preset "$1" >&2
}

build_programs() {
    packages_install build
    configure release OFF
    cmake --build --preset release --target "${programs[@]}" >&2
}

command_build() {
    [ $# -le 1 ] || die "build takes one preset" "./dev help"
    case "${1:-}" in
    '')
        phase "build release programs" build_programs
        say "the programs are in build/release/bin"
        ;;
    dev | release)
        packages_install build test
        phase "build $1" build_preset "$1"
        ;;
    clang | asan | tsan | fuzz | stress | switch)
        packages_install build test all
        phase "build $1" build_preset "$1"
        ;;
    *) die "unknown preset '$1'" "dev, release, clang, asan, tsan, fuzz, stress, switch" ;;
    esac
}

# Tracked and new C files, NUL-separated.
c_files() { git ls-files -z -co --exclude-standard -- '*.[ch]'; }

command_format() {
    no_arguments format "$@"
    packages_install test
    c_files | xargs -0r clang-format-14 -i
}

command_docs() {
    no_arguments docs "$@"
    build_programs
    python_run tests/lint/settings_document.py --write build/release/bin
    python_run tests/lint/bytecode_document.py --write
}

command_clean() {
    no_arguments clean "$@"
    rm -rf build
}

# Debian's interpreter: the one python3-pytest belongs to.
python_run() { /usr/bin/python3 -B "$@"; }
