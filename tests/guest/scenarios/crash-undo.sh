#!/bin/bash
# crash-undo: the daemon is killed again and again, at random moments of whatever it is doing, while four services give
# it reason to throttle, to slow, to freeze and to do all of that, and while it holds a sysctl. Its successor must put
# everything back. At every check the load is gone, the sysctl no longer wanted, and the last kill has just been: then
# all settings of all cgroups and of the kernel have to be what they were before, within 10 s.
#
# One kill in four comes right after SIGTERM, into the release itself. In the second half the unit has no ExecStopPost=,
# so that nobody but the next daemon can do it. At the end nobody restarts the daemon any more: `headroomctl release`
# alone must put things back.
#   kills, checks; leftovers: settings that were not put back, of all checks
#   undone: what was put back for a dead daemon (by kind: undone_throttle ...)
#   released: true where headroomctl release did it
#: --swap-disk 1G:2000 --timeout 600
# shellcheck source=tests/guest/scenarios/lib.sh
. /guest/lib.sh
swapon "$SWAP_DISK"
bench_begin crash-undo "$1"
kills=${2:-30}
[ "$daemon" = headroom ] || fail "only for headroom"
service=/etc/systemd/system/headroomd.service.d
sysctl_conf=/etc/headroom/headroomd.conf.d/50-swappiness.conf
mkdir -p "$service" /etc/headroom/cgroups.d /etc/headroom/headroomd.conf.d
printf '[Unit]\nStartLimitIntervalSec=0\n[Service]\nRestart=always\nRestartSec=10ms\n' >$service/crash.conf
systemctl daemon-reload
sysctl_wanted() { printf '[Sysctl]\nSwappiness=77\n' >$sysctl_conf; }

# policy NAME DO: one kind of measure for NAME.slice, asked for as soon as its service holds anything.
policy() {
    cat >"/etc/headroom/cgroups.d/40-$1.conf" <<POLICY
[Match]
Cgroup=$1.slice

[Relieve]
When=usage > 6M
Until=usage < 4M
Do=$2
POLICY
    systemctl start "$1.slice"
    systemctl set-property --runtime "$1.slice" CPUWeight=80 MemoryAccounting=yes
    # shellcheck disable=SC2016
    systemd-run --quiet --unit="$1" --slice="$1.slice" -p CPUWeight=50 "${@:3}" /bin/bash -c \
        'for (( ; ; )); do while [ -e /run/crash.off ]; do sleep 0.2; done; "$0" --rate 60 --max 48 --seconds 3; done' \
        "$bin/hog"
}
touch /run/crash.off
policy hold 'throttle floor=25%' -p MemoryHigh=150M
policy slower 'slow weight=10'
policy ice 'freeze max=3s'
policy every 'reclaim, throttle floor=50%, slow weight=10, freeze max=2s'
units=(hold slower ice every)
sleep 1

unit_properties() {
    systemctl show -p Id -p CPUWeight -p IOWeight -p MemoryHigh "${units[@]/%/.service}" "${units[@]/%/.slice}"
}
settings >"$out/settings.before"
unit_properties >"$out/properties.before"
bench_daemon
journal_cursor=$(journalctl -n 0 --show-cursor | sed -n 's/^-- cursor: //p')
high_before=$(events_high)
procs=/sys/fs/cgroup$(systemctl show -P ControlGroup headroomd)/cgroup.procs

# wait_next PID: the pid of the daemon's next life.
wait_next() {
    local n next=''
    for ((n = 0; n < 200; n++)); do
        { read -r next <"$procs"; } 2>/dev/null || next=''
        if [ -n "$next" ] && [ "$next" != "$1" ]; then
            echo "$next"
            return
        fi
        sleep 0.05
    done
    fail "nobody restarts the daemon"
}

# All hogs: a frozen one, too, ends at SIGKILL.
end_load() {
    : >/run/crash.off
    pkill -KILL -x hog || true
}

