#!/bin/bash
# cgroup: a service with MemoryHigh=80M keeps growing. The host has plenty; there is no swap, so the kernel finds
# nothing to reclaim, scans nothing, and lets the service sleep itself to death at its limit.
# shellcheck source=tests/guest/scenarios/lib.sh
. /guest/lib.sh
bench_begin cgroup "$1"
bystander idle 20
bench_daemon
bench_hog 60 -p MemoryHigh=80M -- "$bin/hog" --rate 20 --max 400
bench_end
