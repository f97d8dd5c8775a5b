#!/bin/bash
# livelock: plenty of slow swap, and a job whose four threads walk over the same 700 MB for a minute in a guest of
# 512 MB, and then end well. Nothing runs out, nothing fails, and nobody gets any work done; free swap looks harmless
# all the time. It need not die: held back, it leaves the others alone. The probe is a program of 32 MB that uses another
# 8 of them each turn, and takes 512 KB of new memory, as any program does that has a request to answer: it is there
# that a livelock is felt. It counts from where less than a tenth of the memory is available.
#
# Late it is for want of CPU, too: beside the same job in a guest of 2 GB (--mem 2G, short of nothing) a tenth of its
# turns are, by up to 55 ms. And under emulation (QEMU 7.2) whoever uses memory anew that held programs stands still in
# clear_page for up to a second, with everybody on that CPU. So what the kernel says that it stood still for memory
# (probe_stall_permille) is the measure, and how often it was late stands beside it.
#: --swap-disk 1G:1000
# shellcheck source=tests/guest/scenarios/lib.sh
. /guest/lib.sh
swapon "$SWAP_DISK"
bench_begin livelock "$1"
bystander steady 100
bystander small 20
probe_options=(--mb 32 --fresh 512)
bench_daemon
# without a fork: it runs beside what is measured
count_from_shortage() {
    local key kib total=0 available=0 probe=$1 pause
    exec {pause}<>/run/livelock.pause
    for (( ; ; )); do
        while read -r key kib _; do
            case $key in
            MemTotal:) total=$kib ;;
            MemAvailable:) available=$kib; break ;;
            esac
        done </proc/meminfo
        [ $((available * 10)) -ge "$total" ] || break
        read -rt 0.1 -u "$pause" || true
    done
    kill -USR1 "$probe"
}
mkfifo /run/livelock.pause
count_from_shortage "$(systemctl show -P MainPID probe)" &
bench_job 75 -- "$bin/hog" --rate 100 --max 700 --touch-again --walkers 4 --seconds 60 --progress /run/hog.progress
if [ "$daemon" = headroom ]; then
    daemon_status
    extra+=",\"loop_p99_ms\":$(daemon_recent tick_lateness p99_usec),\"tick_p99_ms\":$(daemon_recent tick p99_usec)"
fi
extra+=",\"job_mb\":$(($(progress /run/hog.progress) / 256))"
bench_restored 30
bench_end