checks=0 leftovers=0 n=0 next_check=10
# wait_restored SECONDS: by the clock, since each look takes a while.
wait_restored() {
    local end=$((SECONDS + $1))
    until is_restored; do
        [ $SECONDS -lt $end ] || return 1
        sleep 0.1
    done
}
is_restored() { [ -z "$(settings_changed "$out/settings.before")" ]; }
check() {
    rm -f $sysctl_conf
    end_load
    kill -KILL "$pid"
    n=$((n + 1)) checks=$((checks + 1))
    pid=$(wait_next "$pid")
    if ! wait_restored 10; then
        settings_changed "$out/settings.before" | sed 's/^/left: /' >&2
        leftovers=$((leftovers + $(settings_changed "$out/settings.before" | wc -l)))
        settings >"$out/settings.before"
    fi
    unit_properties | diff "$out/properties.before" - >"$out/properties.diff" || {
        sed 's/^/left: /' "$out/properties.diff" >&2
        leftovers=$((leftovers + 1))
        # Counted once.
        unit_properties >"$out/properties.before"
    }
}

begin=$SECONDS held=0
pid=$(wait_next 0)
while [ $n -lt "$kills" ]; do
    if [ -e /run/crash.off ]; then
        sysctl_wanted
        rm -f /run/crash.off
    fi
    # 0 to 1.6 s of life: the start with its replay, the first measures, their release.
    life=$((RANDOM % 1600))
    sleep "$((life / 1000)).$(printf '%03d' $((life % 1000)))"
    if [ $((n % 4)) = 3 ]; then
        kill -TERM "$pid" 2>/dev/null || true
        sleep "0.0$((RANDOM % 90 + 10))"
    fi
    if ! is_restored; then held=$((held + 1)); fi
    kill -KILL "$pid" 2>/dev/null || true
    n=$((n + 1))
    pid=$(wait_next "$pid")
    if [ $n -ge $next_check ]; then
        check
        next_check=$((next_check + 10))
    fi
    if [ $n -ge $((kills / 2)) ] && [ ! -e $service/y.conf ]; then
        printf '[Service]\nExecStopPost=\n' >$service/y.conf
        systemctl daemon-reload
    fi
done
check
seconds=$((SECONDS - begin))

# The last one: nobody takes over.
sysctl_wanted
rm -f /run/crash.off
printf '[Service]\nRestart=no\n' >$service/z.conf
systemctl daemon-reload
kill -KILL "$pid"
systemctl reset-failed headroomd || true
systemctl start headroomd || say "no further start: $?" >&2
changed() { ! is_restored; }
wait_for 10 changed || say "the last life did nothing"
sleep 1
systemctl kill -s KILL headroomd || true
n=$((n + 1)) released=false
gone() { ! systemctl -q is-active headroomd; }
wait_for 10 gone || true
left=$(settings_changed "$out/settings.before" | wc -l)
say "release"
timeout 20 headroomctl release >"$out/release" 2>&1 || say "release ended with $?" >&2
end_load
if [ "$left" -gt 0 ] && wait_restored 5; then released=true; fi
say "release: $left settings before; $(tr '\n' ';' <"$out/release" | cut -c1-600)"

journalctl --sync
journal_since -u headroomd | grep 'put back' >"$out/undone" || true
count() { grep -c -- "$1" "$out/undone" || true; }
extra+=",\"kills\":$n,\"held_at_kill\":$held,\"checks\":$checks,\"leftovers\":$leftovers,\"released\":$released"
extra+=",\"undone\":$(wc -l <"$out/undone"),\"undone_throttle\":$(count memory.high),\"undone_slow\":$(count Weight)"
extra+=",\"undone_freeze\":$(count cgroup.freeze),\"undone_sysctl\":$(count swappiness),\"loop_s\":$seconds"
printf '{"scenario":"%s","daemon":"%s","suite":"%s","kernel":"%s"%s}\n' \
    "$scenario" "$daemon" "$SUITE" "$(uname -r)" "$extra"
