#!/bin/bash
# adjust: ApplyToKernel= under the service as it is shipped (it looks for processes) and with the drop-in of
# headroomd(8) that lets the kernel tell of them (the proc connector).
#
#   scripts/guest-run --stage DIR tests/guest/adjust.sh [scan] [connector]
#
# Prints ok and not ok lines; the exit status is 0 if there is no not ok.
# shellcheck source=tests/guest/scenarios/lib.sh
. /guest/lib.sh
set +e
failures=0 n=0
rules=/etc/headroom/rules.d
programs=/run/adjust
dropin=/run/systemd/system/headroomd.service.d

check() {
    local what=$1
    shift
    n=$((n + 1))
    if "$@" >/dev/null 2>&1; then
        echo "ok $n - $mode: $what"
    else
        echo "not ok $n - $mode: $what"
        failures=$((failures + 1))
    fi
}
adj() { cat "/proc/$1/oom_score_adj"; }
is() { [ "$(adj "$1")" = "$2" ]; }
# soon WHAT SECONDS PID VALUE: and how long it took
soon() {
    local begin
    begin=$(date +%s%N)
    check "$1" wait_for "$2" is "$3" "$4"
    say "after $((($(date +%s%N) - begin) / 1000000)) ms: $(adj "$3")"
}
main_pid() { systemctl show -P MainPID "$1"; }
said() { journalctl -u headroomd --after-cursor="$journal_cursor" -o cat | grep -E -- "$1"; }
cursor() { journal_cursor=$(journalctl -n 0 --show-cursor | sed -n 's/^-- cursor: //p'); }
service() { systemd-run --quiet --unit="$1" -p KillMode=control-group "${@:2}"; }

write_rules() {
    mkdir -p $rules
    printf '[Match]\nName=adj-*\n\n[Score]\nAdjust=200\nApplyToKernel=yes\n' >$rules/50-adj.conf
    printf '[Match]\nUnit=low-*.service\n\n[Score]\nAdjust=-300\nApplyToKernel=yes\n' >$rules/51-low.conf
    printf '[Match]\nUnit=exempt-*.service\n\n[Score]\nAdjust=200\nApplyToKernel=yes\n' >$rules/52-exempt.conf
}

