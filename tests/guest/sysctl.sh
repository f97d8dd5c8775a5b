#!/bin/bash
# sysctl: the section [Sysctl] on a real kernel: what is set, what is held back, what somebody else changes, and what
# is there again after a stop and after SIGKILL.
#
#   scripts/guest-run --swap-disk 256M:2000 --stage DIR tests/guest/sysctl.sh PART...
#
# PART is set, crash, commit or swap: one guest for each, or a busy machine does not get through them in time. Prints
# ok and not ok lines; exit status 1 where one is not ok.
#: --swap-disk 256M:2000
# shellcheck source=tests/guest/scenarios/lib.sh
. /guest/lib.sh
n=0 failed=0 name=''
conf=/etc/headroom/headroomd.conf.d/sysctl.conf

result() {
    n=$((n + 1))
    [ "$1" = ok ] || failed=1
    echo "$1 $n - $name: $2"
}
vm() { cat "/proc/sys/vm/$1"; }
vm_is() { [ "$(vm "$1")" = "$2" ]; }
# expect_vm KEY VALUE [SECONDS]
expect_vm() {
    if wait_for "${3:-1}" vm_is "$1" "$2"; then
        result ok "vm.$1 is $2"
    else
        result 'not ok' "vm.$1 is $(vm "$1"), not $2"
        journal_since -u headroomd | tail -n 12 | sed 's/^/# /'
    fi
}
said() { journal_since -u headroomd | grep -E -- "$1" >/dev/null; }
said_times() { journal_since -u headroomd | grep -cE -- "$1" || true; }
# expect_said SECONDS REGEX
expect_said() {
    if wait_for "$1" said "$2"; then
        result ok "said: $(journal_since -u headroomd | grep -E -- "$2" | tail -n 1)"
    else
        result 'not ok' "nothing like /$2/ was said"
        journal_since -u headroomd | tail -n 12 | sed 's/^/# /'
    fi
}
# of KEY FIELD: one value of headroomctl sysctl
of() {
    headroomctl sysctl -o json | awk -v key="\"vm.$1\"," -v field="\"$2\":" \
        '$1 == "\"key\":" { inside = $2 == key } inside && $1 == field { $1 = ""; gsub(/^ |,$/, ""); print; exit }'
}
# expect_of KEY FIELD VALUE
expect_of() {
    local got
    got=$(of "$1" "$2")
    if [ "$got" = "$3" ]; then result ok "vm.$1: $2 is $3"; else result 'not ok' "vm.$1: $2 is $got, not $3"; fi
}
configure() {
    mkdir -p "${conf%/*}"
    printf '[Sysctl]\n' >$conf
    printf '%s\n' "$@" >>$conf
}
begin() {
    name=$1
    journal_cursor=$(journalctl -n 0 --show-cursor | sed -n 's/^-- cursor: //p')
}
start() { systemctl start headroomd || fail "headroomd does not start: $(journalctl -u headroomd -n 5 -o cat)"; }
main_pid() { systemctl show -P MainPID headroomd; }
is_another() { [ "$(main_pid)" != "$1" ] && [ "$(main_pid)" != 0 ] && systemctl -q is-active headroomd; }
# kill_daemon: SIGKILL, and wait for the next one.
kill_daemon() {
    local pid
    pid=$(main_pid)
    kill -KILL "$pid"
    wait_for 30 is_another "$pid" || fail "headroomd was not started again"
}

# by headroomctl, when the unit has ended, or by the next daemon
put_back='vm.vfs_cache_pressure 50 -> 100: restored|put back vm.vfs_cache_pressure: 100'
keys='swappiness overcommit_memory overcommit_ratio overcommit_kbytes min_free_kbytes watermark_scale_factor
watermark_boost_factor page-cluster vfs_cache_pressure admin_reserve_kbytes user_reserve_kbytes'
declare -A was
for key in $keys; do was[$key]=$(vm "$key"); done
# expect_as_before [KEY...]: all settings but these
expect_as_before() {
    local key wrong=''
    for key in $keys; do
        case " $* " in *" $key "*) continue ;; esac
        vm_is "$key" "${was[$key]}" || wrong="$wrong $key=$(vm "$key")(${was[$key]})"
    done
    if [ -z "$wrong" ]; then result ok "everything else is as before"; else result 'not ok' "not as before:$wrong"; fi
}

