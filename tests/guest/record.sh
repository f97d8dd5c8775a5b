#!/bin/bash
# record: [Record] under the unit as it is shipped: samples, a kill, rotation below the total size, SIGKILL of the daemon.
#
#   scripts/guest-run --stage DIR tests/guest/record.sh [cost SECONDS]
#
# Prints ok and not ok lines; exit status 1 where one is not ok. With cost it measures instead, and prints one line of
# JSON: CPU time and bytes with 100 cgroups that are all watched and 300 processes, of which 100 grow. CPU time under
# software emulation is some ten times that of the metal; recording beside not recording is what to look at.
#: --timeout 360
# shellcheck source=tests/guest/scenarios/lib.sh
. /guest/lib.sh
n=0 failed=0
conf=/etc/headroom/headroomd.conf.d/record.conf
traces=/var/lib/headroom/trace

result() {
    n=$((n + 1))
    [ "$1" = ok ] || failed=1
    echo "$1 $n - $2"
}
# expect WHAT COMMAND...
expect() {
    local what=$1
    shift
    if "$@" >/dev/null 2>&1; then result ok "$what"; else result 'not ok' "$what ($*)"; fi
}
configure() {
    mkdir -p "${conf%/*}"
    printf '%s\n' '[Record]' "$@" >$conf
}
begin() { journal_cursor=$(journalctl -n 0 --show-cursor | sed -n 's/^-- cursor: //p'); }
said() { journal_since -u headroomd | grep -E -- "$1" >/dev/null; }
start() { systemctl start headroomd || fail "headroomd does not start: $(journalctl -u headroomd -n 5 -o cat)"; }
main_pid() { systemctl show -P MainPID headroomd; }
is_another() { [ "$(main_pid)" != "$1" ] && [ "$(main_pid)" != 0 ] && systemctl -q is-active headroomd; }
# number KEY: of the trace
number() { headroomctl trace info -o json $traces | sed -n "s/^ *\"$1\": \([0-9]*\),\{0,1\}$/\1/p" | head -n 1; }
at_least() { [ "$(number "$2")" -ge "$1" ]; }
is() { [ "$(number "$2")" = "$1" ]; }
total_bytes() { find $traces -name '*.trace' -printf '%s\n' | awk '{ n += $1 } END { print n + 0 }'; }
cpu_ns() { cat /proc/"$1"/task/*/schedstat | awk '{ n += $1 } END { printf "%.0f\n", n }'; }

check() {
    local pid bytes i
    # --- samples and a kill ---
    configure Record=yes DetailInterval=5s
    begin
    start
    expect "it says that it records" said "^recording to $traces"
    systemd-run --quiet --unit=steady --slice=bench.slice "$bin/hog" --max 60
    sleep 12
    systemd-run --quiet --unit=leak --slice=bench.slice "$bin/hog" --rate 60
    wait_for 90 said '^(killed|terminating) hog' || true
    sleep 5
    expect "a leak was killed" said '^(killed|terminating) hog'
    pid=$(main_pid)
    kill -KILL "$pid"
    wait_for 30 is_another "$pid" || fail "headroomd was not started again"
    sleep 3
    expect "what a killed daemon has recorded reads" at_least 10 decisions
    expect "... with details" at_least 2 detailed_samples
    expect "... with the kill" at_least 1 kill_decisions
    expect "... and its second look" at_least 1 confirms
    expect "... and is no damage" is 0 damaged
    expect "nothing was lost" is 0 lost_records
    # In files: a reader that stops early would break the pipe.
    headroomctl trace info $traces >"$out/info"
    headroomctl trace dump $traces >"$out/dump"
    expect "the victim is in it" grep -q 'hog (pid [0-9]*) in /bench.slice/leak.service' "$out/info"
    expect "its memory is in it" grep -q '^  cgroup /bench.slice/leak.service .* anon=[0-9]' "$out/dump"
    expect "its program is in it" grep -q '^  process [0-9]* .*exe=.*/hog$' "$out/dump"
    # Linux 6.12 and later
    if { printf 'reset\n' >/sys/fs/cgroup/bench.slice/memory.peak; } 2>/dev/null; then
        expect "the peak of each interval is in it" grep -q '^  cgroup /bench.slice/steady.service .* peak_interval=[0-9]' "$out/dump"
    else
        expect "an older kernel has no peak of an interval" [ "$(grep -c peak_interval "$out/dump")" = 0 ]
    fi
    expect "for root only" [ "$(find $traces -name '*.trace' -perm /077 | wc -l)" = 0 ]
    systemctl stop headroomd steady

    # --- rotation: older files, as a week would have left them ---
    local first old
    first=$(find $traces -name '*.trace' | sort | head -n 1)
    old=$traces/headroom-16000000000000
    for i in 10 11 12 13 14; do
        cp "$first" "$old$i.trace"
        truncate -s 1M "$old$i.trace"
    done
    echo mine >$traces/notes
    configure Record=yes Interval=100ms DetailInterval=1s FileSize=1M TotalSize=4M
    start
    sleep 5
    bytes=$(total_bytes)
    expect "below the total size: $bytes bytes in $(find $traces -name '*.trace' | wc -l) files" [ "$bytes" -le $((4 << 20)) ]
    expect "the oldest went first" [ ! -e "${old}10.trace" ]
    expect "... and not the newest" [ -e "${old}14.trace" ]
    expect "nothing else is touched" [ "$(cat $traces/notes)" = mine ]
    systemctl stop headroomd
    rm -rf $traces

    # --- a place where it may not write is said, and the guard goes on ---
    configure Record=yes Directory=/usr/trace
    begin
    start
    expect "a place that is read-only is said" said '^nothing is recorded, /usr/trace: '
    expect "... and headroomd runs" systemctl -q is-active headroomd
    systemctl stop headroomd
    exit $failed
}

