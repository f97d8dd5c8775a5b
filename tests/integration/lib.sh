# shellcheck shell=bash
# Sourced by the tests beside it: a dry-run daemon of their own on this host, in a runtime directory of their own.
# Never in earnest: what is killed in earnest is killed in the guest.
set -uo pipefail

: "${HEADROOMD:?}" "${HEADROOMCTL:?}" "${CLIENT:?}"
work=$(mktemp -d)
export RUNTIME_DIRECTORY=$work/run
unset NOTIFY_SOCKET JOURNAL_STREAM WATCHDOG_USEC
mkdir "$RUNTIME_DIRECTORY"
daemon=
failures=0

cleanup() {
    if [ -n "$daemon" ]; then
        kill -KILL "$daemon" 2>/dev/null
        wait "$daemon" 2>/dev/null
    fi
    rm -rf "$work"
}
trap cleanup EXIT

ok() { echo "ok - $1"; }
bad() {
    echo "not ok - $1"
    failures=$((failures + 1))
}
# expect NAME COMMAND...
expect() {
    local name=$1
    shift
    if "$@" >/dev/null; then ok "$name"; else bad "$name"; fi
}
# no COMMAND...: it fails
no() { ! "$@"; }
finish() {
    if [ "$failures" -gt 0 ] && [ -e "$work/log" ]; then sed 's/^/# /' "$work/log"; fi
    exit $((failures > 0))
}
skip() {
    echo "skipped: $1"
    exit 77
}

# wait_for SECONDS COMMAND...: until it succeeds
wait_for() {
    local i n=$(($1 * 20))
    shift
    for ((i = 0; i < n; i++)); do
        "$@" >/dev/null 2>&1 && return 0
        sleep 0.05
    done
    return 1
}
log_has() { grep -qE -- "$1" "$work/log"; }

# start OPTION...: and wait until it answers: before that the log may still be the earlier daemon's. A later option
# counts; $patience in seconds, where ten are too few.
start() {
    "$HEADROOMD" --dry-run --duration=60s "$@" >"$work/log" 2>&1 &
    daemon=$!
    wait_for "${patience:-10}" "$HEADROOMCTL" status || bad "the daemon answers"
}
# stop: politely; its exit status
stop() {
    kill -TERM "$daemon"
    wait "$daemon"
    local r=$?
    daemon=
    return $r
}
# field NAME: a number of the status
field() { "$HEADROOMCTL" -o json status | sed -n "s/^ *\"$1\": \"\{0,1\}\([0-9a-f]*\)\"\{0,1\},\{0,1\}$/\1/p" | head -n 1; }
