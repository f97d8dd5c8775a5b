#!/bin/bash
# load: a mixed load in the guest, the same each time: recorded once with plenty of memory, run for real in small guests.
#
#   scripts/guest-run --mem 1G --data-disk 192M --stage DIR tests/guest/predict/load.sh record|run [SECONDS]
#
# Services of bench.slice, headroomd with the shipped policy on duty:
#   idle1-3  24 MB each, filled at the start, never touched again
#   cache    30 MB of its own, and reads 192 MB of files over and over, 24 MB/s
#   batch    each 20 s a process that takes 100 MB at 40 MB/s and ends 8 s after it began
#   leak     4 MB/s, up to 400 MB
# record: headroomd records; the trace is left in /guest/out/trace. Prints one line of JSON: what headroomd and the kernel
# have killed, and when after the beginning of the load.
# shellcheck source=tests/guest/scenarios/lib.sh
. /guest/lib.sh
mode=${1:?record or run} seconds=${2:-100}

if [ -n "${SWAP_DISK:-}" ]; then swapon "$SWAP_DISK"; fi
if [ "$mode" = record ]; then
    mkdir -p /etc/headroom/headroomd.conf.d
    printf '[Record]\nRecord=yes\nDetailInterval=1s\n' >/etc/headroom/headroomd.conf.d/record.conf
fi
for name in idle1 idle2 idle3 cache batch leak; do ln -f "$bin/hog" "$bin/$name"; done
systemctl start bench.slice
systemctl start headroomd || fail "headroomd does not start"
for name in idle1 idle2 idle3; do
    systemd-run --quiet --unit=$name --slice=bench.slice "$bin/$name" --max 24 --ready /run/$name.ready
    wait_for 30 test -e /run/$name.ready || fail "$name did not start"
done
# headroomd looks at processes now and then while the host is calm: it shall have seen this one.
sleep 3

service() {
    local name=$1
    shift
    systemd-run --quiet --unit="$name" --slice=bench.slice -p RemainAfterExit=yes "$@"
}

begin=$(awk '{ printf "%d", $1 * 1000 }' /proc/uptime)
# shellcheck disable=SC2016
service cache /bin/bash -c '"$1/cache" --max 30 & exec "$1/stream" --seconds 1000 --rate 24 /data/*' cache "$bin"
# By the clock: a guest that is short of memory does not begin its bursts later than the one that was recorded.
cat >/run/batch.sh <<'EOF'
wait_until() {
    local now left
    read -r now _ </proc/uptime
    left=$(($1 - 10#${now/./} * 10))
    if [ $left -gt 0 ]; then sleep "$(printf '%d.%03d' $((left / 1000)) $((left % 1000)))"; fi
}
for ((at = $2; ; at += 20000)); do
    wait_until $at
    "$1/batch" --rate 40 --max 100 &
    hog=$!
    wait_until $((at + 8000))
    kill -KILL $hog 2>/dev/null
    wait $hog
done
EOF
service batch /bin/bash /run/batch.sh "$bin" "$begin"
# shellcheck disable=SC2016
service leak "$bin/leak" --rate 4 --max 400
lives() { systemctl -q is-active leak && grep -q 'populated 1' "$bench/leak.service/cgroup.events" 2>/dev/null; }
# To its end even where something was killed: who goes next, and whether anybody does, belongs to it.
while [ "$(awk '{ printf "%d", $1 * 1000 }' /proc/uptime)" -lt $((begin + seconds * 1000)) ]; do sleep 0.5; done
leak_lives=false
if lives; then leak_lives=true; fi
systemctl kill -s KILL leak batch cache 2>/dev/null || true
sleep 2
headroomctl history -o json >"$out/history.json"
cp /proc/meminfo /proc/vmstat "$out/"
if [ "$mode" = record ]; then
    systemctl stop headroomd
    cp -r /var/lib/headroom/trace "$out/trace"
fi
journalctl --sync
journalctl -u headroomd -o cat | grep -iE 'kill|terminat|sigterm|gone after' >"$out/kills.txt" || true
journalctl -k -o cat | grep 'oom-kill:' >"$out/kernel.txt" || true
awk -v begin="$begin" -v total="$(awk '$1 == "MemTotal:" { print $2 }' /proc/meminfo)" \
    -v swap="$(awk '$1 == "SwapTotal:" { print $2 }' /proc/meminfo)" -v lives=$leak_lives -v seconds="$seconds" \
    -v kernel="$(awk '$1 == "oom_kill" { print $2 }' /proc/vmstat)" -v mode="$mode" 'BEGIN {
        printf "{\"scenario\":\"predict\",\"mode\":\"%s\",\"mem_total_kib\":%d,\"swap_kib\":%d,\"begin_ms\":%d,\"seconds\":%d,", \
            mode, total, swap, begin, seconds
        printf "\"leak_lives\":%s,\"kernel_oom_kills\":%d}\n", lives, kernel
    }'
