# lib.sh - what all guest scenarios share. Sourced inside the guest, never on the host.
# shellcheck shell=bash
#
# A scenario is:  bench_begin NAME DAEMON; bystanders; bench_daemon; bench_hog ... or bench_job ...; bench_end
# and prints exactly one line of JSON (see bench_end). DAEMON is none, headroom, earlyoom, nohang, systemd-oomd or oomd.
#
# Everything that may be killed runs in its own service in bench.slice, the probe in probe.slice, this script in
# guest.slice. Nothing here waits for a time where it can wait for an event.

set -euo pipefail

export SYSTEMD_COLORS=0 SYSTEMD_PAGER='' LC_ALL=C

bin=/guest/bin
out=/guest/out
bench=/sys/fs/cgroup/bench.slice

scenario='' daemon='' unit='' bystanders=() bystander_pids=() daemon_pid='' hog_cgroup=$bench/hog.service
journal_cursor='' high_before=0 job_status='' probe_options=() extra=''

say() { echo "# $*"; }

fail() {
    say "cannot measure: $*"
    exit 99
}

# bench_begin NAME DAEMON
bench_begin() {
    scenario=$1
    daemon=${2:?the daemon under test}
    systemctl start bench.slice
    case $daemon in
    none) unit='' ;;
    headroom) unit=headroomd.service ;;
    earlyoom | nohang | systemd-oomd | oomd) unit=$daemon.service ;;
    *) fail "unknown daemon $daemon" ;;
    esac
}

# wait_for SECONDS COMMAND...
wait_for() {
    local n=$(($1 * 10))
    shift
    until "$@"; do
        n=$((n - 1))
        [ $n -gt 0 ] || return 1
        sleep 0.1
    done
}

# bystander NAME MB [SYSTEMD-RUN-OPTION...]: a service that takes MB, holds them and does nothing. It is started under
# its own name, so that a rule can match it.
bystander() {
    local name=$1 mb=$2
    shift 2
    ln -f "$bin/hog" "$bin/$name"
    systemd-run --quiet --unit="$name" --slice=bench.slice -p RemainAfterExit=yes "$@" \
        "$bin/$name" --max "$mb" --ready "/run/$name.ready"
    wait_for 30 test -e "/run/$name.ready" || fail "$name did not start"
    bystanders+=("$name")
    bystander_pids+=("$(systemctl show -P MainPID "$name")")
}

# The peers run as Debian ships them, except where the shipped policy does not look at the services at all:
# - systemd-oomd watches only what units ask for. bench.slice gets what Fedora 34 and Ubuntu 22.04 gave user@.service
#   (pressure, 50 % for 20 s), the root slice the swap rule (90 %).
# - oomd's desktop preset names system.slice; the name is replaced by bench.slice, its limits stay.
configure_peer() {
    case $daemon in
    systemd-oomd)
        mkdir -p /etc/systemd/oomd.conf.d
        printf '[OOM]\nDefaultMemoryPressureDurationSec=20s\n' >/etc/systemd/oomd.conf.d/bench.conf
        systemctl set-property --runtime bench.slice ManagedOOMMemoryPressure=kill ManagedOOMMemoryPressureLimit=50%
        systemctl set-property --runtime -- -.slice ManagedOOMSwap=kill
        ;;
    oomd) sed -i 's/system\.slice/bench.slice/g' /etc/oomd/oomd.json ;;
    esac
}

# protect_by_rule NAME: "never kill NAME", in each daemon's own words, or the nearest it has.
protect_by_rule() {
    local name=$1
    case $daemon in
    none) ;;
    headroom)
        mkdir -p /etc/headroom/rules.d
        printf '[Match]\nName=%s\n\n[Score]\nTier=never\n' "$name" >/etc/headroom/rules.d/50-protected.conf
        ;;
    # --ignore came with 1.8; 1.7 has only --avoid, a malus.
    earlyoom)
        if earlyoom --help 2>&1 | grep -- --ignore >/dev/null; then
            echo "EARLYOOM_ARGS=\"--ignore ^$name\$\"" >/etc/default/earlyoom
        else
            echo "EARLYOOM_ARGS=\"--avoid ^$name\$\"" >/etc/default/earlyoom
        fi
        ;;
    nohang) echo "@BADNESS_ADJ_RE_NAME -900 /// ^$name\$" >>/etc/nohang/nohang.conf ;;
    systemd-oomd) systemctl set-property --runtime "$name.service" ManagedOOMPreference=omit ;;
    oomd) setfattr -n trusted.oomd_avoid -v 1 "$bench/$name.service" ;;
    esac
}

