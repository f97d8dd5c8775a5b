#!/bin/bash
# leak: no swap; one service leaks 60 MB/s beside a steady 100 MB and a small 20 MB one.
# shellcheck source=tests/guest/scenarios/lib.sh
. /guest/lib.sh
bench_begin leak "$1"
bystander steady 100
bystander small 20
bench_daemon
bench_hog 60 -- "$bin/hog" --rate 60
bench_end
