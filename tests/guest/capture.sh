#!/bin/bash
# Makes tests/fixtures/debian-*: a guest with zram swap in use, a few services, and processes that parsers trip over.
# Not a scenario. The command that runs it stands in the README of each fixture.
# shellcheck source=tests/guest/scenarios/lib.sh
. /guest/lib.sh

modprobe zram
echo 256M >/sys/block/zram0/disksize
mkswap /dev/zram0 >/dev/null
swapon -p 100 /dev/zram0

bench_begin capture none
bystander steady 100 -p MemoryLow=64M
bystander idle 20 -p OOMScoreAdjust=-900
bystander limited 20 -p MemoryHigh=80M -p MemoryMax=120M -p MemorySwapMax=16M
# Names that break a parser which looks for the first ')' or reads a line. systemd 257 trips over them itself, so that
# a shell has to start them.
hostile() {
    ln -f "$bin/hog" "$bin/$3"
    # shellcheck disable=SC2016 # for the inner shell
    systemd-run --quiet --unit="$1" --slice="$2" --setenv=NAME="${3@Q}" \
        /bin/bash -c 'eval "exec /guest/bin/$NAME --max 6"'
}
hostile hostile bench.slice 'foo) Z '
hostile newline bench-sub.slice $'new\nline\t)'
systemd-run --quiet --unit=zombie --slice=bench.slice -p OOMPolicy=kill "$bin/odd" 24
systemd-run --quiet --unit=hog --slice=bench.slice "$bin/hog" --max 100 --ready /run/hog.ready
wait_for 60 test -e /run/hog.ready
# Some of it out to zram. The pages are noise, so that zram saves nothing: the worst ratio there is. The kernel says
# EAGAIN where it got less than it was asked for.
echo 60M >/sys/fs/cgroup/bench.slice/memory.reclaim || true
sleep 2

bash /guest/capture.sh --cgroup 'bench.slice*' --cgroup init.scope --cgroup system.slice/dbus.service \
    --cgroup 'system.slice/systemd-journald.service' --cgroup user.slice --processes 16 "$out/tree"
rm -f "$out"/*.json
find "$out/tree" -type f | wc -l
du -sk --apparent-size "$out/tree"
