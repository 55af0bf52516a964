#!/usr/bin/env bash
# closing.sh BUILD_DIR: LAN devices that close connections. The first device announces it (Connection:
# close) and takes more than a second for each answer; the second does the same and has no list of
# meters (io); the third closes without notice; the fourth closes without notice after a while. A new
# connection may reach another device, so the root document is requested again, at most once for each
# document. The cloud also has these devices, but must not be asked. The fifth device is behind a router
# that forgets idle connections: a forgotten connection must not be used again.
# shellcheck disable=SC1091,SC2154
set -euo pipefail
. "$(dirname "$0")/mount-lib.sh"
. "$(dirname "$0")/collectd-lib.sh"
enter_namespaces "$@"
begin_mount "$@"
collectd_begin
cemm=$build/plugin/exec/cemm
names=(slow no-io unsaid late)
declare -A kind=()

uid_of() {
  printf '00-1E-C0-00-00-%02X' "$1"
}

for i in "${!names[@]}"; do
  kind[$(uid_of $((i + 1)))]=${names[i]}
done
forgotten=$(uid_of 5)
slow=$(uid_of 1) no_io=$(uid_of 2) unsaid=$(uid_of 3) late=$(uid_of 4)
faults=(
  "delay=1100@lan:$slow:*" "close@lan:$slow:*"
  "delay=1100@lan:$no_io:*" "status=404@lan:$no_io:*/io*" "close@lan:$no_io:*"
  "close-unsaid@lan:$unsaid:*" "close-late@lan:$late:*"
  "forget=25000@lan:$forgotten:*"
)
start_sim --devices 5 --lan 5 --meters p1,s01 --since "$since"
sim_faults "${faults[@]}"
write_config "$conf" 'timeout = 60'
for i in "${!names[@]}"; do
  printf '[local %s]\naddress = %s\ntimeout = 60\n' "${names[i]}" "${sim_lan[i]}" >>"$conf"
done
sed '/^\[cloud/,/^\[local/{/^\[local/!d}' "$conf" >"$scratch/lan.conf"
printf '[local forgotten]\naddress = %s\ntimeout = 60\n' "${sim_lan[4]}" >>"$conf"

mount_fs
check 'mount: behind a router: is read' cat "$m/$forgotten/p1/realtime.json"
idle_since=$(now_ms)

# run WHAT ARGUMENT…: runs cemm with LAN devices only, and checks that it succeeds.
run() {
  local what=$1
  shift
  : >"$sim_log"
  exits "$what: it succeeds" 0 timeout 600 "$cemm" "$@" --config "$scratch/lan.conf"
  is "$what: says nothing" '' "$err"
  # Only a device without io may be asked twice for a meter's realtime, because the meter is also found
  # by that request.
  is "$what: no document is requested twice" '' \
    "$(awk -v no_io="$no_io" '$2 == "lan" && $5 !~ /v1\/$/ && !($3 == no_io && /realtime/) { print $3, $5, $6 }' "$sim_log" | sort | uniq -d)"
  is "$what: at most one root request for each document" '' "$(grep ' lan ' "$sim_log" | awk '$5 ~ /v1\/$/ { roots[$3]++; next } { others[$3]++ }
    END { for (uid in roots) if (roots[uid] > others[uid] + 1) print uid, roots[uid], others[uid] }')"
}

for command in 'list --format json' 'read --format csv' "history --format csv --from $(date -d yesterday +%F) --to $(date -d yesterday +%F)"; do
  # shellcheck disable=SC2086
  run "${command%% *}" $command
  [[ $command != list* ]] || out=$(jq -r '.[] | .uid + "," + .alias' <<<"$out")
  for uid in "${!kind[@]}"; do
    for alias in p1 s01; do
      check "${command%% *}: ${kind[$uid]}: $alias" grep "^$uid,$alias" <<<"$out"
    done
  done
done

# ---- programs that keep running -----------------------------------------------------------------------

# has_of FILE COUNT UID: whether FILE has lines of the device with at least COUNT different times.
has_of() {
  (($(grep "uid=$3,alias=p1" "$1" | awk '{ print $NF }' | sort -u | wc -l) >= $2))
}

"$cemm" stream --config "$scratch/lan.conf" --interval 1 --format influx >"$scratch/out" 2>"$scratch/err" &
stream=$!
started "$stream"
for uid in "${!kind[@]}"; do
  check "stream: ${kind[$uid]}: goes on" wait_for 60 has_of "$scratch/out" 3 "$uid"
done
stop "$stream"
is 'stream: says nothing' '' "$(<"$scratch/err")"

run=$scratch/collectd
{
  printf '<Plugin cemm>\nTimeZone "Europe/Amsterdam"\n'
  printf '<Local "slow">\nAddress "%s"\nInterval 1\nTimeout 60\n</Local>\n' "${sim_lan[0]}"
  printf '<Local "late">\nAddress "%s"\nInterval 1\nTimeout 60\n</Local>\n</Plugin>\n' "${sim_lan[3]}"
} | conf "$run"
start_collectd "$run"
for uid in "$slow" "$late"; do
  check "collectd: ${kind[$uid]}: goes on" wait_for 60 has_lines 3 "$uid" power-p1-electric_power
done
stop_collectd collectd "$run"
is 'collectd: says nothing' '' "$(grep 'cemm plugin' "$run/log" | grep -v -i 'backfill' || true)"

# ---- a mount --------------------------------------------------------------------------------

source_of() {
  getfattr --only-values --absolute-names -n user.cemm.source "$m/$1/p1/realtime.json"
}
is 'mount: all devices are listed' 5 "$(find "$m" -mindepth 1 -maxdepth 1 -name '00-1E-C0-*' | wc -l)"
: >"$sim_log"
readers=()
for uid in "${!kind[@]}"; do
  cat "$m/$uid/p1/realtime.json" >"$scratch/$uid.json" &
  readers+=($!)
done
wait "${readers[@]}" || true
for uid in "${!kind[@]}"; do
  check "mount: ${kind[$uid]}: is read" jq -e .data.t1 "$scratch/$uid.json"
  is "mount: ${kind[$uid]}: on the LAN" "local ${kind[$uid]}" "$(source_of "$uid")"
  check "mount: ${kind[$uid]}: a day" test -s "$(day_file "$uid" p1 "$(date -d yesterday +%F)" csv)"
done
is 'mount: the cloud is not asked' 0 "$(requests 'cloud .*/(realtime|data)/')"
# still: whether there is no request for 3 s.
still() {
  local count
  count=$(wc -l <"$sim_log")
  sleep 3
  [[ $count == "$(wc -l <"$sim_log")" ]]
}
check 'mount: without a reader, no request is sent' wait_for 20 still
idle_for() {
  (($(now_ms) - idle_since > $1))
}
wait_for 40 idle_for 33000 # ms
check 'mount: behind a router: is read after an idle connection was forgotten' cat "$m/$forgotten/p1/realtime.json"
is 'mount: behind a router: on the LAN' 'local forgotten' "$(source_of "$forgotten")"
unmount_fs
finish
