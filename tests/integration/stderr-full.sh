#!/usr/bin/env bash
# Nobody reads standard error and the pipe is full: the daemon goes on, and ends when it is told to.
. "$(dirname "$0")/lib.sh"

mkfifo "$work/fifo"
exec 9<>"$work/fifo"
dd if=/dev/zero of="$work/fifo" bs=4096 oflag=nonblock 2>/dev/null
"$HEADROOMD" --dry-run --duration=60s >/dev/null 2>&9 &
daemon=$!
expect "the daemon answers" wait_for 15 "$HEADROOMCTL" status
before=$(field ticks)
expect "its ticks go on" eval 'for _ in $(seq 100); do [ "$(field ticks)" -gt $((before + 2)) ] && break; sleep 0.1; done; [ "$(field ticks)" -gt $((before + 2)) ]'
kill -HUP "$daemon"
sleep 0.5
expect "it still answers after a reload" "$HEADROOMCTL" status
begin=$SECONDS
stop
expect "ends with 0" [ $? -eq 0 ]
expect "... in time" [ $((SECONDS - begin)) -le 5 ]
finish
