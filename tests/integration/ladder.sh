#!/usr/bin/env bash
# A ladder whose condition is true here and now, in a dry run: each step is said once and counts as taken; nothing is
# written, and the bus is left alone.
. "$(dirname "$0")/lib.sh"

conf=$work/conf
mkdir -p "$conf/cgroups.d"
printf '[Match]\nCgroup=/\n\n[Relieve]\nWhen=available < 100%%\nDo=trim, pageout\n' >"$conf/cgroups.d/90-host.conf"
export DBUS_SYSTEM_BUS_ADDRESS=unix:path=$work/no-bus

start --config="$conf"
expect "trim is said" wait_for 10 log_has '^\[dry-run\] would ask programs to shrink \(LowMemoryWarning 100\): '
sleep 3
expect "... once" [ "$(grep -c 'ask programs to shrink' "$work/log")" = 1 ]
expect "no word of the bus" eval '! log_has "^trim: "'
expect "nothing was done" eval '! log_has "^(paged out|asked programs)"'
"$HEADROOMCTL" -o json status >"$work/out"
expect "it counts as a measure" grep -qE '^ *"measures": [1-9]' "$work/out"
expect "... that did not fail" grep -qE '^ *"measures_failed": 0' "$work/out"
expect "nothing is to be undone" [ "$(field entries)" = 0 ]

# A reload in the middle of it begins afresh.
kill -HUP "$daemon"
expect "a reload" wait_for 10 log_has '^policy loaded again'
twice() { [ "$(grep -c 'would ask programs to shrink' "$work/log")" = 2 ]; }
expect "... takes the first step anew" wait_for 10 twice

# After a release by hand nothing is begun, whatever the condition.
"$HEADROOMCTL" release >/dev/null
sleep 1 # the log is written by a thread of its own
before=$(grep -c 'dry-run. would' "$work/log")
sleep 4
expect "after a release nothing is begun" [ "$(grep -c 'dry-run. would' "$work/log")" = "$before" ]
stop
expect "it ends with 0" [ $? -eq 0 ]
finish
