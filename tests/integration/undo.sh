#!/usr/bin/env bash
# What a daemon that was killed has left is put back by the next one, or by hand: from a journal written here, on a
# frozen cgroup of our own and a process of our own. No shortage, no measure: nothing else is touched.
. "$(dirname "$0")/lib.sh"

if [ "$(id -u)" -ne 0 ]; then skip "only root may thaw"; fi
mount=$(awk '$3 == "cgroup2" { print $2; exit }' /proc/mounts)
if [ -z "$mount" ] || [ ! -w "$mount" ]; then skip "no cgroup2 to write to"; fi
name=headroom-undo-$$
held=$mount/$name
mkdir "$held" 2>/dev/null || skip "no cgroup can be made here"
if [ ! -e "$held/cgroup.freeze" ]; then rmdir "$held"; skip "no cgroup.freeze (before Linux 5.2)"; fi
sleep 300 &
sleeper=$!
clean() {
    echo 0 >"$held/cgroup.freeze"
    kill -KILL "$sleeper" 2>/dev/null
    wait "$sleeper" 2>/dev/null
    wait_for 5 rmdir "$held"
    cleanup
}
trap clean EXIT

start_ticks=$(awk '{ sub(/.*\) /, ""); print $20 }' "/proc/$sleeper/stat")
old_adj=$(cat "/proc/$sleeper/oom_score_adj")
new_adj=$((old_adj > 900 ? old_adj : old_adj + 77))
swappiness=$(cat /proc/sys/vm/swappiness)
vanished=424242424242 undo=$RUNTIME_DIRECTORY/undo
# leave: the state of the host, and the journal, of a daemon that was killed
leave() {
    echo 1 >"$held/cgroup.freeze"
    echo "$new_adj" >"/proc/$sleeper/oom_score_adj"
    {
        echo "headroom-undo 1 $(cat /proc/sys/kernel/random/boot_id)"
        echo "begin 1 cgroup $(stat -c %i "$held") 0 0 cgroup.freeze 0 1 /$name"
        echo "begin 2 cgroup $vanished 0 0 memory.high max 1048576 /no-such-$name"
        echo "begin 3 oom_score_adj $start_ticks $sleeper 0 oom_score_adj $old_adj $new_adj -"
        # Somebody else has set another value: we wrote one that does not stand there.
        echo "begin 4 sysctl 0 0 0 swappiness $(((swappiness + 1) % 100)) $(((swappiness + 2) % 100)) -"
        # Half a line: it died while it wrote.
        printf 'begin 5 cgroup 17 0'
    } >"$undo"
}
is() { [ "$(cat "$1")" = "$2" ]; }
conf=$work/conf
mkdir -p "$conf"
printf '[Daemon]\nDryRun=yes\n' >"$conf/headroomd.conf"
# A second one of this name would not be ours, and so would a number that is used again.
run_once() { "$HEADROOMD" --config="$conf" --duration="$1" >"$work/log" 2>&1; }

leave
run_once 1s
expect "the next daemon ends with 0" [ $? -eq 0 ]
expect "... thaws the cgroup" is "$held/cgroup.freeze" 0
expect "... and says so" log_has "^put back cgroup.freeze of /$name: 0 \(we had set 1\)"
expect "... puts oom_score_adj back" is "/proc/$sleeper/oom_score_adj" "$old_adj"
expect "... forgets what is gone" log_has "^forgot memory.high of /no-such-$name: it is gone"
expect "... leaves alone what somebody else has set" log_has '^left alone vm.swappiness: somebody else'
expect "... indeed" is /proc/sys/vm/swappiness "$swappiness"
expect "... and has nothing left to undo" eval "! grep -q '^begin' '$undo'"

# The same cgroup made anew is another one.
leave
sed -i "s/^begin 1 cgroup [0-9]*/begin 1 cgroup $vanished/" "$undo"
run_once 1s
expect "a cgroup of the same name is not touched" is "$held/cgroup.freeze" 1
expect "... and is said to be another" log_has "^forgot cgroup.freeze of /$name: "

# Garbage: set aside, and no reason not to start.
head -c 3000 /dev/urandom >"$undo"
run_once 1s
expect "a journal of garbage does not stop it" [ $? -eq 0 ]
expect "... is set aside" [ -e "$undo.bad" ]
expect "... and said" log_has '^the undo journal was not understood'

# By hand, with a dry run that holds the lock: it leaves everything, until it is asked.
leave
start
expect "a dry run leaves it" is "$held/cgroup.freeze" 1
expect "... and says so" wait_for 10 log_has '^an earlier headroomd has left 4 changes'
expect "status counts them" [ "$(field entries)" = 4 ]
printf '{"verb":"release"}\n' | timeout 10 "$CLIENT" send "$RUNTIME_DIRECTORY/control" >"$work/out"
has() { grep -qE -- "$1" "$work/out"; }
expect "release answers" has '^\{"ok":true,"result":\{"released":2,"failed":0,"entries":\['
expect "... with the outcome of each" has '"path":"/headroom-undo-[0-9]*",.*"key":"cgroup.freeze".*"value":"0","outcome":"restored"'
expect "... thaws" is "$held/cgroup.freeze" 0
expect "... and takes a rest" eval '[ "$(field pause_left_usec)" -gt 30000000 ]'
"$HEADROOMCTL" release >"$work/out"
expect "a second time there is nothing to do" eval '[ $? -eq 0 ] && has "nothing to undo"'
"$HEADROOMCTL" status >"$work/out"
expect "status says that it rests" has '^released by hand: no step below the kill for '
for _ in 1 2 3 4 5 6; do "$HEADROOMCTL" release >/dev/null & done
wait $(jobs -p | grep -vx -e "$daemon" -e "$sleeper")
expect "many at once do no harm" "$HEADROOMCTL" status
"$HEADROOMCTL" status -o json >"$work/out"
for key in '"measures": \[\]' '"undo": \{' '"tick_lateness": \{' '"p50_usec":' '"recent": \{' '"is_volatile": false'; do
    expect "status has $key" has "$key"
done
stop
expect "it ends with 0" [ $? -eq 0 ]

# And without any daemon, as the unit does it.
leave
"$HEADROOMCTL" release --after-crash >"$work/out"
expect "without a daemon it is done at once" [ $? -eq 0 ]
expect "... thawed" is "$held/cgroup.freeze" 0
expect "... oom_score_adj is back" is "/proc/$sleeper/oom_score_adj" "$old_adj"
finish
