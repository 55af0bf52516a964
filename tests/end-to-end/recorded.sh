#!/usr/bin/env bash
# recorded.sh BUILD_DIR: answers of real devices are shown correctly by a kernel mount and by collectd.
# A solar meter on Modbus has two sets of readings, which must not be mixed. If a part of an answer
# is not as documented, only that part is skipped; this is logged once, and counted.
# shellcheck disable=SC1091,SC2154,SC2317
set -euo pipefail
. "$(dirname "$0")/mount-lib.sh"
. "$(dirname "$0")/collectd-lib.sh"
begin_mount "$@"
collectd_begin
run=$scratch/collectd
two=00-1E-C0-00-00-02

# begin_world: starts the simulator and writes the configurations. The first device is on the LAN, and
# the second only in the cloud.
begin_world() {
  start_sim --devices 2 --lan 1 --meters p1,s01,mb3 --since "$since"
  write_config "$conf" 'timeout = 60'
  printf '[local shed]\naddress = %s\ntimeout = 60\n' "${sim_lan[0]}" >>"$conf"
  sed "s|^directory = .*|&.again|" "$conf" >"$scratch/again.conf"
  conf "$run" <<CONF
<Plugin cemm>
  TimeZone "Europe/Amsterdam"
  <Cloud "home">
    URL "$sim_cloud"
    ApiKeyFile "$conf.key"
    Timeout 60
    Interval 1
  </Cloud>
  <Local "shed">
    Address "${sim_lan[0]}"
    Timeout 60
    Interval 1
  </Local>
</Plugin>
CONF
}

# ---- one set of readings ---------------------------------------------------------

# sums FILE: reads lines "TIME CHANNEL VALUE" in kWh. Prints how many times have all six readings, and
# for how many of these times a documented sum is wrong.
sums() {
  awk '
    function off(a, b, sum) { return a - b - sum > 0.0101 || a - b - sum < -0.0101 }
    { reading[$1 " " $2] = $3; seen[$1]++ }
    END {
      for (time in seen) {
        whole += seen[time] == 6
        wrong += seen[time] == 6 &&
          (off(reading[time " t1"], reading[time " t3"], reading[time " electric_energy"]) ||
           off(reading[time " t2"], reading[time " t4"], reading[time " electric_energy_high"]))
      }
      print whole + 0, wrong + 0
    }' "$1"
}

solar_in_the_mount() {
  local document channel
  check 'the mount: the solar meter is read' wait_for 20 cat "$m/$dev/mb3/realtime.csv"
  # same: copies realtime.json and realtime.csv, and tells whether both were made of the same answer.
  same() {
    document=$(<"$m/$dev/mb3/realtime.json") &&
      cp "$m/$dev/mb3/realtime.csv" "$scratch/mb3.csv" && [[ $document == "$(<"$m/$dev/mb3/realtime.json")" ]]
  }
  wait_for 10 same || not_ok 'the mount: both files are made of the same answer'
  for channel in t1 t2 t3 t4 electric_energy electric_energy_high; do
    is "the mount: $channel comes from totals" "$(jq -r ".totals.${channel}[1]" <<<"$document")" \
      "$(awk -F, -v channel="$channel" '$1 == channel { print $2 }' "$scratch/mb3.csv")"
    check "the mount: $channel is a file" test -s "$m/$dev/mb3/realtime/$channel"
  done
  is 'the mount: realtime.json keeps both sets' true \
    "$(jq '(.data.t1[1] - .totals.t1[1] - .totals.t2[1] | fabs) < 0.0201 and .data.t2 == [0,0]' <<<"$document")"
  awk -F, '$1 ~ /^(t|electric_energy)/ { print "now", $1, $2 }' "$scratch/mb3.csv" >"$scratch/mount.readings"
  is 'the mount: t1 - t3 is electric_energy' '1 0' "$(sums "$scratch/mount.readings")"
  is 'the mount: power comes from data' "$(jq -r '.data.electric_power[1]' <<<"$document")" \
    "$(awk -F, '$1 == "electric_power" { print $2 }' "$scratch/mb3.csv")"
}

