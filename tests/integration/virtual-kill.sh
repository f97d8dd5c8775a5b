#!/usr/bin/env bash
# A policy whose condition is true here and now: a dry run says who would go, does not repeat itself, and the record
# explains it afterwards. Nobody dies.
. "$(dirname "$0")/lib.sh"

conf=$work/conf
mkdir -p "$conf/cgroups.d" "$conf/rules.d"
printf '[Match]\nCgroup=/\n\n[Kill]\nWhen=available < 100%%\nDo=kill\n' >"$conf/cgroups.d/90-host.conf"
# Whatever else runs here: only the victim can be one.
printf '[Match]\nName=*\n\n[Score]\nTier=never\n' >"$conf/rules.d/05-all.conf"
printf '[Match]\nName=hr-*\n\n[Score]\nTier=prefer\nAdjust=100\n' >"$conf/rules.d/10-victim.conf"
# A victim whose end would bring relief: 1.5 % of the memory, under a name with an escape sequence in it.
name=$'hr-\e[2J'
cp "$(command -v tail)" "$work/$name" || skip "no tail(1) to copy"
total=$(awk '$1 == "MemTotal:" { print $2 }' /proc/meminfo)
left=$(awk '$1 == "MemAvailable:" { print $2 }' /proc/meminfo)
size=$((total * 15 / 1000))
if [ "$size" -gt 1048576 ] || [ "$left" -lt $((4 * size)) ]; then skip "too much memory, or too little of it left"; fi
# tail keeps a line that does not end; the shell keeps the pipe open, so that it does not.
mkfifo "$work/feed"
exec 8<>"$work/feed"
"$work/$name" -n 1 <"$work/feed" >/dev/null 8>&- &
victim=$!
trap 'kill -KILL "$victim" 2>/dev/null; cleanup' EXIT
head -c $((size * 1024)) /dev/zero | tr '\0' x >"$work/feed"
big() { [ "$(awk '/^VmRSS/ { print $2 }' "/proc/$victim/status")" -ge "$size" ]; }
wait_for 30 big || skip "the victim does not grow here"

start --config="$conf"
expect "says who would go" wait_for 10 log_has "^\[dry-run\] would kill hr-.x1b\[2J \(pid $victim, "
expect "... and why" log_has "would kill hr-.*: host memory low: available .* \(100%\)"
expect "... with no control character" eval "! grep -q $'\x1b' '$work/log'"
expect "counts it as gone" wait_for 10 log_has "^\[dry-run\] hr-.* counts as gone, "
"$HEADROOMCTL" history -o json >"$work/out"
expect "the history has it" grep -q '"outcome": "exited"' "$work/out"
expect "... with the rule" grep -q '"rule": "10-victim"' "$work/out"
"$HEADROOMCTL" explain last >"$work/out"
expect "explain last" grep -qE '^Ranking at that moment' "$work/out"
expect "... by the record of that moment" grep -qE 'true +available .* < .* \(100%\)' "$work/out"
sleep 1
n=$(grep -c "would kill hr-" "$work/log")
expect "not again and again ($n times)" [ "$n" -eq 1 ]
"$HEADROOMCTL" explain "$victim" >"$work/out"
expect "explain of the virtual victim says so" grep -q 'killed-virtually' "$work/out"
expect "and it lives" kill -0 "$victim"
stop
expect "ends with 0" [ $? -eq 0 ]
finish