write_programs() {
    mkdir -p $programs
    cp "$(command -v sleep)" $programs/adj-sleep
    cp "$(command -v sleep)" $programs/other
    # Has children of every kind, and one more on SIGUSR1.
    cat >$programs/adj-parent <<'END'
#!/bin/bash
trap '/run/adjust/other 1000 & echo $! >/run/adjust/late' USR1
/run/adjust/adj-sleep 1000 & echo $! >/run/adjust/same
/run/adjust/other 1000 & echo $! >/run/adjust/none
( while :; do read -t 1000 <> <(:); done ) & echo $! >/run/adjust/forked
while :; do wait; sleep 0.1; done
END
    chmod +x $programs/*
}

run() {
    local bound=$1 i early exempt low parent
    rm -f $programs/{same,none,forked,late}
    write_rules
    service "early-$mode" -p OOMScoreAdjust=100 $programs/adj-sleep 1000
    service "exempt-$mode" -p OOMScoreAdjust=-1000 $programs/other 1000
    early=$(main_pid "early-$mode") exempt=$(main_pid "exempt-$mode")
    wait_for 10 is "$early" 100
    wait_for 10 is "$exempt" -1000
    cursor
    systemctl restart headroomd || fail "headroomd does not start"
    soon "one that was there before: its own 100 and 200" 15 "$early" 300
    check "-1000 is left alone" is "$exempt" -1000
    sleep 2
    journalctl --sync
    check "says how it learns of processes" said "^ApplyToKernel=: $2"
    check "status says so, too" grep -q "\"method\": \"$mode\"" <(headroomctl -o json status)

    # Three, so that none is found by chance of the clock.
    for i in 1 2 3; do
        service "new-$mode-$i" -p OOMScoreAdjust=50 $programs/adj-sleep 1000
        soon "one that is started: its own 50 and 200" "$bound" "$(main_pid "new-$mode-$i")" 250
        sleep 0.7
    done
    service "low-$mode" $programs/other 1000
    low=$(main_pid "low-$mode")
    soon "one that is lowered, by its unit" "$bound" "$low" -300
    systemd-run --quiet --unit="exec-$mode" bash -c "sleep 12; exec $programs/adj-sleep 1000"
    service "parent-$mode" $programs/adj-parent
    parent=$(main_pid "parent-$mode")
    wait_for 10 test -s $programs/forked
    soon "a parent" "$bound" "$parent" 200
    soon "its child that matches: once" "$bound" "$(cat $programs/same)" 200
    soon "its child that does not match: its own" "$bound" "$(cat $programs/none)" 0
    soon "its child that has executed nothing: as the parent" "$bound" "$(cat $programs/forked)" 200
    sleep "$bound"
    check "and it stays so" is "$(cat $programs/same)" 200
    check "... for all of them" is "$(cat $programs/none)" 0
    check "explain" grep -q 'of that +200 by rules with ApplyToKernel=' <(headroomctl explain "$parent")
    # An old process that becomes another program: found in turn where the kernel does not tell.
    soon "one that executes the program late" 40 "$(main_pid "exec-$mode")" 200

    echo 333 >"/proc/$(cat $programs/same)/oom_score_adj"
    sleep "$bound"
    check "what somebody else has set is left alone" is "$(cat $programs/same)" 333

    cursor
    rm $rules/51-low.conf
    systemctl reload headroomd
    soon "a reload without its rule" 15 "$low" 0
    check "... and the others stay" is "$early" 300
    systemctl stop headroomd
    check "stopped: its own" is "$early" 100
    check "... the parent's" is "$parent" 0
    check "... the forked child's" is "$(cat $programs/forked)" 0
    check "... not what somebody else has set" is "$(cat $programs/same)" 333
    check "... nothing in the journal" test "$(grep -c oom_score_adj /run/headroom/undo)" = 0

    # SIGKILL, and a child that is forked while nobody is there; with and without the rule afterwards.
    systemctl start headroomd
    soon "again" 15 "$parent" 200
    systemctl kill -s KILL headroomd
    systemctl kill --kill-whom=main -s USR1 "parent-$mode"
    wait_for 10 test -s $programs/late
    check "killed: its child has inherited it" is "$(cat $programs/late)" 200
    wait_for 20 systemctl -q is-active headroomd
    soon "after the restart the child has its own" 15 "$(cat $programs/late)" 0
    soon "... and the parent the rule's" 15 "$parent" 200
    rm -f $programs/late $rules/5?-*.conf
    systemctl kill -s KILL headroomd
    systemctl kill --kill-whom=main -s USR1 "parent-$mode"
    wait_for 10 test -s $programs/late
    wait_for 20 systemctl -q is-active headroomd
    soon "killed, and no rule any more: the parent" 15 "$parent" 0
    soon "... its child" 15 "$(cat $programs/late)" 0
    soon "... one that systemd had given a value" 15 "$early" 100
    systemctl stop headroomd
    systemctl stop "early-$mode" "exempt-$mode" "low-$mode" "exec-$mode" "parent-$mode" "new-$mode-"{1,2,3}
}

write_programs
mkdir -p $dropin
# Time to look while it is dead, and nobody who puts things back meanwhile: that is left to the next start.
printf '[Service]\nRestartSec=3s\nExecStopPost=\n' >$dropin/test.conf
systemctl daemon-reload
for mode in "${@:-scan}"; do
    case $mode in
    scan) run 8 'looking for new processes every' ;;
    connector)
        printf '[Service]\n%s\n%s\n%s\n' PrivateNetwork=no RestrictAddressFamilies=AF_NETLINK \
            CapabilityBoundingSet=CAP_NET_ADMIN >$dropin/connector.conf
        systemctl daemon-reload
        run 2 'the kernel tells of new processes'
        ;;
    *) fail "no such mode: $mode" ;;
    esac
done
journalctl -u headroomd -o cat | grep -E 'ApplyToKernel|oom_score_adj' | sed 's/^/# /'
echo "1..$n"
exit $((failures > 0))
