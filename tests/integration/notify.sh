#!/usr/bin/env bash
# What the service manager is told: ready, reloading, ready again, alive, stopping.
. "$(dirname "$0")/lib.sh"

"$CLIENT" notify "$work/notify" 8 >"$work/told" &
listener=$!
wait_for 5 [ -S "$work/notify" ] || bad "the listener is there"
told() { grep -qE -- "$1" "$work/told"; }
NOTIFY_SOCKET=$work/notify WATCHDOG_USEC=1000000 "$HEADROOMD" --dry-run --duration=60s >"$work/log" 2>&1 &
daemon=$!
expect "READY=1" wait_for 5 told '^READY=1'
expect "STATUS=" wait_for 5 told '^STATUS=Dry run: host '
expect "WATCHDOG=1" wait_for 5 told '^WATCHDOG=1'
kill -HUP "$daemon"
expect "RELOADING=1" wait_for 5 told '^RELOADING=1'
ready_again() { [ "$(grep -c '^READY=1' "$work/told")" -ge 2 ]; }
expect "READY=1 again" wait_for 5 ready_again
expect "no view for a service" eval '! log_has "^would go first"'
stop
expect "ends with 0" [ $? -eq 0 ]
expect "STOPPING=1" wait_for 5 told '^STOPPING=1'
kill "$listener" 2>/dev/null
finish