# bench_daemon: configure the daemon under test and start its service; the probe is started after it.
bench_daemon() {
    if [ -n "$unit" ]; then
        configure_peer
        systemctl start "$unit" || fail "$unit does not start: $(journalctl -u "$unit" -n 5 -o cat | tr '\n' ' ')"
        # Some have no way to say that they are ready.
        sleep 3
        systemctl -q is-active "$unit" || fail "$unit does not stay up"
        daemon_pid=$(systemctl show -P MainPID "$unit")
    fi
    systemd-run --quiet --unit=probe --slice=probe.slice -p OOMScoreAdjust=-900 \
        "$bin/probe" --file /guest/probe.data --out "$out/probe.json" "${probe_options[@]}"
    # Sooner a signal would kill it.
    wait_for 30 test -e "$out/probe.json" || fail "the probe did not start"
}

events_high() { sed -n 's/^high //p' "$bench/memory.events"; }

# bench_hog SECONDS [-p PROPERTY]... -- COMMAND...: run COMMAND as hog.service and watch it for at most SECONDS.
bench_hog() {
    local seconds=$1 properties=()
    shift
    while [ "$1" != -- ]; do
        properties+=("$1")
        shift
    done
    shift
    journal_cursor=$(journalctl -n 0 --show-cursor | sed -n 's/^-- cursor: //p')
    high_before=$(events_high)
    "$bin/referee" --cgroup "$hog_cgroup" --seconds "$seconds" >"$out/referee.json" &
    local referee=$!
    systemctl kill -s USR1 probe
    # Without RemainAfterExit a hog that died of SIGTERM would count as a clean exit and leave no trace.
    systemd-run --quiet --unit=hog --slice=bench.slice -p RemainAfterExit=yes "${properties[@]}" "$@"
    wait "$referee"
    # The aftermath belongs to it: whoever kills a second one by mistake does so now.
    sleep 4
}

# bench_job SECONDS [-p PROPERTY]... -- COMMAND...: like bench_hog, but COMMAND is expected to end by itself, within
# SECONDS. Its service and cgroup are there before it and stay after it, so that what was done to them can be seen to be
# undone. The settings of the host are taken down before.
bench_job() {
    local seconds=$1 properties=()
    shift
    while [ "$1" != -- ]; do
        properties+=("$1")
        shift
    done
    shift
    rm -f /run/hog.go /run/hog.status
    # shellcheck disable=SC2016
    systemd-run --quiet --unit=hog --slice=bench.slice "${properties[@]}" /bin/bash -c \
        'until [ -e /run/hog.go ]; do sleep 0.1; done; "$@"; echo $? >/run/hog.status; exec sleep infinity' hog "$@"
    sleep 1
    settings >"$out/settings.before"
    journal_cursor=$(journalctl -n 0 --show-cursor | sed -n 's/^-- cursor: //p')
    high_before=$(events_high)
    systemctl kill -s USR1 probe
    "$bin/referee" --cgroup "$hog_cgroup" --seconds "$seconds" --until /run/hog.status >"$out/referee.json" &
    local referee=$!
    : >/run/hog.go
    wait "$referee"
    systemctl kill -s USR2 probe
    job_status=$(cat /run/hog.status 2>/dev/null) || job_status=running
}

