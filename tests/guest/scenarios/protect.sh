#!/bin/bash
# protect: the largest process, 200 MB, has oom_score_adj -1000; a steady 100 MB one has not, and a service leaks
# 40 MB/s. The leak is the smallest of the three when memory runs out, and the one that has to go.
# shellcheck source=tests/guest/scenarios/lib.sh
. /guest/lib.sh
bench_begin protect "$1"
bystander precious 200 -p OOMScoreAdjust=-1000
bystander steady 100
bystander small 20
bench_daemon
bench_hog 60 -- "$bin/hog" --rate 40
bench_end
