#!/bin/bash
# neighbour: a service that answers a request every 10 ms out of 120 MB, with MemoryLow= on it and its slice, beside a
# batch job of 900 MB in a guest of 512 MB, with slow swap. What is measured first without the job and then beside it is
# the service's own delay. The job has work for longer than we watch; it shall live, and get on.
#: --swap-disk 1G:1000 --timeout 300
# shellcheck source=tests/guest/scenarios/lib.sh
. /guest/lib.sh
swapon "$SWAP_DISK"
bench_begin neighbour "$1"
systemctl start server.slice
systemctl set-property --runtime server.slice MemoryLow=150M CPUWeight=1000
# Batch jobs run where nobody else wants the CPU: that is for the scheduler, and no daemon can make up for it.
systemctl set-property --runtime bench.slice CPUWeight=idle
systemd-run --quiet --unit=server --slice=server.slice -p MemoryLow=150M -p RemainAfterExit=yes \
    "$bin/server" --mb 120 --step 512 --fresh 128 --file /guest/probe.data --out "$out/server" \
    --worst "$out/worst"
wait_for 30 test -e "$out/server" || fail "the server did not start"
bystanders+=(server)
bystander_pids+=("$(systemctl show -P MainPID server)")
# What somebody writes who runs batch jobs beside a service: they may have what is left over, and no more.
if [ "$daemon" = headroom ]; then
    mkdir -p /etc/headroom/cgroups.d
    cat >/etc/headroom/cgroups.d/50-batch.conf <<'POLICY'
[Match]
Cgroup=bench.slice

[Relieve]
# Held before anybody has to wait for the kernel to find pages.
When=host.available < 30%
Until=host.available > 50% for 5s
Do=throttle floor=10%
POLICY
fi
bench_daemon

lines() { [ "$(wc -l <"$out/server")" -ge "$1" ]; }
# figures N: the server's Nth line, of the time since the one before.
figures() {
    systemctl kill -s USR1 server
    wait_for 20 lines "$1" || fail "the server gives no figures"
}
sleep 3
figures 1
# As long as beside the job: the worst of a longer time is worse by chance alone.
sleep 45
figures 2
service=/sys/fs/cgroup/server.slice/server.service
# service_count KEY: what the kernel has counted of it.
service_count() { sed -n "s/^$1 //p" "$service/memory.stat"; }
psi_before=$(sed -n 's/^full.*total=//p' "$service/memory.pressure") majflt_before=$(service_count pgmajfault)
bench_job 45 -- "$bin/hog" --rate 100 --max 900 --touch-again --seconds 600 --progress /run/hog.progress
job_mb=$(($(progress /run/hog.progress) / 256))
figures 3
# Did it wait for memory, or for a disk?
extra+=",\"service_stalled_us\":$(($(sed -n 's/^full.*total=//p' "$service/memory.pressure") - psi_before))"
extra+=",\"service_majflt\":$(($(service_count pgmajfault) - majflt_before))"
sed -n 2p "$out/server" >"$out/alone"
sed -n 3p "$out/server" >"$out/beside"
for key in p50_us p99_us p999_us worst_us; do
    extra+=",\"alone_$key\":$(json_get $key "$out/alone"),\"beside_$key\":$(json_get $key "$out/beside")"
done
extra+=",\"beside_late_permille\":$(json_get late_permille "$out/beside"),\"job_mb\":$job_mb"
# Where each of the longest delays came from: alone, and beside the job.
sed 's/^/# /' "$out/worst"
pkill -KILL -x hog || true
bench_restored 60
bench_end
