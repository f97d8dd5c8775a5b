#!/usr/bin/env bash
# ApplyToKernel= on processes of this host that the test has started itself: written, inherited, put back by a reload,
# at the end and after SIGKILL, left alone where somebody else has set a value. In earnest, but with no policy that
# could act on anything. In the guest: tests/guest/adjust.sh.
. "$(dirname "$0")/lib.sh"

conf=$work/conf
mkdir -p "$conf/cgroups.d" "$conf/rules.d"
for f in "$(dirname "$0")"/../../conf/cgroups.d/*.conf; do ln -s /dev/null "$conf/cgroups.d/$(basename "$f")"; done
printf '[Match]\nCgroup=/\n\n[Warn]\nWhen=available < 1K\n' >"$conf/cgroups.d/10-nothing.conf"
printf '[Match]\nName=*\n\n[Score]\nTier=never\n' >"$conf/rules.d/05-all.conf"
rule=$conf/rules.d/50-kernel.conf
write_rule() { printf '[Match]\nName=hr-adj*\n\n[Score]\nAdjust=%s\nApplyToKernel=yes\n' "$1" >"$rule"; }
cp "$(command -v sleep)" "$work/hr-adj" && cp "$(command -v sleep)" "$work/hr-other" || skip "no sleep(1) to copy"
# One that forks children of its own name and of another; its name is that of the file.
cat >"$work/hr-adj-parent" <<END
#!$(command -v bash)
"$work/hr-other" 300 & echo \$! >"$work/other"
"$work/hr-adj" 300 & echo \$! >"$work/same"
sleep 300 & echo \$! >"$work/sleep"
wait
END
chmod +x "$work/hr-adj-parent"

pids=()
trap 'kill -KILL "${pids[@]}" 2>/dev/null; cleanup' EXIT
adj() { cat "/proc/$1/oom_score_adj"; }
is() { [ "$(adj "$1")" = "$2" ]; }
own=$(adj self)
if [ "$own" -gt 400 ] || [ "$own" -lt 0 ]; then skip "oom_score_adj is $own here"; fi
# start_earnest: the daemon itself, not a dry run
start_earnest() {
    printf '[Daemon]\nDryRun=%s\n' "${1:-no}" >"$conf/headroomd.conf"
    "$HEADROOMD" --duration=100s --force --config="$conf" >"$work/log" 2>&1 &
    daemon=$!
    wait_for 10 "$HEADROOMCTL" status || bad "the daemon answers"
}
spawn() {
    "$work/$1" 300 8>&- &
    pid=$!
    pids+=("$pid")
}

write_rule 100
spawn hr-adj
early=$pid
start_earnest
expect "says how it looks for processes" wait_for 5 log_has '^ApplyToKernel=: (the kernel tells|looking for) '
expect "one that was there before" wait_for 5 is "$early" $((own + 100))
expect "says how many" wait_for 5 log_has 'oom_score_adj of [1-9][0-9]* process(es)? holds the adjustment'
spawn hr-adj
late=$pid
expect "one that starts later" wait_for 8 is "$late" $((own + 100))
spawn hr-other
other=$pid
"$HEADROOMCTL" status -o json >"$work/out"
expect "status has the method" grep -qE '"method": "(scan|connector)"' "$work/out"
"$HEADROOMCTL" explain "$late" >"$work/out"
expect "explain shows it as written, and once" grep -qE "of that \+100 by rules with ApplyToKernel=" "$work/out"
expect "... not again" grep -qE "^ +rules +0 pages" "$work/out"

"$work/hr-adj-parent" &
parent=$!
pids+=("$parent")
wait_for 5 test -s "$work/sleep"
pids+=("$(cat "$work/same")" "$(cat "$work/other")" "$(cat "$work/sleep")")
expect "a parent" wait_for 8 is "$parent" $((own + 100))
expect "its child of the same rule: once" wait_for 8 is "$(cat "$work/same")" $((own + 100))
expect "its child of no rule: not at all" wait_for 8 is "$(cat "$work/other")" "$own"
expect "... nor the other" wait_for 8 is "$(cat "$work/sleep")" "$own"

echo 700 >"/proc/$late/oom_score_adj"
write_rule 200
kill -HUP "$daemon"
expect "a reload changes the others" wait_for 8 is "$early" $((own + 200))
expect "... but not what somebody else has set" wait_for 8 log_has "pid $late.*left alone"
expect "... indeed" is "$late" 700

kill -KILL "$daemon"
wait "$daemon" 2>/dev/null
expect "after SIGKILL it is still there" is "$early" $((own + 200))
write_rule 50
start_earnest
expect "the next daemon begins anew" wait_for 8 is "$early" $((own + 50))
expect "... and has put back what there was" wait_for 8 log_has 'put back oom_score_adj'
rm "$rule"
kill -HUP "$daemon"
expect "without the rule its own value" wait_for 8 is "$early" "$own"
expect "... and that of the parent" wait_for 8 is "$parent" "$own"
write_rule 70
kill -HUP "$daemon"
expect "with the rule again" wait_for 8 is "$early" $((own + 70))
write_rule -50
kill -HUP "$daemon"
if (echo $((own - 1)) >"/proc/$other/oom_score_adj") 2>/dev/null; then
    expect "lowered, with the right to" wait_for 8 is "$early" $((own - 50))
else
    expect "not lowered without the right to, and said" wait_for 8 log_has 'rule 50-kernel: .*CAP_SYS_RESOURCE'
    expect "... once" [ "$(grep -c 'rule 50-kernel: ' "$work/log")" = 1 ]
    expect "... and its own value instead" wait_for 5 is "$early" "$own"
fi
stop
expect "ends with 0" [ $? -eq 0 ]
expect "everything is back at the end" is "$early" "$own"
expect "... of all" is "$parent" "$own"
expect "the journal holds nothing" eval "! grep -q oom_score_adj '$RUNTIME_DIRECTORY/undo'"

write_rule 100
start_earnest yes
expect "a dry run counts" wait_for 8 log_has '^\[dry-run\] ApplyToKernel=: would write oom_score_adj of [1-9]'
expect "... and writes nothing" is "$early" "$own"
stop
finish
