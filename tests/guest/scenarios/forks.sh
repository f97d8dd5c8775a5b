#!/bin/bash
# forks: a service whose parent holds nothing forks 60 children that grow to 30 MB each at 10 MB/s. No single one of
# them is large; whoever looks at processes one by one sees the bystanders first.
# shellcheck source=tests/guest/scenarios/lib.sh
. /guest/lib.sh
bench_begin forks "$1"
bystander steady 100
bystander small 20
bench_daemon
bench_hog 60 -- "$bin/hog" --forks 60 --fork-max 30 --fork-rate 10
bench_end