# settings: what an OOM daemon might change and must put back, one "FILE value" a line. Of cgroups and of the kernel.
settings() {
    (
        cd /sys/fs/cgroup
        find . -mindepth 1 \( -name memory.high -o -name memory.max -o -name memory.low -o -name memory.swap.high \
            -o -name memory.swap.max -o -name cpu.weight -o -name io.weight -o -name cgroup.freeze \) \
            -exec grep -H '' {} +
        cd /proc/sys/vm
        grep -H '' swappiness overcommit_* min_free_kbytes watermark_* page-cluster vfs_cache_pressure \
            ./*_reserve_kbytes panic_on_oom
    ) 2>/dev/null | sed 's/:/ /' | sort
}

# settings_changed FILE: the settings that are other than in FILE, "NAME was -> is". What is gone, or new, does not count.
settings_changed() {
    settings | awk -v before="$1" '
        BEGIN { while ((getline line <before) > 0) { split(line, f, " "); was[f[1]] = substr(line, length(f[1]) + 2) } }
        { is = substr($0, length($1) + 2); if ($1 in was && was[$1] != is) print $1, was[$1], "->", is }'
}

# bench_restored SECONDS: wait until every setting is as it was before the job; restored_s is null if it never was.
bench_restored() {
    local begin now left
    begin=$(date +%s%N)
    for (( ; ; )); do
        left=$(settings_changed "$out/settings.before")
        now=$((($(date +%s%N) - begin) / 1000000))
        if [ -z "$left" ] || [ "$now" -gt $(($1 * 1000)) ]; then break; fi
        sleep 0.2
    done
    if [ -z "$left" ]; then
        extra+=",\"restored_s\":$(seconds "$now"),\"unrestored\":0"
    else
        say "not restored: $left" >&2
        extra+=",\"restored_s\":null,\"unrestored\":$(wc -l <<<"$left")"
    fi
}

# progress FILE: how far a load is (progress.h).
progress() { od -An -tu8 -N8 "$1" | tr -d ' '; }

# json_get KEY FILE: the value of a key in a flat one-line object.
json_get() { sed -n "s/.*\"$1\":\([^,}]*\).*/\1/p" "$2"; }

# json_string TEXT: quoted; control characters become spaces.
json_string() {
    local text
    text=$(printf '%s' "$1" | tr '\000-\037\177' ' ')
    text=${text//\\/\\\\}
    printf '"%s"' "${text//\"/\\\"}"
}

# seconds MILLISECONDS|null
seconds() {
    case $1 in
    null | '') echo null ;;
    *) printf '%d.%d' $(($1 / 1000)) $(($1 % 1000 / 100)) ;;
    esac
}

journal_since() { journalctl --after-cursor="$journal_cursor" -o cat "$@" 2>/dev/null; }

# The daemon's own word about what it did: its last line that tells of a kill or, where there is none, of a step that
# holds something. That such a step is over, since the victim is gone, comes after the kill and is not its reason.
daemon_reason() {
    local patterns=() pattern line
    case $daemon in
    none) return 0 ;;
    headroom) patterns=('^(terminating|killed) ' '^(throttled|froze) ') ;;
    earlyoom) patterns=('sending SIG.* to process') ;;
    nohang) patterns=('Sending SIG.* to .*:') ;;
    systemd-oomd) patterns=('^Killed') ;;
    oomd) patterns=('oomd kill|Killing cgroup') ;;
    esac
    for pattern in "${patterns[@]}"; do
        # pid 1 writes about the unit, too; only what the daemon itself said counts.
        line=$(journal_since "_SYSTEMD_UNIT=$unit" | grep -iE "$pattern" | tail -n 1) || true
        [ -z "$line" ] || break
    done
    printf '%s' "$line"
}

# daemon_status: what headroom says of itself now, for daemon_recent.
daemon_status() { headroomctl status -o json | tr -d '\n' >"$out/status"; }

# daemon_recent METER KEY: of the last minute or two before that, in milliseconds.
daemon_recent() {
    sed -n "s/.*\"$1\"[^{]*{[^}]*\"recent\"[^{]*{[^}]*\"$2\"[^0-9]*\([0-9]*\).*/\1/p" "$out/status" |
        awk '{ v = $1 / 1000 } END { if (NR) printf "%.1f", v; else printf "null" }'
}

daemon_alive() {
    [ -n "$unit" ] || { echo null; return; }
    if systemctl -q is-active "$unit" && [ "$(systemctl show -P MainPID "$unit")" = "$daemon_pid" ]; then
        echo true
    else
        echo false
    fi
}

