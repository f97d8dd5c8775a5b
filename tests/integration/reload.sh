#!/usr/bin/env bash
# SIGHUP takes the whole of a valid configuration and nothing of a broken one.
. "$(dirname "$0")/lib.sh"

conf=$work/conf
mkdir -p "$conf/rules.d"
start --config="$conf"
before=$(field hash)
expect "a policy is in force" [ -n "$before" ]

printf '[Match]\nName=hog\n\n[Score]\nTier=prefered\n' >"$conf/rules.d/10-hog.conf"
kill -HUP "$daemon"
expect "a broken file is refused" wait_for 5 log_has 'the new policy was refused'
expect "... with file, line and column" log_has '10-hog\.conf:5:[0-9]+: error: '
expect "... and the old policy stays" [ "$(field hash)" = "$before" ]
expect "... and is counted" [ "$(field reloads_refused)" = 1 ]

printf '[Match]\nName=hog\n\n[Score]\nTier=prefer\n' >"$conf/rules.d/10-hog.conf"
kill -HUP "$daemon"
expect "a valid one is taken" wait_for 5 log_has 'policy loaded again: .* 1 rules'
expect "... and is another" [ "$(field hash)" != "$before" ]

rm "$conf/rules.d/10-hog.conf"
for _ in $(seq 30); do kill -HUP "$daemon"; done
expect "many at once do no harm" wait_for 5 "$HEADROOMCTL" status
is_first() { [ "$(field hash)" = "$before" ]; }
expect "... and the first policy is back" wait_for 10 is_first
stop
expect "ends with 0" [ $? -eq 0 ]

printf 'nonsense\n' >"$conf/rules.d/10-hog.conf"
"$HEADROOMD" --dry-run --duration=2s --config="$conf" >"$work/log" 2>&1
expect "does not start with a broken file" [ $? -eq 2 ]
expect "... and says where" log_has '10-hog\.conf:1:[0-9]+: error: '
finish
