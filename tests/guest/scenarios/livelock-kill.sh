#!/bin/bash
# livelock-kill: the load of the livelock without an end, and nothing that could hold it: headroom has no step between
# the warning and the kill but to ask programs to shrink, which this one does not hear. Then it must be ended.
#: --swap-disk 1G:1000
# shellcheck source=tests/guest/scenarios/lib.sh
. /guest/lib.sh
swapon "$SWAP_DISK"
bench_begin livelock-kill "$1"
bystander steady 100
bystander small 20
if [ "$daemon" = headroom ]; then
    mkdir -p /etc/headroom/cgroups.d/90-host.conf.d
    printf '[Relieve]\nDo=trim\n' >/etc/headroom/cgroups.d/90-host.conf.d/no-hold.conf
fi
bench_daemon
bench_hog 50 -- "$bin/hog" --rate 100 --max 700 --touch-again --walkers 4
bench_end
