#!/bin/bash
# swap-leak: as leak, with 256 MB of slow swap to fill first.
#: --swap-disk 256M:1500
# shellcheck source=tests/guest/scenarios/lib.sh
. /guest/lib.sh
swapon "$SWAP_DISK"
bench_begin swap-leak "$1"
bystander steady 100
bystander small 20
bench_daemon
bench_hog 60 -- "$bin/hog" --rate 60
bench_end
