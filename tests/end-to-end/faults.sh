#!/usr/bin/env bash
# faults.sh BUILD_DIR: tests a kernel mount, the program and a real collectd with every fault of the
# simulator, one at a time. Each program must handle the fault, other devices must not be affected,
# everything must work again when the fault has ended, and no value may be wrong.
# shellcheck disable=SC1091,SC2154
set -euo pipefail
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/collectd-lib.sh"
. "$(dirname "$0")/faults-lib.sh"
. "$(dirname "$0")/key-lib.sh"
begin "$@"
[[ -c /dev/fuse && -r /dev/fuse && -w /dev/fuse ]] || skip '/dev/fuse cannot be opened'
collectd_begin

export TZ=Europe/Amsterdam LC_ALL=C
faulty=00-1E-C0-00-00-01
healthy=00-1E-C0-00-00-02
run=$scratch/collectd

read_file() {
  cat "$m/$1/p1/realtime.csv"
}

# one_fault FAULT ERRNO WORDS…: tests a fault, with a short timeout if the fault causes one.
one_fault() {
  local fault=$1 errno=$2 words=${*:3} got want=0 message mode=patient code=0
  [[ $fault != @($waits) ]] || mode=hasty
  m=$scratch/$mode.m
  export CEMM_CONFIG=$scratch/$mode.conf
  # A meter without a sample counts as failed in the program, even if the mount can show its answer.
  [[ $errno == 0 && $fault != @($no_sample|clock-ahead) ]] || code=1
  want=$(errno_words "$errno")
  sim_faults "$fault@*/$faulty/p1/realtime/*"
  message=$(read_file "$faulty" 2>&1 >"$scratch/content") || true
  got=${message##*: }
  if [[ $got != "$want" ]]; then not_ok "$fault: the mount says $errno" "$message"; else ok "$fault: the mount says $errno"; fi
  check "$fault: the healthy device is read" read_file "$healthy"
  if [[ -n $words ]]; then
    has "$fault: status says why" "$(<"$m/status")" "$words"
  else
    check "$fault: it is a whole file" well_formed realtime "$scratch/content"
  fi
  exits "$fault: the program's exit" "$code" \
    "$build/plugin/exec/cemm" read --format csv "$faulty/p1" "$healthy/p1"
  echo "$out$err" >>"$scratch/all-logs"
  is "$fault: the program prints the values of the healthy device" 6 "$(grep -c "^$healthy,p1,.*,.*,.*,20" <<<"$out")"
  if [[ -n $words ]]; then has "$fault: the program says why" "$err" "E! "; fi
  sim_faults
  check "$fault: it works again afterwards" wait_for 20 read_file "$faulty"
  no_key "$fault"
}

# ---- all faults ------------------------------------------------------------------

check 'every fault has a row' every_fault_has_a_row
the_search_finds_keys
start_sim --devices 2 --meters p1 --since "$since"
# The timeout is long, because otherwise a device would seem not to answer on a busy machine.
write_config "$scratch/patient.conf" 'timeout = 120'
write_config "$scratch/hasty.conf" 'timeout = 120' "device = $healthy"
printf '\n[cloud silent]\nurl = %s\napi-key-file = %s\ntimeout = 2\ndevice = %s\n' \
  "$sim_cloud" "$scratch/hasty.conf.key" "$faulty" >>"$scratch/hasty.conf"
for mode in hasty patient; do
  m=$scratch/$mode.m
  mkdir "$m"
  "$build/fs/cemmfs" "$scratch/$mode.conf" "$m" -f -o realtime_ttl=0 2>>"$scratch/all-logs" &
  fs_pid=$!
  started "$fs_pid"
  mounted "$m"
  wait_for 10 cat "$m/status" || { echo "Bail out! cemmfs did not mount"; exit 1; }
  wait_for 10 ls "$m/$faulty" "$m/$healthy" || not_ok 'both devices are known'
done
conf "$run" <<CONF
<Plugin cemm>
  TimeZone "Europe/Amsterdam"
  <Cloud "home">
    URL "$sim_cloud"
    ApiKeyFile "$scratch/patient.conf.key"
    Timeout 10
    Interval 1
  </Cloud>
</Plugin>
CONF
start_collectd "$run"
check 'collectd has values of the faulty device' wait_for 20 has_lines 1 "$faulty" power-p1-electric_power
check 'collectd has values of the healthy device' wait_for 20 has_lines 1 "$healthy" power-p1-electric_power

while read -r fault errno words; do
  [[ -z $fault || $fault == status=200 ]] || one_fault "$fault" "$errno" "$words"
done <<<"$table"

m=$scratch/patient.m
# of UID FILTER: prints a part of the device's entry in status.json.
of() {
  jq -e --arg uid "$1" ".devices[] | select(.uid == \$uid) | $2" "$m/status.json"
}
check 'status.json: the faulty device, its last failure, and success' of "$faulty" '.last_failure and .last_success and (.last_message | contains("256 KiB"))'
check 'status.json: the healthy device never failed' of "$healthy" '.last_success and .last_failure == null and .last_message == null'
is 'status: the last failure of the faulty device' 1 "$(grep -A5 "^device $faulty" "$m/status" | grep -c '  last failure  .*256 KiB')"

# ---- collectd, after all faults -----------------------------------------------

before=$(lines "$(csv "$faulty" power-p1-electric_power)")
check 'collectd goes on with the device that was faulty' \
  wait_for 330 has_lines $((before + 1)) "$faulty" power-p1-electric_power
stop_collectd 'after all faults' "$run"
for uid in "$faulty" "$healthy"; do
  compare "$uid" power p1 electric_power 1
  compare "$uid" energy_wh p1 t1 1000
done
check 'collectd missed nothing of the healthy device' without_gaps "$healthy" power-p1-electric_power
is 'no more series than there should be' 6 "$(find "$run/csv" -path "*/cemm-$healthy/*-p1-*" | sed 's/-....-..-..$//' | sort -u | wc -l)"
no_key 'after all faults'
no_core cemmfs "$fs_pid"
finish