swapon "$SWAP_DISK"
device=${SWAP_DISK##*/}
base=40
[ "$(cat "/sys/block/$device/queue/rotational")" = 1 ] || base=66

part_set() {
    begin 'set and put back'
    configure Swappiness=auto PageCluster=0 WatermarkScaleFactor=125 WatermarkBoostFactor=0 VfsCachePressure=50 \
        MinFreeKbytes=8192 AdminReserveKbytes=9000 UserReserveKbytes=20000
    start
    expect_vm swappiness $base
    expect_vm page-cluster 0
    expect_vm watermark_scale_factor 125
    expect_vm watermark_boost_factor 0
    expect_vm vfs_cache_pressure 50
    expect_vm min_free_kbytes 8192
    expect_vm admin_reserve_kbytes 9000
    expect_vm user_reserve_kbytes 20000
    expect_said 5 "set vm.swappiness from ${was[swappiness]} to $base: swap is "
    expect_of swappiness original "${was[swappiness]}"
    expect_of swappiness wanted $base
    expect_of swappiness state '"in-force"'
    expect_of overcommit_memory state '"left-alone"'
    systemctl stop headroomd
    expect_as_before
    expect_said 5 "put back vm.swappiness from $base to ${was[swappiness]}"

    begin 'drift'
    start
    sysctl -q -w vm.vfs_cache_pressure=77 vm.swappiness="${was[swappiness]}"
    expect_said 20 "vm.vfs_cache_pressure is 77 and not the 50 that was set \(100 before that\): somebody else"
    expect_said 20 "vm.swappiness is ${was[swappiness]} and not the $base that was set \(which is what it was before\)"
    sleep 21
    expect_vm vfs_cache_pressure 77
    expect_of vfs_cache_pressure state '"changed-by-somebody-else"'
    if [ "$(said_times 'vfs_cache_pressure is 77')" = 1 ]; then result ok "said once"; else result 'not ok' "said more than once"; fi
    systemctl stop headroomd
    expect_vm vfs_cache_pressure 77
    expect_as_before vfs_cache_pressure
    sysctl -q -w vm.vfs_cache_pressure="${was[vfs_cache_pressure]}"

    begin 'what may harm'
    sysctl -q -w vm.panic_on_oom=0
    configure VfsCachePressure=50
    start
    sysctl -q -w vm.oom_kill_allocating_task=1
    expect_said 20 'vm.oom_kill_allocating_task is set'
    sysctl -q -w vm.oom_kill_allocating_task=0
    configure Swappiness=300
    systemctl reload headroomd || true
    expect_said 5 'Swappiness=300, expected keep, auto or 0 to 200'
    expect_vm vfs_cache_pressure 50
    systemctl stop headroomd
    rm -f $conf
    expect_as_before
}

part_crash() {
    begin 'SIGKILL, Restore=exit'
    configure VfsCachePressure=50 OvercommitKbytes=400000
    start
    expect_vm vfs_cache_pressure 50
    expect_vm overcommit_kbytes 400000
    expect_vm overcommit_ratio 0
    expect_of overcommit_ratio state '"zeroed-by-the-kernel"'
    expect_of overcommit_ratio original "${was[overcommit_ratio]}"
    kill_daemon
    expect_said 5 "$put_back"
    expect_vm vfs_cache_pressure 50
    expect_vm overcommit_kbytes 400000
    expect_of vfs_cache_pressure original 100
    # and with nothing to set it anew: the next start alone puts it back
    configure VfsCachePressure=keep
    kill_daemon
    expect_as_before
    systemctl stop headroomd
    expect_as_before

    begin 'SIGKILL, Restore=stop'
    configure VfsCachePressure=50 OvercommitKbytes=400000 Restore=stop
    start
    kill_daemon
    expect_vm vfs_cache_pressure 50
    expect_of vfs_cache_pressure original 100
    if said "$put_back"; then result 'not ok' "it was put back"; else result ok "it was not put back"; fi
    systemctl stop headroomd
    expect_as_before

    begin 'Restore=never'
    configure VfsCachePressure=50 Restore=never
    start
    systemctl stop headroomd
    expect_vm vfs_cache_pressure 50
    sysctl -q -w vm.vfs_cache_pressure="${was[vfs_cache_pressure]}"
}

part_commit() {
    begin 'strict overcommit'
    swapoff "$SWAP_DISK"
    configure OvercommitMemory=2 OvercommitKbytes=4096
    start
    expect_said 5 'vm.overcommit_memory stays 0: not now: Committed_AS [0-9.]+M and admin_reserve_kbytes [0-9.]+M are above the CommitLimit of 4M'
    expect_vm overcommit_memory 0
    expect_of overcommit_memory state '"held-back"'
    configure OvercommitMemory=2 OvercommitRatio=auto
    systemctl reload headroomd
    expect_vm overcommit_memory 2 20
    if /bin/true; then result ok "a fork works"; else result 'not ok' "a fork fails"; fi
    say "Committed_AS $(awk '/^Committed_AS/ { print $2 }' /proc/meminfo), CommitLimit $(awk '/^CommitLimit/ { print $2 }' /proc/meminfo)"
    expect_of overcommit_ratio why_key '"commit-peak"'
    # a limit below what is committed, while it is in force
    configure OvercommitMemory=2 OvercommitRatio=1
    systemctl reload headroomd
    expect_said 20 'vm.overcommit_ratio stays [0-9]+: not now: .* that this value would give'
    expect_vm overcommit_memory 2
    systemctl stop headroomd
    expect_as_before
    if grep -q '^commit_peak_bytes [0-9]*$' /var/lib/headroom/commit-peak; then
        result ok "the peak is kept: $(cat /var/lib/headroom/commit-peak)"
    else
        result 'not ok' "the peak is not kept"
    fi
}

part_swap() {
    begin 'release by hand'
    configure VfsCachePressure=50
    start
    expect_vm vfs_cache_pressure 50
    headroomctl release >/dev/null
    expect_vm vfs_cache_pressure 100 5
    sleep 21
    expect_vm vfs_cache_pressure 100
    expect_of vfs_cache_pressure state '"released-by-hand"'
    systemctl stop headroomd
    expect_as_before

    begin 'zram'
    swapoff "$SWAP_DISK"
    modprobe zram num_devices=1 || fail "no zram"
    echo 128M >/sys/block/zram0/disksize
    mkswap /dev/zram0 >/dev/null
    swapon -p 100 /dev/zram0
    swapon "$SWAP_DISK"
    configure Swappiness=auto PageCluster=auto
    start
    expect_vm swappiness 180
    expect_vm page-cluster 0
    swapoff /dev/zram0
    expect_vm swappiness $base 90
    expect_vm page-cluster 3 1
    swapoff "$SWAP_DISK"
    expect_vm swappiness "${was[swappiness]}" 20
    expect_said 5 'put back vm.swappiness'
    expect_of swappiness why_key '"no-swap"'
    systemctl stop headroomd
    expect_as_before

    begin 'read-only /proc/sys'
    mkdir -p /run/systemd/system/headroomd.service.d
    printf '[Service]\nReadWritePaths=\nReadOnlyPaths=/proc/sys\n' >/run/systemd/system/headroomd.service.d/ro.conf
    systemctl daemon-reload
    configure VfsCachePressure=50
    start
    expect_said 5 'vm.vfs_cache_pressure is skipped: 50 could not be written: Read-only file system'
    expect_of vfs_cache_pressure state '"failed"'
    systemctl stop headroomd
    expect_as_before
    rm /run/systemd/system/headroomd.service.d/ro.conf
    systemctl daemon-reload
}

[ $# -gt 0 ] || fail "which part? set, crash, commit or swap"
for part in "$@"; do "part_$part"; done
exit $failed
