#!/bin/bash
# idle: what the service costs on a host with plenty of memory: wake-ups, CPU time and private anonymous memory.
#
#   scripts/guest-run --mem 6G --stage DIR tests/guest/idle.sh [SECONDS]
#
# Prints one line of JSON. CPU time under software emulation is some ten times that of the metal.
# shellcheck source=tests/guest/scenarios/lib.sh
. /guest/lib.sh
seconds=${1:-30}
systemctl start headroomd || fail "headroomd does not start"
sleep 15
pid=$(systemctl show -P MainPID headroomd)
switches() { cat /proc/"$pid"/task/*/status | awk '/^voluntary_ctxt_switches/ { n += $2 } END { print n }'; }
cpu_ns() { cat /proc/"$pid"/task/*/schedstat | awk '{ n += $1 } END { printf "%.0f\n", n }'; }
before=$(switches) cpu=$(cpu_ns)
sleep "$seconds"
after=$(switches) cpu=$(($(cpu_ns) - cpu))
anon=$(awk '/^Anonymous:/ { print $2 }' "/proc/$pid/smaps_rollup")
printf '{"scenario":"idle","suite":"%s","seconds":%d,"wakeups":%d,"cpu_ms":%d,"private_anonymous_kib":%d}\n' \
    "$SUITE" "$seconds" $((after - before)) $((cpu / 1000000)) "$anon"
