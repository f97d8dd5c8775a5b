#!/bin/bash
# calm: 100 MB/s of file streaming for 60 s, from more files than there is memory. Reclaim never rests, and there is
# nothing to worry about: nobody may be killed or throttled.
#: --data-disk 640M
# shellcheck source=tests/guest/scenarios/lib.sh
. /guest/lib.sh
bench_begin calm "$1"
bystander steady 100
bystander small 20
bench_daemon
bench_hog 75 -- "$bin/stream" --seconds 60 --rate 100 /data/[0-9]*
bench_end
