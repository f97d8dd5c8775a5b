#!/usr/bin/env bash
# headroomctl check: exit statuses and places.
. "$(dirname "$0")/lib.sh"

check() { "$HEADROOMCTL" check "$@" >"$work/log" 2>&1; }
conf=$work/conf
mkdir -p "$conf/cgroups.d" "$conf/rules.d"
check "$conf"
expect "an empty directory has no errors" [ $? -eq 0 ]
printf '[Match]\nName=x\n\n[Score]\nAdjust=2000\n' >"$conf/rules.d/50-x.conf"
check "$conf"
expect "a value out of range is an error" [ $? -eq 1 ]
expect "... with its place" log_has '50-x\.conf:5:[0-9]+: error: '
check "$conf/rules.d/50-x.conf"
expect "the same for the file alone" [ $? -eq 1 ]
check -o json "$conf"
expect "... and as JSON" log_has '"line": 5'
printf '[Match]\nCgroup=no-such-thing-*.slice\n\n[Kill]\nWhen=available < 5%%\nDo=kill\n' >"$conf/cgroups.d/50-y.conf"
rm "$conf/rules.d/50-x.conf"
check "$conf"
expect "warnings are no errors" [ $? -eq 0 ]
if log_has 'warning: '; then
    check --strict "$conf"
    expect "... but with --strict" [ $? -eq 1 ]
fi
check "$work/none"
expect "a path that is not there" [ $? -eq 1 ]
# Into a file: grep -q on a pipe leaves at the first match, and pipefail reports the broken pipe of the writer.
"$HEADROOMCTL" check --options >"$work/options"
expect "--options ends well" [ $? -eq 0 ]
expect "... and lists keys" grep -q '^#\{0,1\};\{0,1\}[A-Z][A-Za-z]*=' "$work/options"
"$HEADROOMCTL" check --dump "$conf" >"$work/dump" 2>/dev/null
expect "--dump prints the policy" grep -q 'no-such-thing-' "$work/dump"
"$HEADROOMD" --dump-config --config="$conf" >"$work/dump2" 2>/dev/null
expect "... as headroomd --dump-config does" cmp -s "$work/dump" "$work/dump2"
finish
