# shellcheck shell=bash
# ./dev run: executors and one coordinator on this machine's loopback, until told to stop.

run_names=() # what was started, in order; the same index in both
run_pids=()
run_dir=
run_stopping=0

start_deadline_s=30 # generous: a busy machine starts slowly
stop_deadline_s=75  # longer than drain.wait of the daemons
reduced_layers=all,-cgroup_memory,-cgroup_pids,-cgroup_cpu # what an ordinary user can have

command_run() {
    local port=8080 admin_port=9090 executors=1 level=full try=0
    while [ $# -gt 0 ]; do
        case "$1" in
        --port) option_number port "$@" ;;
        --admin-port) option_number admin_port "$@" ;;
        --executors) option_number executors "$@" ;;
        --sandbox-level) level=${2:-} ;;
        --try) try=1 ;;
        *) die "run does not know '$1'" "./dev help lists its options" ;;
        esac
        [ "$1" = --try ] || [ $# -eq 1 ] || shift
        shift
    done
    [ "$try" -eq 0 ] || port=0 admin_port=0
    [[ $level == full || $level == reduced ]] || die "--sandbox-level is full or reduced, not '$level'"
    [ "$executors" -ge 1 ] || die "--executors wants at least 1"

    say "building the release programs"
    build_programs
    run_prepare
    run_start_executors "$executors" "$level"
    run_start_coordinator "$port" "$admin_port"
    if [ "$try" -eq 1 ]; then
        run_try
    else
        run_tell
        run_watch
    fi
}

# option_number VARIABLE FLAG VALUE...
option_number() {
    [[ ${3:-} =~ ^[0-9]{1,5}$ ]] || die "$2 wants a number, not '${3:-}'"
    printf -v "$1" '%d' "$((10#$3))"
    [ "${!1}" -le 65535 ] || die "$2 wants a number up to 65535, not '$3'"
}

run_prepare() {
    umask 077
    run_dir=$(mktemp -d "${TMPDIR:-/tmp}/trytok-run.XXXXXX")
    trap 'run_stop; rm -rf "$run_dir"' EXIT
    trap 'say "stopping"; run_stop; rm -rf "$run_dir"; trap - EXIT; exit 0' INT TERM HUP
    od -An -v -tx1 -N32 /dev/urandom | tr -d ' \n' >"$run_dir/secret"
}

run_start_executors() {
    local count=$1 level=$2 index name flags
    [ "$level" = full ] ||
        warn "reduced sandbox: no cgroups; only the programs' own limits bound their memory and processes"
    for ((index = 1; index <= count; index++)); do
        name=executor-$index
        flags=(--secret.file "$run_dir/secret" --listen.address 127.0.0.1 --listen.port 0
            --admin.address 127.0.0.1 --admin.port 0)
        [ "$level" = full ] || flags+=(--sandbox.require "$reduced_layers")
        run_daemon "$name" trytok-executor "${flags[@]}"
        run_addresses+=("$(run_address "$name")")
        run_wait_ready "$name" "${run_addresses[-1]}"
    done
}
run_addresses=()

run_start_coordinator() {
    local executors
    executors=$(IFS=, && printf '%s' "${run_addresses[*]}")
    run_daemon coordinator trytok-coordinator --secret.file "$run_dir/secret" \
        --executors "$executors" --listen.address 127.0.0.1 --listen.port "$1" \
        --admin.address 127.0.0.1 --admin.port "$2"
    run_public=$(run_address coordinator)
    run_admin=$(run_address coordinator admin)
    run_wait_ready coordinator "$run_public"
}

