#!/bin/bash
# latency: from the beginning of the sample that crosses the limit to the signal, while the host thrashes. The load is
# that of the livelock scenario, and nobody ends it; beside it, small processes are put one by one into a cgroup whose
# policy kills as soon as it holds anything. The daemon measures each kill itself (HEADROOM_LATENCY_USEC).
#
#   scripts/guest-run --swap-disk 1G:1000 --stage DIR tests/guest/latency.sh [VICTIMS] [livelock|idle]
#
# Prints one line of JSON: percentiles over the victims; of the last minute or two under the load, how late the loop
# came to its work (loop_*) and how long that took (tick_*); and how often the daemon waited for a disk (majflt).
#: --swap-disk 1G:1000
# shellcheck source=tests/guest/scenarios/lib.sh
. /guest/lib.sh
victims=${1:-60} load=${2:-livelock}

mkdir -p /etc/headroom/cgroups.d /etc/headroom/rules.d
ln -sf /dev/null /etc/headroom/cgroups.d/90-host.conf
cat >/etc/headroom/cgroups.d/10-targets.conf <<'POLICY'
[Match]
Cgroup=targets.slice
[Kill]
When=usage > 2M
Do=kill
Victim=process
Cooldown=0s
POLICY
systemctl start bench.slice
systemctl start targets.slice
if [ "$load" = livelock ]; then swapon "$SWAP_DISK"; fi
systemctl start headroomd || fail "headroomd does not start"
daemon_pid=$(systemctl show -P MainPID headroomd)
# Its faults that needed a disk; and the time that its loop was ready to run and had no CPU, in milliseconds.
majflt() { awk '{ sub(/^.*\) /, ""); print $10 }' "/proc/$daemon_pid/stat"; }
cpu_wait_ms() { awk '{ printf "%d", $2 / 1000000 }' "/proc/$daemon_pid/task/$daemon_pid/schedstat"; }
majflt_before=$(majflt) cpu_wait_before=$(cpu_wait_ms)
if [ "$load" = livelock ]; then
    systemd-run --quiet --unit=hog --slice=bench.slice "$bin/hog" --rate 100 --max 700 --touch-again --walkers 4
    thrashing() { awk -F'[ =]' '/^full/ { exit !($3 > 20) }' /proc/pressure/memory; }
    wait_for 60 thrashing || say "the load does not thrash"
fi

targets=/sys/fs/cgroup/targets.slice/one
mkdir -p "$targets"
gone() { ! grep -q 1 <<<"$(sed -n 's/^populated //p' "$targets/cgroup.events")"; }
for ((i = 0; i < victims; i++)); do
    bash -c "echo \$\$ >$targets/cgroup.procs; exec $bin/hog --max 4" &
    disown
    wait_for 20 gone || say "victim $i stays"
done
# Before the load goes: the daemon keeps the figures of the recent past.
daemon_status
majflt=$(($(majflt) - majflt_before)) cpu_wait=$(($(cpu_wait_ms) - cpu_wait_before))
systemctl kill -s KILL hog 2>/dev/null || true
sleep 3
journalctl --sync
journalctl -u headroomd -o json --output-fields=HEADROOM_LATENCY_USEC |
    sed -n 's/.*"HEADROOM_LATENCY_USEC":"\([0-9]*\)".*/\1/p' | sort -n >"$out/latency"
loop=''
for key in p50 p99 max; do
    loop+=",\"loop_${key}_ms\":$(daemon_recent tick_lateness ${key}_usec),\"tick_${key}_ms\":$(daemon_recent tick ${key}_usec)"
done
loop+=",\"majflt\":$majflt,\"cpu_wait_ms\":$cpu_wait"
awk -v load="$load" -v loop="$loop" '
    { v[NR] = $1 }
    function at(p) { i = int(NR * p / 100 + 0.999); return v[i < 1 ? 1 : i] / 1000 }
    END { printf "{\"scenario\":\"latency\",\"load\":\"%s\",\"kills\":%d,\"p50_ms\":%.1f,\"p99_ms\":%.1f,\"max_ms\":%.1f%s}\n",
          load, NR, NR ? at(50) : 0, NR ? at(99) : 0, NR ? v[NR] / 1000 : 0, loop }' "$out/latency"