solar_in_collectd() {
  local channel
  for channel in t1 t2 t3 t4 electric_energy electric_energy_high; do
    check "collectd: $channel" wait_for 60 has_lines 2 "$dev" "energy_wh-mb3-$channel"
  done
  for channel in t1 t2 t3 t4 electric_energy electric_energy_high; do
    csv "$dev" "energy_wh-mb3-$channel" | xargs awk -F, -v channel="$channel" \
      '$1 != "epoch" { printf "%s %s %.3f\n", $1, channel, $2 / 1000 }'
  done >"$scratch/collectd.readings"
  check 'collectd: all readings of at least one moment' test "$(sums "$scratch/collectd.readings" | cut -d' ' -f1)" -ge 1
  is 'collectd: t1 - t3 is electric_energy' 0 "$(sums "$scratch/collectd.readings" | cut -d' ' -f2)"
}

# ---- what is not as documented -------------------------------------------------------

# lines_left_out FILE WORDS: prints the number of lines that report a skipped part with WORDS.
lines_left_out() {
  grep -c -- "$2.*; left out" "$1" || true
}

# day UID: prints a closed day of p1 as csv.
day() {
  "$build/plugin/exec/cemm" history --config "$scratch/again.conf" --from "$past" --to "$past" --format csv "$1/p1"
}

odd_in_the_mount() {
  local uid file
  is 'odd entries: both devices are listed' "$dev $two" "$(basename -a "$m"/00-* | xargs)"
  is 'odd entries: all meters of the device on the LAN are listed' 'mb3 p1 s01' \
    "$(find "$m/$dev" -mindepth 1 -maxdepth 1 -type d -printf '%f\n' | sort | grep -v usage | xargs)"
  check 'odd entries: a type that is a number hides no valid one' grep -q ' p1 (p1)' "$m/status"
  for uid in "$dev" "$two"; do
    check "$uid: odd members: realtime.csv is read" wait_for 20 cat "$m/$uid/p1/realtime.csv"
    is "$uid: odd members: all other members are shown" 't1 t2 t3 t4 electric_power rate gas' \
      "$(cut -d, -f1 "$m/$uid/p1/realtime.csv" | grep -vE '^(channel|electric_energy.*|switch)$' | xargs)"
    check "$uid: odd members: a value is a file" test -s "$m/$uid/p1/realtime/electric_power"
    file=$(day_file "$uid" p1 "$past" csv)
    check "$uid: odd rows: the day is read" wait_for 20 cat "$file"
    is "$uid: odd rows: all other rows are shown" 1441 "$(wc -l <"$file")"
    cut -d, -f2 "$file" | tail -n +2 >"$scratch/day.$uid"
  done
  cp "$m/status.json" "$scratch/status.json"
  is 'what was left out is counted for both sources' true \
    "$(jq '[.sources[] | select(.left_out >= 4)] | length == 2' "$scratch/status.json")"
  for file in 'odd1 is not' 'a row of electric_power is not'; do
    is "each source has one line in the log: $file" 2 "$(lines_left_out "$scratch/fs.log" "$file")"
  done
  is 'the list of devices has one line in the log' 1 "$(lines_left_out "$scratch/fs.log" 'a device has no string "uid"')"
  is 'the list of meters has one line in the log' 1 "$(lines_left_out "$scratch/fs.log" "$dev io: a meter is not an object")"
}

odd_in_collectd() {
  local uid
  for uid in "$dev" "$two"; do
    check "collectd: $uid: odd members: power" wait_for 60 has_lines 3 "$uid" power-p1-electric_power
    check "collectd: $uid: odd members: readings" wait_for 60 has_lines 3 "$uid" energy_wh-p1-t1
    check "collectd: $uid: odd entries: the other meter" wait_for 60 has_lines 1 "$uid" power-s01-electric_power
    is "collectd: $uid: no odd member is dispatched" '' "$(find "$run/csv" -path "*$uid*odd*")"
  done
  is 'collectd: each source has one line in the log' 2 "$(lines_left_out "$run/log" 'odd1 is not')"
}

past=$(date -d '40 days ago' +%F)
begin_world
# The first fault that matches a request applies.
sim_faults 'odd-members@*/p1/realtime*' 'odd-rows@*/data/day/*' 'odd-entries@*/io*' 'odd-entries@*/cemm/*'
mount_fs -o realtime_ttl=0
start_collectd "$run"
odd_in_the_mount
odd_in_collectd
solar_in_the_mount
solar_in_collectd
sim_faults
for uid in "$dev" "$two"; do
  is "$uid: the day is the same without the odd rows" "$(day "$uid" | tail -n +2 | cut -d, -f4 | cksum)" \
    "$(cksum <"$scratch/day.$uid")"
done
stop_collectd 'at the end' "$run"
unmount_fs
finish
