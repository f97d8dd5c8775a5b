#!/bin/bash
# measures: each step below the kill, once, by the service as it is shipped, on a service of its own: is it done, does
# the journal say so, does it come back. And what the sandbox of the unit must let through: [Sysctl], the system bus.
#
#   scripts/guest-run --swap-disk 512M:4000 --stage DIR tests/guest/measures.sh PART...
#
# PART: throttle freeze slow crash reclaim pageout trim units sysctl; three of them take an emulated guest two minutes.
# Prints ok and not ok lines; exit status 1 where one is not ok.
#: --swap-disk 512M:4000
# shellcheck source=tests/guest/scenarios/lib.sh
. /guest/lib.sh
n=0 failed=0
result() {
    n=$((n + 1))
    [ "$1" = ok ] || failed=1
    echo "$1 $n - $2"
}
# expect WHAT SECONDS COMMAND...: within so long
expect() {
    local what=$1 seconds=$2
    shift 2
    if wait_for "$seconds" "$@" >/dev/null 2>&1; then
        result ok "$what"
    else
        result 'not ok' "$what ($*)"
        journal_since -u headroomd | tail -n 8 | sed 's/^/# /'
    fi
}
said() { journal_since -u headroomd | grep -E -- "$1" >/dev/null; }
# field_said STEP BY: by its fields. Not by matches of journalctl: 252 leaves out the first match after a cursor.
field_said() {
    journal_since -u headroomd -o json | grep "\"HEADROOM_STEP\":\"$1\"" | grep '"UNIT":"grow.service"' |
        grep "\"HEADROOM_BY\":\"$2\"" >/dev/null
}
is() { [ "$(cat "$1")" = "$2" ]; }
is_not() { [ "$(cat "$1")" != "$2" ]; }
quiet() { ! grep -q '^begin' /run/headroom/undo; }

grow=/sys/fs/cgroup/bench.slice/grow.service
# begin STEPS: a policy for bench.slice, and a fresh daemon. 30 MB of ballast hold the level up until they go.
begin() {
    printf '[Match]\nCgroup=bench.slice\n\n[Relieve]\nWhen=usage > 60M\nUntil=usage < 45M\nDo=%s\n' "$1" \
        >/etc/headroom/cgroups.d/30-test.conf
    journal_cursor=$(journalctl -n 0 --show-cursor | sed -n 's/^-- cursor: //p')
    systemctl reset-failed headroomd 2>/dev/null || true
    systemctl restart headroomd || fail "headroomd does not start"
}
load() {
    rm -f /run/ballast.ready
    systemd-run --quiet --unit=ballast --slice=bench.slice "$bin/hog" --max 30 --ready /run/ballast.ready
    wait_for 30 test -e /run/ballast.ready || fail "the ballast does not stand"
    systemd-run --quiet --unit=grow --slice=bench.slice -p CPUWeight=50 "$@" "$bin/hog" --rate "${rate:-8}" --max 150
}
ease() { systemctl stop ballast; }
unload() {
    systemctl kill -s KILL grow ballast 2>/dev/null || true
    systemctl stop grow ballast 2>/dev/null || true
    systemctl reset-failed grow ballast 2>/dev/null || true
}

swapon "$SWAP_DISK"
mkdir -p /etc/headroom/cgroups.d /etc/headroom/headroomd.conf.d
ln -sf /dev/null /etc/headroom/cgroups.d/90-host.conf
ln -sf /dev/null /etc/headroom/cgroups.d/80-limited.conf
systemctl start bench.slice

# throttle: down, and back when the level is left
part_throttle() {
    begin 'throttle floor=25%'
    load
    expect "throttle: memory.high is set" 40 is_not $grow/memory.high max
    expect "... and journaled before" 1 grep -q ' memory.high ' /run/headroom/undo
    expect "... said with the old value" 5 said '^throttling .*grow.service \(memory.high max -> '
    expect "... straight into the cgroup, and in the journal of the unit" 5 field_said throttle cgroup
    headroomctl status >"$out/status.txt"
    expect "status shows it" 1 grep -qE '^throttle .*grow.service' "$out/status.txt"
    ease
    expect "memory.high is back when the level is left" 60 is $grow/memory.high max
    expect "... and said" 5 said '^released .*grow.service'
    expect "... and nothing is left to undo" 5 quiet
    unload
}

