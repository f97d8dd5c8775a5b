#!/bin/bash
# proactive: a service that has filled 200 MB and uses 20 of them, and a policy that takes from it what it does not miss
# ([Proactive], by the method of senpai). Then it wakes up and wants all 200 back: it must be left alone at once.
#   freed_percent      how much of the 180 MB that it does not use was gone after 60 s
#   pressure_permille  its own `some` share meanwhile; target_permille is what the policy allows
#   awake_mb           what it had in memory again at the end of the pause
#   backed_off         from 15 s after it woke until then nobody looked for pages of it to take (pgscan)
#: --swap-disk 1G:2000 --timeout 320
# shellcheck source=tests/guest/scenarios/lib.sh
. /guest/lib.sh
swapon "$SWAP_DISK"
bench_begin proactive "$1"
backoff=40 target_permille=10
mkdir -p /etc/headroom/cgroups.d
cat >/etc/headroom/cgroups.d/50-cold.conf <<POLICY
[Match]
Cgroup=cold.slice/cold.service

[Proactive]
Pressure=1%
Step=2%
Floor=16M
Backoff=${backoff}s
POLICY
cold=/sys/fs/cgroup/cold.slice/cold.service
systemd-run --quiet --unit=cold --slice=cold.slice -p RemainAfterExit=yes \
    "$bin/server" --mb 200 --hot 20 --step 1024 --out "$out/server"
wait_for 30 test -e "$out/server" || fail "the service did not start"
bystanders+=(cold)
bystander_pids+=("$(systemctl show -P MainPID cold)")
sleep 2

mb() { echo $(($(<$cold/memory.current) >> 20)); }
stalled_us() { sed -n 's/^some.*total=//p' $cold/memory.pressure; }
now_ms() { echo $(($(date +%s%N) / 1000000)); }

bench_daemon
before=$(mb) stalled=$(stalled_us) begin=$(now_ms)
settings >"$out/settings.before"
journal_cursor=$(journalctl -n 0 --show-cursor | sed -n 's/^-- cursor: //p')
high_before=$(events_high)
least=$before
for _ in $(seq 60); do
    sleep 1
    now=$(mb)
    [ "$now" -ge "$least" ] || least=$now
    say "cold: $now MB, some $((($(stalled_us) - stalled) / 1000)) ms"
done
pressure=$((($(stalled_us) - stalled) / ($(now_ms) - begin)))

# Awake: what it swaps in stalls it, or comes back as refaults, which are looked at every 10 s; then the pause begins.
# Nothing else is short of memory here.
systemctl kill -s USR2 cold
sleep 15
scanned=$(sed -n 's/^pgscan //p' $cold/memory.stat)
for _ in $(seq $((backoff - 20))); do
    sleep 1
    say "awake: $(mb) MB, scanned $(($(sed -n 's/^pgscan //p' $cold/memory.stat) - scanned)) pages"
done
scanned=$(($(sed -n 's/^pgscan //p' $cold/memory.stat) - scanned))
awake=$(mb) backed_off=false
if [ "$scanned" = 0 ] && [ "$awake" -ge $((before * 9 / 10)) ]; then backed_off=true; fi
extra+=",\"freed_percent\":$(((before - least) * 100 / 180)),\"pressure_permille\":$pressure"
extra+=",\"target_permille\":$target_permille,\"before_mb\":$before,\"least_mb\":$least,\"awake_mb\":$awake"
extra+=",\"backed_off\":$backed_off"
job_status=0
echo '{"dead":false,"dead_ms":null,"onset_ms":null,"full_ms":0,"kernel_oom_kills":0}' >"$out/referee.json"
bench_restored 10
bench_end
