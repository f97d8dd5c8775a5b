#!/usr/bin/env bash
# plan and report on recorded hosts out of the generator: answers, formats, files, fleets, damage, usage.
. "$(dirname "$0")/lib.sh"

: "${GENERATE:?}"
cd "$work" || exit 1
"$GENERATE" --seed 3 --span 20min --ram 2G --swap 256M --cgroups 10 --leak 2M --gap 6min --reboot 13min host.trace >/dev/null || skip "no generator"
has() { grep -qE -- "$1" out; }
plan() { "$HEADROOMCTL" plan "$@" >out 2>err; }
says() { grep -qE -- "$1" err; }

expect "plan of a host" plan host.trace --report=page.html --density 'system.slice/web-*'
expect "... names what it is of" has '^trace [0-9a-f]{16}, policy [0-9a-f]{16}'
expect "... with its gaps" has ' 2 gaps$'
expect "... says that it is counterfactual, and how sure" has '^smallest safe RAM: .* \(counterfactual, (modelled|low)\); with (10|15)% margin'
expect "... has a curve" eval '[ "$(grep -cE "(not safe|safe) .*(modelled|low)" out)" -ge 8 ]'
expect "... names estimators" has 'CUR-INACTIVE'
expect "... and what is not in the trace" has 'psi-probed: not in this trace'
expect "... says how short it was" has 'less than one day'
expect "the page is whole" eval 'tail -n 1 page.html | grep -q "</html>$" && grep -q "<svg" page.html'
expect "... loads nothing" eval '! grep -qE "(src|href)=\"?(https?:|//)|<script|url\(" page.html'
cp out first
expect "the same again" eval 'plan host.trace --density "system.slice/web-*" && cmp -s out first'
expect "... on one core as well" eval 'taskset -c 0 "$HEADROOMCTL" plan host.trace --density "system.slice/web-*" >out && cmp -s out first'

expect "as JSON" eval 'plan -o json host.trace --ram 1G,4G && has "\"format\": \"headroom-plan\""'
expect "... with the sizes asked for" eval 'has "\"ram_bytes\": 1073741824" && has "\"ram_bytes\": 4294967296"'
expect "what-ifs" plan host.trace --ram 2G --swap 0 --zram 1G:40% --swappiness 100 --overcommit strict:80 --scale 'system.slice/web-*=2x' --limit 'system.slice/leak-*=100M'
expect "... have rows of their own" has '^With the options asked for.*counterfactual'

expect "report" eval '"$HEADROOMCTL" report host.trace >out && has "^Kills in the record" && ! has "Kills against RAM"'
mkdir dropins
expect "drop-ins" eval '"$HEADROOMCTL" report host.trace --write-dropins=dropins >out'
for dropin in dropins/*.service.d/50-headroom.conf; do break; done
expect "... are there" [ -s "$dropin" ]
expect "... rest on a number" eval 'grep -q "^# .*peak: " "$dropin" && grep -qE "^MemoryMax=[0-9]+M$" "$dropin"'
expect "... a second time nothing changes" "$HEADROOMCTL" report host.trace --write-dropins=dropins
echo '# mine' >"$dropin"
expect "... what differs is left" eval '! "$HEADROOMCTL" report host.trace --write-dropins=dropins 2>err && says "differs: left as it is"'
expect "... indeed" grep -qx '# mine' "$dropin"

for i in 1 2 3 4 5 6; do "$GENERATE" --seed $i --span 3min --ram 1G --cgroups 4 "h$i.trace" >/dev/null; done
expect "many hosts" eval 'plan h?.trace && has "^6 hosts, "'
expect "as lines" eval 'plan -o jsonl h?.trace && [ "$(wc -l <out)" -eq 6 ]'
head -n 2 out >a.jsonl
tail -n 4 out >b.jsonl
expect "merged" eval '"$HEADROOMCTL" plan --merge a.jsonl b.jsonl --report=fleet.html -o json >ab.json && "$HEADROOMCTL" plan -o json h?.trace >all.json'
expect "... the sum of parts is the sum of all" cmp -s ab.json all.json
expect "... by standard input as well" eval 'cat a.jsonl b.jsonl | "$HEADROOMCTL" plan --merge - -o json | cmp -s - all.json'
expect "... as a page" grep -q 'Memory plan of 6 hosts' fleet.html
echo '{"format":"else"}' >c.jsonl
expect "what is no plan is said with its line" eval '! "$HEADROOMCTL" plan --merge a.jsonl c.jsonl >out 2>err && says "^headroomctl: c.jsonl:1: " && has "^2 hosts"'

long() { head -c 300000000 /dev/zero | tr '\0' x; echo; cat b.jsonl; printf '\n{"a":'; }
limited() { (ulimit -v 250000; "$HEADROOMCTL" "$@"); }
# A build with a sanitizer has no room in that.
limited check --help >/dev/null 2>&1 || limited() { "$HEADROOMCTL" "$@"; }
expect "a line without an end is not held in memory" eval '! long | limited plan --merge - >out 2>err && says "^headroomctl: -:1: too long"'
expect "... and the lines behind it count" eval 'has "^4 hosts" && says "^headroomctl: -:7: no JSON"'

# Damage
size=$(stat -c %s host.trace)
head -c $((size / 2)) host.trace >torn.trace
expect "a torn tail is no error" plan torn.trace --ram 2G
cp host.trace flipped.trace
printf '\377\377\377\377' | dd of=flipped.trace bs=1 seek=$((size / 2)) conv=notrunc 2>/dev/null
expect "a flipped byte is" no plan flipped.trace --ram 2G
expect "... with its offset" says '^headroomctl: flipped.trace: offset [0-9]+: '
expect "... and the rest is used with --salvage" plan --salvage flipped.trace --ram 2G
expect "... which is said" has 'damaged'
echo "not a trace at all" >foreign.trace
: >empty.trace
for f in foreign empty; do expect "$f is refused" eval '! plan $f.trace && says "^headroomctl: $f.trace: "'; done
expect "no such file" eval '! plan nowhere.trace && says "^headroomctl: nowhere.trace: .*No such file"'
expect "one of many that is none" eval '! plan h1.trace foreign.trace h2.trace && has "^2 hosts" && says foreign'

# The command line
for wrong in '--ram 4X' '--swap x' '--zram 1G:0%' '--swappiness 201' '--overcommit loose' '--scale a' '--limit a=x'; do
    # shellcheck disable=SC2086 # an option and its value
    "$HEADROOMCTL" plan host.trace $wrong >out 2>err
    expect "$wrong is a wrong command line" eval "[ $? -eq 2 ] && says 'expected'"
done
"$HEADROOMCTL" -o jsonl status >out 2>err
expect "jsonl is plan's" [ $? -eq 2 ]
"$HEADROOMCTL" plan h1.trace h2.trace --write-dropins=dropins >out 2>err
expect "drop-ins are of one host" [ $? -eq 2 ]
finish
