# shellcheck shell=bash
# ./dev bench: measures on this machine.

command_bench() {
    local what=${1:-}
    [ $# -eq 0 ] || shift
    case "$what" in
    http)
        packages_install build test
        configure release ON
        # shellcheck disable=SC2154 # programs: scripts/build.sh
        phase "build release" cmake --build --preset release \
            --target "${programs[@]}" bench_load bench_spawn bench_hello
        python_run bench/http/measure.py --build build/release "$@"
        ;;
    vm)
        packages_install build test bench
        phase "build release programs" build_programs
        python_run bench/vm/run.py build/release/bin/tok "$@"
        ;;
    *) die "bench does not know '$what'" "./dev bench http, or vm" ;;
    esac
}
