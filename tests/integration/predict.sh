#!/usr/bin/env bash
# What is predicted of the guests that ran the mixed load, beside what they left: the table of RESULTS.md, and as good.
. "$(dirname "$0")/lib.sh"

predict=$(dirname "$0")/../guest/predict
command -v python3 >/dev/null || skip "no python3"
cells=$(find "$predict/taken" -mindepth 1 -maxdepth 1 -type d ! -name record -printf '%f\n' | paste -sd,)
table() { python3 "$predict/table.py" "$predict/taken" "$HEADROOMCTL" "$1" "$predict/RESULTS.md" >"$work/log" 2>&1; }

expect "the table is that of RESULTS.md: nine in ten right, one victim wrong at most, the smallest safe size" table "$cells"
expect "... and the check can fail: one size alone is another table" no table "${cells%%,*}"
finish
