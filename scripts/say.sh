# shellcheck shell=bash
# How ./dev speaks: progress, timed phases, and errors that name the place and the mend.

say() { printf '\033[1m==>\033[0m %s\n' "$*" >&2; }
warn() { printf '\033[33mwarning:\033[0m %s\n' "$*" >&2; }
[ -t 2 ] || {
    say() { printf '==> %s\n' "$*" >&2; }
    warn() { printf 'warning: %s\n' "$*" >&2; }
}

# die WHAT [MEND]: ends ./dev.
die() {
    printf 'error: %s\n' "$1" >&2
    [ $# -lt 2 ] || printf '       %s\n' "$2" >&2
    exit 1
}

# no_arguments COMMAND ARGUMENT...: for commands that take none.
no_arguments() {
    [ $# -eq 1 ] || die "$1 takes no arguments, not '$2'" "./dev help"
}

phases=()

# phase NAME COMMAND...: runs it, says how long it took; the first that fails ends everything.
phase() {
    local name=$1 start=$SECONDS status=0
    shift
    say "$name"
    # A subshell of its own keeps `set -e` alive inside a function that is called here.
    set +e
    (
        set -e
        "$@"
    )
    status=$?
    set -e
    phases+=("$(printf '%4d s  %s' $((SECONDS - start)) "$name")")
    [ "$status" -eq 0 ] || {
        phases_print
        die "'$name' failed with status $status" "the first error above says where"
    }
}

phases_print() {
    [ ${#phases[@]} -eq 0 ] || printf '%s\n' "" "phases:" "${phases[@]/#/  }" >&2
    return 0
}
