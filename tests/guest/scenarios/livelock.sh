#!/bin/bash
# livelock: plenty of slow swap, and a job whose four threads walk over the same 700 MB for a minute in a guest of
# 512 MB, and then end well. Nothing runs out, nothing fails, and nobody gets any work done; free swap looks harmless
# all the time. It need not die: held back, it leaves the others alone. The probe is a program of 32 MB that uses another
# 8 of them each turn, and takes 512 KB of new memory, as any program does that has a request to answer: it is there
# that a livelock is felt.
#: --swap-disk 1G:1000
# shellcheck source=tests/guest/scenarios/lib.sh
. /guest/lib.sh
swapon "$SWAP_DISK"
bench_begin livelock "$1"
bystander steady 100
bystander small 20
probe_options=(--mb 32 --fresh 512)
bench_daemon
bench_job 75 -- "$bin/hog" --rate 100 --max 700 --touch-again --walkers 4 --seconds 60 --progress /run/hog.progress
extra+=",\"job_mb\":$(($(progress /run/hog.progress) / 256))"
bench_restored 30
bench_end
