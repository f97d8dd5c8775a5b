#!/usr/bin/env bash
# trace import of what each of the formats has recorded: the trace that comes of it, and what info and plan say of it.
. "$(dirname "$0")/lib.sh"

fixtures=$(cd "$(dirname "$0")/../fixtures" && pwd) || exit 1
cd "$work" || exit 1
import() { "$HEADROOMCTL" trace import "$@" >out 2>err; }
info() { "$HEADROOMCTL" trace info -o json "$1" >info; }
has() { grep -qE -- "$1" "$2"; }

expect "sar" import --format=sar "$fixtures/sar/memory.json" sar.trace
expect "... says what there was" has '^20 series, 10 samples every 1000 ms, 1 gaps, 0 cgroups' out
expect "... and nothing is odd" [ ! -s err ]
expect "... info" info sar.trace
expect "... names who recorded" has 'import-sar' info
expect "... plan" eval '"$HEADROOMCTL" plan sar.trace >plan'
expect "... of the memory that there was" has '23\.5 ?G' plan

expect "below" import --format=below "$fixtures/below/system.json" "$fixtures/below/cgroup.json" below.trace
expect "... says what there was" has '^[0-9]+ series, 8 samples every 5000 ms, 1 gaps, 5 cgroups; 0 values were given twice$' out
expect "... info" info below.trace
expect "... names who recorded" has 'import-below' info
expect "... plan" eval '"$HEADROOMCTL" plan below.trace >plan'
expect "... has somebody to plan for" eval '"$HEADROOMCTL" report below.trace >report && has "db\.service" report'
expect "... with the hostile name made harmless" eval '! has "^\.service" report && ! has "^\.service" plan'

expect "prometheus is the default" import "$fixtures/prometheus/node.json" "$fixtures/prometheus/cadvisor.json" prometheus.trace
expect "... plan" eval '"$HEADROOMCTL" plan prometheus.trace >plan'

head -c 3000 "$fixtures/sar/memory.json" >cut.json
expect "a file that is cut short is refused" eval '! import --format=sar cut.json cut.trace'
expect "... with its offset" has '^headroomctl: cut\.json: at offset [0-9]+: ' err
expect "... and no trace of it" [ ! -e cut.trace ]
expect "the wrong format is refused" eval '! import --format=sar "$fixtures/below/system.json" x.trace && ! import "$fixtures/sar/memory.json" x.trace'
expect "... and says which one it was read as" has '--format=prometheus' err
"$HEADROOMCTL" trace import --format=csv cut.json x.trace 2>/dev/null
expect "an unknown format is a wrong command line" [ $? -eq 2 ]
finish
