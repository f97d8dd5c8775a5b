#!/bin/bash
# livelock: plenty of slow swap, and a service whose four threads walk over the same 700 MB for ever in a guest of
# 512 MB. Nothing runs out, nothing fails, and nobody gets any work done; free swap looks harmless all the time.
#: --swap-disk 1G:1000
# shellcheck source=tests/guest/scenarios/lib.sh
. /guest/lib.sh
swapon "$SWAP_DISK"
bench_begin livelock "$1"
bystander steady 100
bystander small 20
bench_daemon
bench_hog 50 -- "$bin/hog" --rate 100 --max 700 --touch-again --walkers 4
bench_end
