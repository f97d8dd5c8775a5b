#!/bin/bash
# bad-input: a host that does not have what a step needs, or does not let it. Each time the journal must name the step
# that is skipped, the reason, and what happens instead, and the next step must be taken.
#
#   scripts/guest-run --swap-disk 256M:2000 --stage DIR tests/guest/bad-input.sh
#
# Prints ok and not ok lines; exit status 1 where one is not ok.
#: --swap-disk 256M:2000 --timeout 360
# shellcheck source=tests/guest/scenarios/lib.sh
. /guest/lib.sh
n=0 failed=0
result() {
    n=$((n + 1))
    [ "$1" = ok ] || failed=1
    echo "$1 $n - $2"
}

said() { journal_since -u headroomd | grep -E -- "$1" >/dev/null; }
# said_within SECONDS REGEX: by the clock, since each look takes a while.
said_within() {
    local end=$((SECONDS + $1))
    until said "$2"; do
        [ $SECONDS -lt $end ] || return 1
        sleep 0.2
    done
}
# expect_said WHAT REGEX
expect_said() {
    if said_within 25 "$2"; then
        result ok "$1"
    else
        result 'not ok' "$1 (nothing like /$2/)"
        journal_since -u headroomd | tail -n 12 | sed 's/^/# /'
    fi
}

# expect WHAT COMMAND...
expect() {
    local what=$1
    shift
    if "$@" >/dev/null 2>&1; then result ok "$what"; else result 'not ok' "$what ($*)"; fi
}
swappiness_is() { [ "$(cat /proc/sys/vm/swappiness)" = "$1" ]; }
refuses() { ! headroomctl check >"$out/check" 2>&1; }

# begin DO: a policy for bad.slice, whose one service has 40 MB and gets more, and a fresh daemon.
begin() {
    mkdir -p /etc/headroom/cgroups.d
    printf '[Match]\nCgroup=%s\n\n[Relieve]\nWhen=%s\nDo=%s\n' "${cgroup:-bad.slice}" "${when:-usage > 5M}" "$1" \
        >/etc/headroom/cgroups.d/30-bad.conf
    journal_cursor=$(journalctl -n 0 --show-cursor | sed -n 's/^-- cursor: //p')
    systemctl start headroomd || fail "headroomd does not start"
}
end() {
    systemctl stop headroomd
    rm -f /etc/headroom/cgroups.d/30-bad.conf
}
load() {
    systemd-run --quiet --unit=bad --slice=bad.slice -p CPUWeight=50 "$bin/hog" --rate 2 --max 200
    sleep 1
}
unload() {
    systemctl kill -s KILL bad 2>/dev/null || true
    systemctl stop bad 2>/dev/null || true
    systemctl reset-failed bad 2>/dev/null || true
}

swapon "$SWAP_DISK"
load

# memory.reclaim is there and must not be written.
: >/run/no-reclaim
for file in bad.slice/memory.reclaim bad.slice/bad.service/memory.reclaim; do
    mount --bind /run/no-reclaim /sys/fs/cgroup/$file
    mount -o remount,ro,bind /sys/fs/cgroup/$file
done
begin 'reclaim, freeze max=2s'
expect_said "memory.reclaim refused: skipped, with the reason" \
    'reclaim from .*bad.* skipped: .*(read-only|not permitted).*; next step: freeze'
expect_said "... and the next step is taken" 'froze .*bad'
expect_said "... and is over after its time" 'thawed .*bad'
end
umount /sys/fs/cgroup/bad.slice/memory.reclaim /sys/fs/cgroup/bad.slice/bad.service/memory.reclaim

# The service manager takes the connection and never answers, neither by its own socket nor by the bus.
dropins=/etc/systemd/system/headroomd.service.d
mkdir -p $dropins
systemd-run --quiet --unit=dead --socket-property=ListenStream=/run/dead.socket sleep infinity
wait_for 10 test -S /run/dead.socket || fail "no socket"
printf '[Service]\nBindPaths=/run/dead.socket:/run/systemd/private /run/dead.socket:/run/dbus/system_bus_socket\n' \
    >$dropins/dead.conf
systemctl daemon-reload
begin 'slow weight=10, stop'
expect_said "the service manager does not answer: the emergency way is named" 'slow.* .*bad.* straight in the cgroup'
expect_said "... stop has no other way: skipped, and what decides then" \
    'stop of .*bad.* skipped: .*did not answer.*; .*\[Kill\] decides'
end
rm $dropins/dead.conf
systemctl daemon-reload

# No bus at all: nobody can be asked to shrink.
systemctl stop dbus.socket dbus.service 2>/dev/null
begin 'trim, freeze max=2s'
expect_said "no system bus for trim: skipped, next step" 'trim skipped: .*; next step: freeze'
end
systemctl start dbus.socket
unload

# A cgroup without the memory controller, and without those of weights. Freezing needs none.
mkdir -p /sys/fs/cgroup/bare/leaf
bash -c "echo \$\$ >/sys/fs/cgroup/bare/leaf/cgroup.procs; exec $bin/hog --rate 2 --max 100" &
disown
sleep 1
cgroup=bare/leaf when='host.available < 99%' begin 'reclaim, throttle, slow, freeze max=2s'
expect_said "no memory controller: the step is named that cannot be" '(reclaim|throttle).* skipped: .*memory controller'
end
echo 1 >/sys/fs/cgroup/bare/leaf/cgroup.kill

# /proc/sys read-only, as ProtectKernelTunables= makes it.
mkdir -p /etc/headroom/headroomd.conf.d
printf '[Service]\nProtectKernelTunables=yes\nReadWritePaths=\nReadOnlyPaths=/proc/sys\n' \
    >$dropins/read-only.conf
printf '[Sysctl]\nSwappiness=70\n' >/etc/headroom/headroomd.conf.d/50-sysctl.conf
systemctl daemon-reload
begin 'notify'
expect_said "/proc/sys read-only: named, with what stays" 'vm\.swappiness.*(read-only|Read-only)'
expect "... and nothing has changed" swappiness_is 60
end
rm $dropins/read-only.conf
systemctl daemon-reload

# What cannot be meant is refused as a whole, with file, line and reason; the policy in force stays.
begin 'notify'
cat >/etc/headroom/headroomd.conf.d/50-sysctl.conf <<'CONF'
[Sysctl]
Swappiness=201
Swapiness=10
CONF
expect "headroomctl check refuses it" refuses
expect "value out of range: file, line, range" grep -E '50-sysctl.conf:2.*(201|200)' "$out/check"
expect "unknown sysctl: file, line, name" grep -E '50-sysctl.conf:3.*Swapiness' "$out/check"
systemctl reload headroomd || true
expect_said "a reload keeps the policy in force" '(keep|stays|old|in force)'
expect "... and the daemon lives" systemctl -q is-active headroomd
end
exit $failed
