#!/bin/bash
# swappiness: swap on zram, a disk behind the page cache, and a load (mix.c) that has more files to read and more
# anonymous memory than fit. Six turns from the same beginning; by turns the daemon holds vm.swappiness at 60, and lets
# it find its value. Both are the daemon's doing, so that nothing but the number differs; and it watches nothing, or its
# ladder would hold the load back.
#   swappiness.sh DAEMON [DISK [TURNS]]
#   DISK           slow: 300 requests a second, fast: 2000 (the caller chooses the disk, this is its name)
#   ops_60, ops_auto   operations a second, mean of the turns of each; ops_*_least, ops_*_most: of one turn
#   gain_percent       of the means; swappiness: what auto came to in its last turn
# An emulated CPU takes many times as long for a page of zram as a real one. So there are two disks: beside the slow one
# zram is the fast storage that it is on a real machine, beside the fast one it is what it is on a slow board with a fast
# drive, several times as slow as the files. What suits only one of the two is no gain.
#: --mem 384M --data-disk 640M:300 --timeout 620
# shellcheck source=tests/guest/scenarios/lib.sh
. /guest/lib.sh
disk=${2:-slow} turns=${3:-3}
bench_begin "swappiness-$disk" "$1"
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
    # The daemon looks every ten seconds, and moves when three times in a row ask for it.
    sleep 40
    begin=$(date +%s%N) ops=$(progress /run/mix.progress)
    file=$(vmstat_sum workingset_refault_file) anon=$(vmstat_sum workingset_refault_anon)
    sleep 15
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
for ((n = 0; n < turns; n++)); do
    for value in 60 auto; do
        wanted $value
        [ -z "$unit" ] || systemctl reload "$unit"
        line=$(turn)
        say "$value: $line (operations, refaults of files, of anonymous pages per second; swappiness)"
        echo "$line" >>"$out/turns.$value"
    done
done
journal_since -u headroomd | sed -n 's/^.*set vm\.swappiness/# set vm.swappiness/p'
mean() { awk -v c="$2" '{ n += $c } END { printf "%d", n / NR }' "$out/turns.$1"; }
for value in 60 auto; do
    extra+=",\"ops_$value\":$(mean $value 1),\"ops_${value}_least\":$(cut -d' ' -f1 "$out/turns.$value" | sort -n | head -n 1)"
    extra+=",\"ops_${value}_most\":$(cut -d' ' -f1 "$out/turns.$value" | sort -n | tail -n 1)"
    extra+=",\"refaults_file_$value\":$(mean $value 2),\"refaults_anon_$value\":$(mean $value 3)"
done
extra+=",\"turns\":$turns,\"gain_percent\":$((($(mean auto 1) - $(mean 60 1)) * 100 / $(mean 60 1)))"
extra+=",\"swappiness\":$(tail -n 1 "$out/turns.auto" | cut -d' ' -f4)"
job_status=0
echo '{"dead":false,"dead_ms":null,"onset_ms":null,"full_ms":0,"kernel_oom_kills":0}' >"$out/referee.json"
bench_end