# run_daemon NAME PROGRAM FLAG...: in a session of its own, so that Ctrl-C reaches this script alone
# and the order of stopping is ours. Comes back when it listens.
run_daemon() {
    local name=$1 program=$2 end=$((SECONDS + start_deadline_s))
    shift 2
    say "starting $name"
    setsid "build/release/bin/$program" "$@" >"$run_dir/$name.out" 2>"$run_dir/$name.log" </dev/null &
    run_names+=("$name")
    run_pids+=($!)
    until grep -qs ': listening on ' "$run_dir/$name.out"; do
        kill -0 "${run_pids[-1]}" 2>/dev/null || run_failed "$name" "did not start"
        [ "$SECONDS" -lt "$end" ] || run_failed "$name" "does not listen after $start_deadline_s s"
        sleep 0.02
    done
}

# run_address NAME [admin]: where it listens.
run_address() {
    local column='\1'
    [ $# -eq 1 ] || column='\2'
    sed -n "s/.*: listening on \([^ ]*\) admin \([^ ]*\).*/$column/p" "$run_dir/$1.out"
}

run_wait_ready() {
    local name=$1 address=$2 end=$((SECONDS + start_deadline_s))
    until curl -fs -o /dev/null --max-time 2 "http://$address/readyz"; do
        kill -0 "${run_pids[-1]}" 2>/dev/null || run_failed "$name" "ended before it was ready"
        [ "$SECONDS" -lt "$end" ] || run_failed "$name" "is not ready after $start_deadline_s s"
        sleep 0.05
    done
}

run_failed() {
    local name=$1 what=$2 mend="its last lines are above"
    tail -n 15 "$run_dir/$name.out" "$run_dir/$name.log" >&2 || true
    if [[ $name == executor-* ]] && [ "$(id -u)" -ne 0 ]; then
        mend="without root some layers of the sandbox cannot be had: sudo ./dev run, or ./dev run --sandbox-level reduced"
    elif [ "$name" = coordinator ] && grep -qs 'in use' "$run_dir/$name.log" "$run_dir/$name.out"; then
        mend="choose other ports: ./dev run --port 0 --admin-port 0"
    fi
    die "$name $what" "$mend"
}

run_tell() {
    cat <<TEXT

TryTok is ready on http://$run_public (metrics: http://$run_admin/metrics). Try:

    curl --data 'print "Hello, World!";' http://$run_public/execute

Logs: $run_dir/*.log. Ctrl-C stops it.
TEXT
}

# Until a signal comes (its trap ends the script) or a daemon ends by itself, which is an error.
run_watch() {
    local gone=0 index
    wait -n -p gone "${run_pids[@]}" || true
    for index in "${!run_pids[@]}"; do
        [ "${run_pids[index]}" != "${gone:-}" ] || run_failed "${run_names[index]}" "ended by itself"
    done
    die "a daemon ended by itself" "see its log"
}

run_try() {
    local program='print "Hello, World!";'
    say "sending: $program"
    curl -sS --max-time 30 -o "$run_dir/answer" --data "$program" "http://$run_public/execute" ||
        die "no answer from http://$run_public/execute" "./dev run keeps it running to look at"
    cat "$run_dir/answer"
    printf 'Hello, World!\n' | cmp -s - "$run_dir/answer" ||
        die "the answer is wrong" "expected exactly: Hello, World!"
}

# The coordinator first: it drains what it accepted while the executors still serve.
run_stop() {
    local index end=$((SECONDS + stop_deadline_s))
    [ "$run_stopping" -eq 0 ] || return 0
    run_stopping=1
    trap 'say "killing"; kill -KILL "${run_pids[@]}" 2>/dev/null; exit 1' INT TERM HUP
    for ((index = ${#run_pids[@]} - 1; index >= 0; index--)); do
        kill -TERM "${run_pids[index]}" 2>/dev/null || continue
        while kill -0 "${run_pids[index]}" 2>/dev/null; do
            if [ "$SECONDS" -ge "$end" ]; then
                warn "${run_names[index]} did not stop within $stop_deadline_s s; killing it"
                kill -KILL "${run_pids[index]}" 2>/dev/null || true
            fi
            sleep 0.02
        done
    done
}
