# shellcheck shell=bash
# ./dev check and ./dev test: cheap first, the first red ends it.

summaries=()
# Tests whose outcome no build changes: once is enough.
same_in_every_build='^(language\.(oracle|runner)|lint\..*)$'

check_format() {
    c_files | xargs -0r clang-format-14 --dry-run --Werror || die "not formatted" "./dev format"
}

check_lint() {
    shellcheck -x dev .ci/run scripts/*.sh
    python_run tests/lint/lint.py
    python_run tests/lint/bytecode_document.py --check
}

check_tidy() {
    configure clang ON
    # Only sources that the build knows; headers are seen through them. One file a process: clang-tidy
    # 14 takes the second va_list it meets for an uninitialised one.
    git ls-files -z -- '*.c' ':!tests' ':!bench' |
        xargs -0r -n 1 -P "$(nproc)" clang-tidy-14 -p build/clang --quiet --warnings-as-errors='*'
}

# What the tests reach of the language; where they reach too little, this is an error.
check_coverage() {
    # Counts of another build of the same file would be added up.
    find build/coverage -name '*.gcda' -delete
    test_preset coverage -LE deep -E "$same_in_every_build" >&2
    python_run scripts/coverage.py build/coverage --lines 95 --branches 90
}

command_check() {
    case "${1:---tidy}" in
    --tidy) ;;
    coverage)
        packages_install build test
        phase_build coverage
        phase "coverage" check_coverage
        return
        ;;
    *) die "check does not know '$1'" "./dev help" ;;
    esac
    packages_install build test
    phase "format" check_format
    phase "lint" check_lint
    [ "${1:-}" = --tidy ] || return 0
    packages_install all
    phase "clang-tidy" check_tidy
}

# test_preset PRESET CTEST-OPTION...: leaves ctest's own summary for the last lines.
test_preset() {
    local preset=$1 log="build/$1/test.log" status=0
    shift
    ctest --preset "$preset" --no-tests=error -j "$(nproc)" "$@" 2>&1 | tee "$log" || status=$?
    return "$status"
}

phase_test() {
    local name=$1 preset=$2
    shift
    phase "$name" test_preset "$@"
    summaries+=("$name: $(grep -h 'tests passed' "build/$preset/test.log" | tail -n 1)")
}

phase_build() { phase "build $1" build_preset "$1"; }

test_quick() {
    packages_install build test
    phase "format" check_format
    phase "lint" check_lint
    phase_build dev
    phase_test "test dev" dev -LE deep
    phase_build release
    phase_test "test release" release -L 'sandbox|http|language' -E "$same_in_every_build"
}

test_rest() {
    packages_install build test all
    phase_build clang
    phase "clang-tidy" check_tidy
    phase_build asan
    phase_test "test asan" asan -LE deep -E "$same_in_every_build"
    phase_build dev # whose executor stands in for one that the thread sanitizer cannot watch
    phase_build tsan
    phase_test "test tsan" tsan -L 'unit|http'
    if [ -d tests/fuzz ]; then
        phase_build fuzz
        phase_test "fuzz smoke" fuzz
    fi
    phase_build stress
    phase_test "test stress" stress -LE deep -E "$same_in_every_build"
    phase_build switch
    phase_test "test switch" switch -L language -E "$same_in_every_build"
    phase_build coverage
    phase "coverage" check_coverage
    phase_build release
    phase_test "test release, what is left" release -LE 'sandbox|http|language' -E "$same_in_every_build"
}

test_summary() {
    phases_print
    printf '%s\n' "" "${summaries[@]}"
}

command_test() {
    case "${1:-}" in
    '') test_quick ;;
    all)
        test_quick
        test_rest
        ;;
    rest) test_rest ;;
    *)
        packages_install build test
        phase_build dev
        phase_test "test dev: $1" dev -R "$1"
        ;;
    esac
    test_summary
}
