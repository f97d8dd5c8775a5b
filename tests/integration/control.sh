#!/usr/bin/env bash
# headroomctl asks, hostile clients do their worst, and the ticks go on.
. "$(dirname "$0")/lib.sh"

"$HEADROOMCTL" status >"$work/log" 2>&1
expect "without a daemon the exit status is 3" [ $? -eq 3 ]
expect "... and it is said" log_has 'headroomd is not running'
"$HEADROOMCTL" nonsense >"$work/log" 2>&1
expect "an unknown command is a usage error" [ $? -eq 2 ]

start
has() { grep -qE -- "$1" "$work/out"; }
"$HEADROOMCTL" status >"$work/out"
expect "status" [ $? -eq 0 ]
expect "... has the host" has '^/ \(host\) +(calm|warn|relieve|kill) '
expect "... without colour in a pipe" eval "! grep -q $'\x1b' '$work/out'"
"$HEADROOMCTL" explain $$ >"$work/out"
expect "explain PID" [ $? -eq 0 ]
expect "... has every term" eval 'has "anonymous memory" && has "page tables" && has "oom_score_adj" && has "= score" && has "tier"'
expect "... and the condition" has '(true|false|unknown) +available '
"$HEADROOMCTL" explain / >"$work/out"
expect "explain of the host" [ $? -eq 0 ]
# the biggest twelve: on a busy host this daemon is not among them
expect "... has who was passed over" has 'is-this-daemon|too-little-relief'
"$HEADROOMCTL" explain no/such/cgroup >"$work/out" 2>&1
expect "explain of what is not there" [ $? -eq 1 ]
"$HEADROOMCTL" explain last >"$work/out" 2>&1
expect "explain last, before any" [ $? -eq 1 ]
"$HEADROOMCTL" history >"$work/out"
expect "history" has 'nothing has been killed'
"$HEADROOMCTL" history -o json >"$work/out"
expect "history as JSON" has '"kills": \[\]'

second=$("$HEADROOMD" --dry-run --duration=1s 2>&1)
expect "a second daemon leaves the socket alone" eval 'grep -q "another headroomd is running" <<<"$second" && "$HEADROOMCTL" status >/dev/null'

# Garbage of all kinds.
socket=$RUNTIME_DIRECTORY/control
before=$(field ticks)
for request in '' '{' '[]' '{}' 'null' '{"verb":1}' '{"verb":"nonsense"}' '{"verb":"explain"}' '{"verb":"explain","target":""}' \
    '{"verb":"explain","target":"99999999999999999999"}' '{"verb":"explain","target":"-1"}' '{"verb":"history","max":-5}' \
    '{"verb":"history","max":1e300}' '{"verb":"status","verb":"status"}' '{"verb":"explain","target":"../../../etc"}'; do
    printf '%s\n' "$request" | timeout 10 "$CLIENT" send "$socket" >"$work/out" || bad "an answer to $request"
    has '^\{"ok":(true|false),' || bad "a whole answer to '$request': $(head -c 100 "$work/out")"
done
ok "malformed requests are answered"
head -c 100000 /dev/urandom | timeout 10 "$CLIENT" send "$socket" >/dev/null
yes '{"verb":"status"' | head -c 1000000 | timeout 10 "$CLIENT" send "$socket" >/dev/null
expect "random and endless requests do not end it" "$HEADROOMCTL" status

timeout 20 "$CLIENT" hold "$socket" 20 6 &
holder=$!
sleep 1
"$HEADROOMCTL" status >"$work/out" 2>&1
expect "with all places taken the next is told so" has 'too many clients'
expect "and the places come back" wait_for 8 "$HEADROOMCTL" status
wait "$holder"

for _ in $(seq 40); do "$HEADROOMCTL" -o json explain / >/dev/null 2>&1 & done
wait $(jobs -p | grep -vx "$daemon")
after=$(field ticks)
expect "the ticks went on meanwhile ($before -> $after)" [ "$after" -gt $((before + 4)) ]
stop
expect "ends with 0" [ $? -eq 0 ]
expect "and takes the socket with it" [ ! -e "$socket" ]
finish