# measure SECONDS: CPU ms of the daemon in that time
measure() {
    local pid before
    start
    sleep 20
    pid=$(main_pid)
    before=$(cpu_ns "$pid")
    sleep "$1"
    echo $((($(cpu_ns "$pid") - before) / 1000))
    systemctl stop headroomd
}

# Takes a page more each second. One process in three does: a recorder reads only what has changed, and where all sleep
# it would be flattered.
restless() {
    local page pipe pages=()
    printf -v page '%4000s' ''
    exec {pipe}<> <(:)
    while :; do read -rt 1 -u "$pipe" || pages+=("$page"); done
}

cost() {
    local seconds=$1 i k off on bytes samples
    printf '+memory' >/sys/fs/cgroup/cgroup.subtree_control
    mkdir -p /sys/fs/cgroup/many.slice
    printf '+memory' >/sys/fs/cgroup/many.slice/cgroup.subtree_control
    for i in $(seq 100); do
        mkdir "/sys/fs/cgroup/many.slice/g$i"
        for k in 1 2 3; do
            if [ $k = 1 ]; then restless & else sleep 100000 & fi
            echo $! >"/sys/fs/cgroup/many.slice/g$i/cgroup.procs"
        done
    done
    mkdir -p /etc/headroom/cgroups.d
    printf '[Match]\nCgroup=many.slice/*\n\n[Warn]\nWhen=full 10s > 90%%\n' >/etc/headroom/cgroups.d/30-many.conf
    off=$(measure "$seconds")
    configure Record=yes
    on=$(measure "$seconds")
    bytes=$(total_bytes)
    samples=$(number samples)
    printf '{"scenario":"record-cost","suite":"%s","seconds":%d,"cpu_usec_off":%d,"cpu_usec_on":%d,"bytes":%d,"samples":%d,"bytes_per_day":%s}\n' \
        "$SUITE" "$seconds" "$off" "$on" "$bytes" "$samples" "$(number bytes_per_day)"
}

case ${1:-check} in
cost) cost "${2:-120}" ;;
*) check ;;
esac
