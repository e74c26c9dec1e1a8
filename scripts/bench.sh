# shellcheck shell=bash
# ./dev bench: measures on this machine.

command_bench() {
    local what=${1:-}
    [ $# -eq 0 ] || shift
    case "$what" in
    http)
        packages_install build test
        phase "build release" build_preset release
        python_run bench/http/measure.py --build build/release "$@"
        ;;
    *) die "bench does not know '$what'" "./dev bench http" ;;
    esac
}
