#!/bin/bash
# calm-churn: four jobs at a time of up to 40 MB, each a third of a second, for 30 s: what a parallel build looks like.
# shellcheck source=tests/guest/scenarios/lib.sh
. /guest/lib.sh
bench_begin calm-churn "$1"
bystander steady 100
bystander small 20
bench_daemon
bench_hog 45 -- "$bin/churn" --seconds 30 --jobs 4 --mb 40 --life 300
bench_end
