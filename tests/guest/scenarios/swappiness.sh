#!/bin/bash
# swappiness: swap on zram, a disk of 300 requests a second behind the page cache, and a load (mix.c) that has more
# files to read and more anonymous memory than fit. Six turns from the same beginning; by turns the daemon holds vm.swappiness
# at 60, and lets it find its value. Both are the daemon's doing, so that nothing but the number differs; and it watches
# nothing, or its ladder would hold the load back.
#   ops_60, ops_auto   operations a second, mean of three turns each; gain_percent; swappiness: what auto came to
# An emulated CPU takes some 20 times as long for a page of zram as a real one, so the disk is a slow one, too: what
# counts is how much faster the one is than the other. (With a disk of 2000 requests, as if the CPU were real, the
# guest spends its time compressing, and auto loses.)
#: --mem 384M --data-disk 640M:300 --timeout 420
# shellcheck source=tests/guest/scenarios/lib.sh
. /guest/lib.sh
bench_begin swappiness "$1"
modprobe zram
echo 512M >/sys/block/zram0/disksize
mkswap /dev/zram0 >/dev/null
swapon -p 100 /dev/zram0
mkdir -p /etc/headroom/headroomd.conf.d /etc/headroom/cgroups.d
ln -sf /dev/null /etc/headroom/cgroups.d/80-limited.conf
printf '[Match]\nCgroup=/\n\n[Warn]\nWhen=available < 1M\n' >/etc/headroom/cgroups.d/90-host.conf

wanted() { printf '[Sysctl]\nSwappiness=%s\n' "$1" >/etc/headroom/headroomd.conf.d/50-swappiness.conf; }
vmstat_sum() { awk -v k="$1" '$1 == k { n += $2 } END { print n + 0 }' /proc/vmstat; }
# turn: a fresh load, and once it has settled: operations, refaults of files, of anonymous pages a second; swappiness.
turn() {
    local ops file anon begin ms
    echo 3 >/proc/sys/vm/drop_caches
    rm -f /run/mix.progress
    systemd-run --quiet --unit=mix --slice=bench.slice \
        "$bin/mix" --anon-mb 240 --every 8 --threads 4 --progress /run/mix.progress /data/[0-2]
    wait_for 60 test -e /run/mix.progress || fail "the load did not start"
    sleep 15
    begin=$(date +%s%N) ops=$(progress /run/mix.progress)
    file=$(vmstat_sum workingset_refault_file) anon=$(vmstat_sum workingset_refault_anon)
    sleep 12
    ms=$((($(date +%s%N) - begin) / 1000000))
    ops=$((($(progress /run/mix.progress) - ops) * 1000 / ms))
    file=$((($(vmstat_sum workingset_refault_file) - file) * 1000 / ms))
    anon=$((($(vmstat_sum workingset_refault_anon) - anon) * 1000 / ms))
    echo "$ops $file $anon $(cat /proc/sys/vm/swappiness)"
    systemctl is-active mix >/dev/null || say "the load was killed" >&2
    systemctl stop mix
}

wanted 60
bench_daemon
journal_cursor=$(journalctl -n 0 --show-cursor | sed -n 's/^-- cursor: //p')
high_before=$(events_high)
for _ in 1 2 3; do
    for value in 60 auto; do
        wanted $value
        [ -z "$unit" ] || systemctl reload "$unit"
        line=$(turn)
        say "$value: $line (operations, refaults of files, of anonymous pages per second; swappiness)"
        echo "$line" >>"$out/turns.$value"
    done
done
mean() { awk -v c="$2" '{ n += $c } END { printf "%d", n / NR }' "$out/turns.$1"; }
for value in 60 auto; do
    extra+=",\"ops_$value\":$(mean $value 1),\"refaults_file_$value\":$(mean $value 2)"
    extra+=",\"refaults_anon_$value\":$(mean $value 3)"
done
extra+=",\"gain_percent\":$((($(mean auto 1) - $(mean 60 1)) * 100 / $(mean 60 1)))"
extra+=",\"swappiness\":$(tail -n 1 "$out/turns.auto" | cut -d' ' -f4)"
job_status=0
echo '{"dead":false,"dead_ms":null,"onset_ms":null,"full_ms":0,"kernel_oom_kills":0}' >"$out/referee.json"
bench_end
