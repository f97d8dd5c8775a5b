#!/usr/bin/env bash
# Recording on this very host: by a dry run, by a dry run that is killed, by headroomctl alone; and what trace makes of it.
. "$(dirname "$0")/lib.sh"

conf=$work/conf
mkdir -p "$conf/headroomd.conf.d"
settings() { printf '%s\n' '[Record]' "$@" >"$conf/headroomd.conf.d/record.conf"; }
# number FILE KEY: of trace info
number() { "$HEADROOMCTL" trace info -o json "$1" | sed -n "s/^ *\"$2\": \([0-9]*\),\{0,1\}$/\1/p" | head -n 1; }
# at_least N FILE KEY
at_least() { [ "$(number "$2" "$3")" -ge "$1" ]; }
# looked_closely N: has the daemon taken so many detailed samples? Of these one is no record, but a rehearsal.
looked_closely() {
    [ "$("$HEADROOMCTL" -o json status | tr -d ' \n' | sed -n 's/.*"detailed_sample":{[^}]*"n":\([0-9]*\).*/\1/p')" -ge "$1" ]
}

# --- the daemon, by option, to one file ---
"$HEADROOMD" --dry-run --duration=4s --record="$work/one.trace" >"$work/log" 2>&1
expect "a dry run records and ends with 0" [ $? -eq 0 ]
expect "it says where" log_has "^recording to $work/one.trace"
expect "for root only" [ "$(stat -c %a "$work/one.trace")" = 600 ]
expect "samples with decisions" at_least 2 "$work/one.trace" decisions
expect "one with details" at_least 1 "$work/one.trace" detailed_samples
expect "facts of processes" at_least 1 "$work/one.trace" facts
expect "no gap" [ "$(number "$work/one.trace" gaps)" = 0 ]
info=$("$HEADROOMCTL" trace info "$work/one.trace")
expect "info names the boot" grep -qF "boot $(cat /proc/sys/kernel/random/boot_id): Linux $(uname -r), $(uname -m)" <<<"$info"
expect "... that it was a dry run" grep -q '(dry run)$' <<<"$info"
expect "... and that it ended in order" grep -q 'ended in order' <<<"$info"
"$HEADROOMCTL" trace dump "$work/one.trace" >"$work/dump"
expect "dump has the policy, as a dry run" grep -q '^  | DryRun=yes$' "$work/dump"
expect "dump has the host" grep -Eq '^  host .*mem_total=[0-9]+' "$work/dump"
expect "dump has this shell" grep -Eq "^  process $$ " "$work/dump"
expect "dump is text" [ "$(tr -d '[:print:]\n' <"$work/dump" | wc -c)" = 0 ]

# --- to a directory, killed, and once more ---
mkdir "$work/dir"
start --record="$work/dir"
"$HEADROOMD" --dry-run --duration=2s --record="$work/dir" >"$work/second" 2>&1
expect "a second one may not record there" [ $? -ne 0 ]
expect "... and is told why" grep -q 'another headroomd records there' "$work/second"
sleep 12
kill -KILL "$daemon"
wait "$daemon" 2>/dev/null
daemon=
expect "what a killed daemon has recorded reads" at_least 4 "$work/dir" decisions
expect "... and is no damage" [ "$(number "$work/dir" damaged)" = 0 ]
expect "... but not ended in order" grep -q 'not ended in order' <<<"$("$HEADROOMCTL" trace info "$work/dir")"
"$HEADROOMD" --dry-run --duration=3s --record="$work/dir" >"$work/log" 2>&1
expect "the next one records beside it" [ "$(find "$work/dir" -name 'headroom-*.trace' | wc -l)" = 2 ]
expect "... in the same boot" [ "$("$HEADROOMCTL" trace info "$work/dir" | grep -c '^boot ')" = 1 ]

# --- a reload empties no file that was asked for by option ---
patience=30 start --config="$conf" --record="$work/whole.trace"
settings Record=yes "Directory=$work/elsewhere" Interval=500ms
kill -HUP "$daemon"
wait_for 30 log_has '^policy loaded again' || bad "the policy was loaded again"
stop || bad "it ends in order"
expect "both policies are in one file" [ "$("$HEADROOMCTL" trace info "$work/whole.trace" | sed -n 's/^policies: //p' | wc -w)" = 2 ]
expect "... without a gap" [ "$(number "$work/whole.trace" gaps)" = 0 ]
expect "... and nothing is elsewhere" [ ! -e "$work/elsewhere" ]

# --- by configuration, with a reload ---
settings Record=yes "Directory=$work/sub/trace" DetailInterval=1s Cmdline=yes
start --config="$conf" --duration=90s
expect "the directory is made" [ -d "$work/sub/trace" ]
expect "the status says that it records" [ "$(field records)" -ge 2 ]
expect "... and that nothing is lost" [ "$(field lost_records)" = 0 ]
wait_for 40 looked_closely 4 || bad "details at the pace that was asked for"
printf '[Daemon]\nIntervalMax=900ms\n' >"$conf/headroomd.conf.d/daemon.conf"
kill -HUP "$daemon"
wait_for 10 log_has '^policy loaded again' || bad "the policy was loaded again"
sleep 2
stop || bad "it ends in order"
trace=$work/sub/trace
expect "both policies are in the trace" [ "$("$HEADROOMCTL" trace info "$trace" | sed -n 's/^policies: //p' | wc -w)" = 2 ]
expect "... and recorded" at_least 2 "$trace" detailed_samples
"$HEADROOMCTL" trace dump "$trace" >"$work/dump"
expect "command lines, where asked for" grep -Eq '^  process [0-9]+ .*cmdline=.*record\.sh' "$work/dump"