count_alive() {
    local n=0 i
    for i in "${!bystanders[@]}"; do
        if [ "$(systemctl show -P MainPID "${bystanders[i]}")" = "${bystander_pids[i]}" ]; then
            n=$((n + 1))
        else
            say "${bystanders[i]} died: $(systemctl show -P Result "${bystanders[i]}")" >&2
        fi
    done
    echo "$n"
}

# bench_end: stop everything and print the line.
#   hog_dead             its cgroup became empty, other than by its own successful end
#   by                   kernel: a kernel log line names a task of the hog; daemon: otherwise; none: it lives
#   seconds_to_hog_dead  from the start of the hog; seconds_from_onset: from where pressure began (see referee.c)
#   hog_result           what systemd says of the hog's service
#   throttled            how often bench.slice was held at a memory.high
#   and $extra, what the scenario has to say itself
bench_end() {
    local dead by=none reason result kills dead_ms onset_ms from_onset=null alive
    alive=$(count_alive)
    result=$(systemctl show -P Result hog.service)
    dead=$(json_get dead "$out/referee.json")
    dead_ms=$(json_get dead_ms "$out/referee.json")
    if [ -n "$job_status" ]; then
        # The service outlives the job, and so its cgroup says nothing.
        case $job_status in
        0 | running) dead=false dead_ms=null result=success ;;
        *) dead=true ;;
        esac
    fi
    onset_ms=$(json_get onset_ms "$out/referee.json")
    if [ -z "$job_status" ] && [ "$dead" = true ] && [ "$result" = success ] &&
        [ "$(systemctl show -P ExecMainCode hog.service)" = 1 ] &&
        [ "$(systemctl show -P ExecMainStatus hog.service)" = 0 ]; then
        dead=false dead_ms=null
    fi
    # Right after the referee had gone home: dead, but nobody knows when.
    if [ "$dead" = false ] && [ "$result" != success ] &&
        ! grep -q 'populated 1' "$hog_cgroup/cgroup.events" 2>/dev/null; then
        dead=true dead_ms=null
    fi
    if [ "$dead" = false ]; then systemctl kill -s KILL hog.service 2>/dev/null || true; fi
    systemctl stop probe || true
    [ -s "$out/probe.json" ] || fail "the probe left no figures"
    if [ "$dead_ms" != null ] && [ "$onset_ms" != null ]; then from_onset=$(seconds $((dead_ms - onset_ms))); fi
    journalctl --sync
    kills=$(awk '$1 == "oom_kill" { print $2 }' /proc/vmstat)
    if [ "$dead" = true ]; then
        by=daemon
        # Not grep -q: it would stop reading, and under pipefail the broken pipe would look like "not found".
        if journal_since -k | grep 'oom-kill:.*task_memcg=/bench.slice/hog.service' >/dev/null; then by=kernel; fi
    fi
    reason=$(daemon_reason)
    {
        printf '{"scenario":"%s","daemon":"%s","suite":"%s","kernel":"%s"' "$scenario" "$daemon" "$SUITE" "$(uname -r)"
        printf ',"hog_dead":%s,"seconds_to_hog_dead":%s,"seconds_from_onset":%s' \
            "$dead" "$(seconds "$dead_ms")" "$from_onset"
        printf ',"by":"%s","kernel_oom_kills":%s' "$by" "$kills"
        printf ',"bystanders":%d,"bystanders_alive":%d,"daemon_alive":%s' \
            "${#bystanders[@]}" "$alive" "$(daemon_alive)"
        printf ',"probe_worst_ms":%s,"probe_late_permille":%s,"probe_stall_permille":%s' \
            "$(json_get worst_ms "$out/probe.json")" "$(json_get late_permille "$out/probe.json")" \
            "$(json_get stall_permille "$out/probe.json")"
        printf ',"full_ms":%s,"throttled":%s' \
            "$(json_get full_ms "$out/referee.json")" $(($(events_high) - high_before))
        printf '%s,"hog_result":"%s","reason":%s}\n' "$extra" "$result" "$(json_string "$reason")"
    }
}
