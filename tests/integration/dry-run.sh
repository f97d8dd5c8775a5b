#!/usr/bin/env bash
# A dry run on this very host: starts, says what the host lacks, shows what it sees, ends by itself, kills nobody.
. "$(dirname "$0")/lib.sh"

"$HEADROOMD" --dry-run --duration=4s >"$work/log" 2>&1
expect "ends with 0" [ $? -eq 0 ]
expect "says what it is" log_has '^headroomd [0-9.]+: dry run, '
expect "shows the host" log_has '^host: (calm|warn|relieve|kill), available [0-9]'
expect "says who would go first" log_has '^(would go first: |nobody would go)'
expect "says that it ended" log_has '^ended after [0-9]+ ticks'
expect "kills nobody" eval '! log_has "^(killed|terminating) "'
expect "leaves no socket" [ ! -e "$RUNTIME_DIRECTORY/control" ]
if [ ! -e /proc/pressure/memory ]; then expect "states that there is no PSI" log_has '^no-psi: '; fi
if [ "$(grep -c . /proc/swaps)" -le 1 ]; then expect "states that there is no swap" log_has '^no-swap: '; fi
if ! grep -qs '\bmemory\b' /sys/fs/cgroup/cgroup.controllers; then
    expect "states that there is no memory controller" log_has '^no-(memcg|cgroup2): '
fi

"$HEADROOMD" --dry-run --duration=5 >"$work/log" 2>&1
expect "a time without a unit is refused" [ $? -eq 2 ]
"$HEADROOMD" surplus >"$work/log" 2>&1
expect "an argument is refused" [ $? -eq 2 ]
"$HEADROOMD" --root="$work/none" >"$work/log" 2>&1
expect "a root that is not there is said" [ $? -eq 1 ]

# As an ordinary user: a dry run works without a socket, in earnest it refuses.
if [ "$(id -u)" -eq 0 ] && setpriv --reuid=65534 --clear-groups "$HEADROOMD" --version >/dev/null 2>&1; then
    as_user=(env -u RUNTIME_DIRECTORY setpriv --reuid=65534 --regid=65534 --clear-groups --bounding-set=-all)
    "${as_user[@]}" "$HEADROOMD" --dry-run --duration=2s >"$work/log" 2>&1
    expect "an ordinary user may run it dry" [ $? -eq 0 ]
    expect "... without a control socket, and says so" log_has '^no control socket '
    "${as_user[@]}" "$HEADROOMD" --duration=2s >"$work/log" 2>&1
    expect "... but not in earnest" [ $? -eq 1 ]
    expect "... and is told why" log_has 'CAP_KILL.*--dry-run'
fi
finish