# --- a reload with other settings: another trace, in the same place and elsewhere; a place that is none; none ---
rm -rf "$trace"
settings Record=yes "Directory=$trace" Interval=500ms
patience=30 start --config="$conf" --duration=90s
wait_for 30 log_has "^recording to $trace" || bad "it records"
# reload_to LOG-LINE SETTING...
reload_to() {
    local line=$1
    shift
    : >"$work/log"
    settings "$@"
    kill -HUP "$daemon"
    wait_for 30 log_has "$line" || bad "after a reload: $line"
}
reload_to "^recording to $trace" Record=yes "Directory=$trace" Interval=400ms
reload_to "^recording to $work/sub/other" Record=yes "Directory=$work/sub/other" Interval=400ms
reload_to "^nothing is recorded, $work/log: Not a directory" Record=yes "Directory=$work/log" Interval=400ms
expect "the status says that nothing is recorded" grep -q '"recording": null' <<<"$("$HEADROOMCTL" -o json status)"
reload_to "^recording to $trace" Record=yes "Directory=$trace" Interval=400ms
reload_to '^policy loaded again' Record=no
reload_to "^recording to $trace" Record=yes "Directory=$trace" Interval=400ms
reload_to '^policy loaded again' Record=no
stop || bad "it ends in order"
expect "each trace has files of its own" [ "$(find "$trace" -name 'headroom-*.trace' | wc -l)" = 4 ]
expect "... without damage" [ "$(number "$trace" damaged)" = 0 ]
expect "... each ended in order" [ "$("$HEADROOMCTL" trace info "$trace" "$work/sub/other" | grep -c 'not ended in order')" = 0 ]

settings Record=yes "Directory=$work/log"
"$HEADROOMD" --config="$conf" --dry-run --duration=2s >"$work/second" 2>&1
expect "a directory that is none ends nothing" [ $? -eq 0 ]
expect "... and is said" grep -q '^nothing is recorded, ' "$work/second"

# --- without a daemon ---
"$HEADROOMCTL" record --for=3s --interval=500ms --detail-interval=1s "$work/ctl.trace" 2>"$work/err"
expect "record ends by itself" [ $? -eq 0 ]
expect "... with samples" at_least 2 "$work/ctl.trace" samples
expect "... and without decisions" [ "$(number "$work/ctl.trace" decisions)" = 0 ]
expect "... and ended in order" grep -q ' ended in order\|, ended in order' <<<"$("$HEADROOMCTL" trace info "$work/ctl.trace")"
"$HEADROOMCTL" record "$work/int.trace" 2>"$work/err" &
daemon=$!
wait_for 30 [ -e "$work/int.trace" ] || bad "it begins a file"
kill -INT "$daemon"
wait "$daemon"
expect "SIGINT ends it in order" [ $? -eq 0 ]
daemon=
expect "... and all is there" grep -q 'observed only' <<<"$("$HEADROOMCTL" trace info "$work/int.trace")"
echo "Dear mother" >"$work/letter"
"$HEADROOMCTL" record --for=1s "$work/letter" 2>"$work/err"
expect "a file that is no trace is not replaced" [ "$(cat "$work/letter")" = "Dear mother" ]
if [ "$(id -u)" -eq 0 ] && setpriv --reuid=65534 --clear-groups "$HEADROOMCTL" --version >/dev/null 2>&1; then
    mkdir -m 777 "$work/user"
    chmod 755 "$work"
    setpriv --reuid=65534 --regid=65534 --clear-groups --bounding-set=-all "$HEADROOMCTL" record --for=2s "$work/user/x.trace" 2>"$work/err"
    expect "an ordinary user records what he can read" at_least 2 "$work/user/x.trace" samples
fi

# --- export ---
n=$(number "$work/ctl.trace" samples)
expect "JSON Lines: one for each sample" [ "$("$HEADROOMCTL" trace export "$work/ctl.trace" | wc -l)" = "$n" ]
expect "CSV: and a head" [ "$("$HEADROOMCTL" trace export --format=csv "$work/ctl.trace" | wc -l)" = $((n + 1)) ]
expect "CSV: as many cells in each row" [ "$("$HEADROOMCTL" trace export --format=csv "$work/ctl.trace" | tr -cd ',\n' | sort -u | wc -l)" = 1 ]
"$HEADROOMCTL" trace export --format=xml "$work/ctl.trace" 2>/dev/null
expect "an unknown format is refused" [ $? -eq 2 ]

# --- what is no trace ---
: >"$work/empty.trace"
for file in "$work/letter" "$work/empty.trace" "$work/none.trace" /dev/null; do
    "$HEADROOMCTL" trace info "$file" >/dev/null 2>"$work/err"
    expect "${file##*/} is refused" [ $? -eq 1 ]
done
finish
