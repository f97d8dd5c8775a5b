# host.sh - what scripts/bench-guest and tests/guest/suite share: one scenario in one guest, and its line of JSON.
# shellcheck shell=bash

guest_root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)

# How often a guest that stood still as a whole is booted. In a comparison standing still is a result, so: once.
guest_tries=1

# Options of guest-run that overrule those in the scenario's head, for whoever sets them around guest_scenario.
guest_options=()

# guest_value KEY LINE: a value of one of our own flat JSON lines, without its quotes; text with its escapes.
guest_value() { sed -nE "s/.*\"$1\":(\"([^\"\\\\]|\\\\.)*\"|[^,}]*).*/\1/p" <<<"$2" | sed -E 's/^"(.*)"$/\1/'; }

# guest_scenario SUITE STAGE SCENARIO DAEMON FILE [ARG...]: boot a guest for it. FILE gets the line (empty: no result),
# FILE.tap ok and not ok lines, FILE.err what was said else, FILE.log the guest's journal. STAGE may be empty. To be run
# in the background (a subshell of its own). What is no scenario is a script of tests/guest that prints ok and not ok
# lines itself; it is started without DAEMON, and gets more time, as it may go through several parts.
guest_scenario() {
    local suite=$1 stage=$2 script=$guest_root/tests/guest/scenarios/$3.sh daemon=$4 file=$5 options=() wanted=() args
    local run try status
    args=("$daemon" "${@:6}")
    if [ ! -e "$script" ]; then
        script=$guest_root/tests/guest/$3.sh
        args=("${@:6}") options=(--timeout 480)
    fi
    # What kind of guest a scenario wants stands in its own head, on a line that begins with "#:".
    read -r -a wanted < <(sed -n 's/^#: //p' "$script") || true
    options+=("${wanted[@]}" "${guest_options[@]}")
    [ -z "$stage" ] || options+=(--stage "$stage")
    # Ended from above (guest_end): hand it on, or the guest would stay until its timeout.
    trap 'kill "$run" 2>/dev/null; exit' TERM
    : >"$file.err"
    for ((try = 1; try <= guest_tries; try++)); do
        "$guest_root/scripts/guest-run" --suite "$suite" --log "$file.log" "${options[@]}" "$script" "${args[@]}" \
            >"$file.out" 2>>"$file.err" &
        run=$! status=0
        wait "$run" || status=$?
        [ $status = 124 ] && [ "$try" -lt "$guest_tries" ] || break
        cp "$file.log" "$file.log.1"
        echo "$3 ($suite, $daemon): the guest stood still, once more (its log: $file.log.1)" | tee -a "$file.err"
    done
    grep '^{' "$file.out" | tail -n 1 >"$file" || true
    grep -E '^(not )?ok ' "$file.out" >"$file.tap" || true
    grep -vE -e '^\{' -e '^$' -e '^(not )?ok ' "$file.out" >>"$file.err" || true
    echo "$status" >"$file.status"
}

# guest_end: end the guests that this shell started in the background.
guest_end() {
    local pid
    for pid in $(jobs -rp); do kill "$pid" 2>/dev/null || true; done
    wait
}

# guest_slot N: wait until fewer than N of this shell's background jobs run.
guest_slot() {
    while [ "$(jobs -rp | wc -l)" -ge "$1" ]; do wait -n || true; done
}