# freeze: released by hand, not frozen again at once
part_freeze() {
    begin 'freeze max=30s'
    rate=2 load
    expect "freeze: frozen" 40 is $grow/cgroup.freeze 1
    headroomctl release >"$out/release.txt" || result 'not ok' "headroomctl release: $(cat "$out/release.txt")"
    expect "thawed by headroomctl release" 1 is $grow/cgroup.freeze 0
    expect "... which says so" 1 grep -q 'cgroup.freeze' "$out/release.txt"
    sleep 8
    expect "... and not frozen again" 1 is $grow/cgroup.freeze 0
    systemctl reload headroomd
    expect "... until a reload" 40 is $grow/cgroup.freeze 1
    rm -f /etc/headroom/cgroups.d/30-test.conf
    systemctl reload headroomd
    expect "a reload without the policy thaws" 10 is $grow/cgroup.freeze 0
    expect "... and the journal is empty" 5 quiet
    unload
}

# slow: through systemd, and back at an orderly end
part_slow() {
    begin 'slow weight=7'
    load
    expect "slow: cpu.weight" 40 is $grow/cpu.weight 7
    expect "... through the manager" 5 field_said slow manager
    expect "... which knows it" 1 [ "$(systemctl show -P CPUWeight grow)" = 7 ]
    systemctl stop headroomd
    expect "back when the service is stopped" 5 is $grow/cpu.weight 50
    expect "... for systemd as well" 1 [ "$(systemctl show -P CPUWeight grow)" = 50 ]
    expect "... IOWeight as well, which was not set" 1 [ "$(systemctl show -P IOWeight grow)" = '[not set]' ]
    unload
}

# killed while it holds something, and not started again: the unit itself puts it back
part_crash() {
    mkdir -p /run/systemd/system/headroomd.service.d
    printf '[Service]\nRestart=no\n' >/run/systemd/system/headroomd.service.d/once.conf
    systemctl daemon-reload
    begin 'throttle floor=25%'
    load
    expect "throttled" 60 is_not $grow/memory.high max
    systemctl kill -s KILL --kill-whom=main headroomd
    expect "after SIGKILL memory.high is back without another daemon" 10 is $grow/memory.high max
    expect "... and nothing is left" 5 quiet
    unload
    begin 'freeze max=30s'
    load
    expect "frozen" 60 is $grow/cgroup.freeze 1
    systemctl kill -s KILL --kill-whom=main headroomd
    expect "after SIGKILL it is thawed without another daemon" 10 is $grow/cgroup.freeze 0
    expect "... and nothing is left" 5 quiet
    rm -r /run/systemd/system/headroomd.service.d
    systemctl daemon-reload
    unload
}

# done, and counted
part_reclaim() {
    begin 'reclaim'
    load
    expect "reclaim" 40 said '^reclaiming .* from .*bench.slice/'
    expect "... brings something" 40 said '^reclaim: [0-9.]+[KMG] in '
    unload
}

# the same without the memory controller
part_pageout() {
    begin 'pageout'
    load
    expect "pageout" 60 said '^paging out '
    expect "... brings something" 60 said '^pageout: [0-9.]+[KMG] in '
    unload
}

# trim: who listens on the bus hears it
part_trim() {
    busctl monitor --system --match "type='signal',interface='org.freedesktop.LowMemoryMonitor'" >"$out/bus.txt" 2>&1 &
    monitor=$!
    sleep 2
    begin 'trim'
    load
    heard() { grep -q 'LowMemoryWarning' "$out/bus.txt"; }
    expect "trim: heard on the bus" 40 heard
    expect "... under its name" 1 busctl --system status org.freedesktop.LowMemoryMonitor
    kill $monitor
    unload
}

# restart and stop: the unit, by systemd
part_units() {
    begin 'restart'
    load -p Restart=no
    pid=$(systemctl show -P MainPID grow)
    restarted() {
        [ "$(systemctl show -P MainPID grow)" != "$pid" ] && [ "$(systemctl show -P ActiveState grow)" = active ]
    }
    expect "restart: another main process" 60 restarted
    unload
    begin 'stop'
    load -p RemainAfterExit=yes
    stopped() { [ "$(systemctl show -P ActiveState grow)" != active ]; }
    expect "stop: it is stopped" 60 stopped
    unload
}

# [Sysctl] through the sandbox
part_sysctl() {
    rm -f /etc/headroom/cgroups.d/30-test.conf
    before=$(cat /proc/sys/vm/swappiness)
    printf '[Sysctl]\nSwappiness=17\n' >/etc/headroom/headroomd.conf.d/50-test.conf
    systemctl restart headroomd
    expect "a sysctl is written" 20 is /proc/sys/vm/swappiness 17
    systemctl stop headroomd
    expect "... and back at the end" 5 is /proc/sys/vm/swappiness "$before"
}

[ $# -gt 0 ] || fail "which part?"
for part in "$@"; do "part_$part"; done
systemctl start headroomd
sleep 5
headroomctl status -o json >"$out/status.json"
expect "the loop's own figures" 1 grep -q '"p99_usec"' "$out/status.json"
systemctl stop headroomd
expect "the unit never failed" 1 [ "$(systemctl show -P Result headroomd)" = success ]
echo "1..$n"
exit $failed
