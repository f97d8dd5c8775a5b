#!/bin/bash
# stubborn: the leak again, by a service that ignores SIGTERM. Asking is not enough: SIGKILL has to follow while there
# is still memory left, and nobody else may pay for the wait.
# shellcheck source=tests/guest/scenarios/lib.sh
. /guest/lib.sh
bench_begin stubborn "$1"
bystander steady 100
bystander small 20
bench_daemon
bench_hog 60 -- "$bin/hog" --rate 30 --ignore-term
bench_end
