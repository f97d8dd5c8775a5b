#!/bin/bash
# protect-rule: as protect, but the 200 MB process is protected by a rule of the daemon, not by its oom_score_adj.
# shellcheck source=tests/guest/scenarios/lib.sh
. /guest/lib.sh
bench_begin protect-rule "$1"
bystander precious 200
bystander steady 100
bystander small 20
protect_by_rule precious
bench_daemon
bench_hog 60 -- "$bin/hog" --rate 40
bench_end
