#!/usr/bin/env bash
# silence.sh BUILD_DIR: tests every program with meters whose `data` does not change while their `totals`
# do. Smart meters and Modbus meters are then reported as silent. An inverter, a pulse meter and gas
# are not, because there may be nothing to measure. A meter whose answers have no sample is reported as
# failed.
# shellcheck disable=SC2154,SC2317 # variables of the libraries; functions are called by check
set -euo pipefail
here=$(dirname "$0")
# shellcheck source=tests/end-to-end/mount-lib.sh
. "$here/mount-lib.sh"
# shellcheck source=tests/end-to-end/collectd-lib.sh
. "$here/collectd-lib.sh"
# shellcheck source=tests/end-to-end/servers.sh
. "$here/servers.sh"
enter_namespaces "$@"
begin_mount "$@"
collectd_begin
needs promtool jq
cemm=$build/plugin/exec/cemm
alerts=$(cd "$here/../../examples/prometheus" && pwd)/alerts.yml
run=$scratch/collectd

start_sim --devices 1 --lan 1 --meters p1,p1-gas,s01,pulse-1,mb1,mb2 --type mb2=electric_energy
printf '[discovery]\nenabled = no\n[archive]\ndirectory = %s\n[local garage]\naddress = %s\n' \
  "$scratch/archive" "${sim_lan[0]}" >"$conf"
conf "$run" <<END
<Plugin cemm>
  <Local "garage">
    Address "${sim_lan[0]}"
    Interval 1
  </Local>
</Plugin>
END
night=() # faults: the meters that measure nothing in a normal night
for alias in p1-gas s01 pulse-1 mb1; do night+=("data-frozen@*/$alias/realtime*"); done

# ---- collectd --------------------------------------------------------------------------------------

# asked_again TIMES: whether each meter answered TIMES times or more since the last call of sim_faults.
asked_again() {
  local alias
  for alias in p1 p1-gas s01 pulse-1 mb1 mb2; do
    (($(tail -n +"$since_line" "$sim_log" | grep -c "/$alias/realtime.* 200") >= $1)) || return 1
  done
}

# become FAULT…: sets the faults, and waits until all meters have been read twice with them.
become() {
  sim_faults "$@" || not_ok 'the simulator accepts the faults'
  since_line=$(($(wc -l <"$sim_log") + 1))
  wait_for 20 asked_again 2 || not_ok 'all meters are read'
}

age() { tail -q -n 1 $(csv "$dev" gauge-age) | cut -d , -f 2; }
older() { age | awk -v limit="$1" '{ exit !($1 > limit) }'; }
younger() { age | awk -v limit="$1" '{ exit !($1 < limit) }'; }
notifications() { grep -oE "CEMM $dev.*" "$run/log" | sed -E "s/CEMM $dev//; s/for [0-9]+ minutes/for N minutes/"; }
has_notification() { notifications | grep -qx -- "$1"; }
notified_times() { [[ $(notifications | grep -cx -- "$1") == "$2" ]]; }

start_collectd "$run"
become "${night[@]}"
check 'the age is that of the fresh meters' wait_for 20 younger 600
is 'at night there is no notification of a meter' '' "$(notifications || true)"
become "${night[@]}" 'data-frozen@*/p1/realtime*'
check 'a notification names the smart meter that has stopped' wait_for 20 has_notification ': p1 is silent: it has measured nothing for N minutes'
check 'the age is that of the stopped smart meter, although another meter is fresh' wait_for 20 older 3500
become "${night[@]}" 'data-frozen@*/p1/realtime*' 'data-frozen@*/mb2/realtime*'
check 'a second stopped meter has its own notification' wait_for 20 has_notification ': mb2 is silent: it has measured nothing for N minutes'
become "${night[@]}" 'data-frozen@*/mb2/realtime*'
check 'a notification says that the smart meter is back' wait_for 20 has_notification ': p1 is back'
become "${night[@]}" 'data-frozen@*/mb2/realtime*' # called again, to wait for later values
check 'the age is now that of the second stopped meter' older 3500
become "${night[@]}"
check 'a notification says that the second meter is back' wait_for 20 has_notification ': mb2 is back'
check 'the age is that of the fresh meters again' wait_for 20 younger 600
is 'there are no other notifications of stopped meters' 4 "$(notifications | wc -l)"
become 'never-read@*/p1/realtime*'
check 'a notification names a meter whose answers have no sample' wait_for 20 has_notification ": p1 is silent: local garage: $dev p1 realtime: answered without a sample"
become
check 'a notification says that the meter has samples again' wait_for 20 notified_times ': p1 is back' 2
become 'clock-ahead@*/realtime*'
check 'a notification names a device whose meters all have no sample' wait_for 20 has_notification " is silent: local garage: $dev [a-z0-9-]* realtime: its samples lie more than 15 minutes ahead of this machine's clock"
become
check 'a notification says that the device answers again' wait_for 20 has_notification ' answers again'
check 'the age is that of the fresh meters again' wait_for 20 younger 600
is 'the meters of that device have no notifications' 8 "$(notifications | wc -l)"
is 'the log has one line about the one meter' 1 "$(log_lines "cemm plugin: .*p1 realtime: answered without a sample")"
stop_collectd 'with silent meters' "$run"

# ---- cemm --------------------------------------------------------------------------------------------

sim_faults "${night[@]}" 'data-frozen@*/p1/realtime*'

# ages ALIAS: prints the values in the AGE column of the meter, with "fresh" instead of seconds.
ages() {
  awk -v alias="$1" '
    NR == 1 { meter = index($0, "METER"); channel = index($0, "CHANNEL"); age = index($0, " AGE") + 3; next }
    { name = substr($0, meter, channel - meter); gsub(/ /, "", name); if (name) last = name }
    last == alias { text = substr($0, 1, age); sub(/.*  /, "", text); print text }' "$scratch/table" |
    sed 's/^[0-9]* s$/fresh/' | sort -u
}
"$cemm" read --config "$conf" --format table >"$scratch/table"
is 'read: the age of a smart meter that has stopped, also for its totals' '1 h' "$(ages p1)"
is 'read: the age of a meter that has not stopped' fresh "$(ages mb2)"
is 'read: the age of an inverter that has stopped' '1 h' "$(ages mb1)"

# Tests the alert with these metrics, as if they were scraped at 0 s.
"$cemm" read --config "$conf" --format prometheus >"$scratch/metrics"
is 'cemm_up: all meters answer' 6 "$(grep -c '^cemm_up{.*} 1$' "$scratch/metrics")"
{
  printf 'rule_files: ["%s"]\nevaluation_interval: 1m\ntests:\n  - interval: 1m\n    input_series:\n' "$alerts"
  awk -v now="$(date +%s)" '/^cemm_(up|last_sample_timestamp_seconds|meter_info){/ {
    value = $2
    if (/^cemm_last/) value = -1800 * int((now - value + 900) / 1800)
    printf "      - {series: \x27%s\x27, values: \"%s\"}\n", $1, value }' "$scratch/metrics"
  cat <<END
    alert_rule_test:
      - eval_time: 0m
        alertname: MeterSilent
        exp_alerts:
          - exp_labels: {uid: $dev, alias: p1}
            exp_annotations: {summary: "$dev/p1 answers, but has measured nothing for 1h 0m 0s"}
END
} >"$scratch/alerts-test.yml"
check 'MeterSilent fires for the smart meter only' promtool test rules "$scratch/alerts-test.yml"

# If an answer has no sample, there is one message, and the time of the last sample stays.
metrics=$scratch/stream.prom
stream_has() { grep -qF -- "$1" "$metrics"; }
sample_time() { # FILE
  sed -n "s/^cemm_last_sample_timestamp_seconds{uid=\"$dev\",alias=\"p1\"} //p" "$1"
}
up() { echo "cemm_up{uid=\"$dev\",alias=\"p1\"} $1"; }
sim_faults
"$cemm" stream --config "$conf" --format prometheus --interval 0.5 --output "$metrics" 2>"$scratch/stream.err" &
streaming=$!
started "$streaming"
check 'stream: a meter that has samples' wait_for 20 stream_has "$(up 1)"
sim_faults 'never-read@*/p1/realtime*'
check 'stream: cemm_up is 0 without a sample' wait_for 20 stream_has "$(up 0)"
check 'stream: the time of the last sample stays' test "$(sample_time "$metrics")" -gt 1700000000
before=$(sample_time "$metrics")
rounds=$(requests /p1/realtime)
more_rounds() { (($(requests /p1/realtime) > rounds + 3)); }
check 'stream: a meter without a sample is requested repeatedly' wait_for 20 more_rounds
is 'stream: the time of the last sample still stays' "$before" "$(sample_time "$metrics")"
is 'stream: there is one message about the missing sample' "W! cemm: local garage: $dev p1 realtime: answered without a sample" "$(<"$scratch/stream.err")"
cp "$metrics" "$scratch/read.prom"
exits 'read: a meter without a sample has failed' 1 "$cemm" read --config "$conf" --format prometheus --output "$scratch/read.prom"
is 'read: a message says that there is no sample' "E! cemm: $dev/p1: local garage: $dev p1 realtime: answered without a sample" "$err"
check 'read: cemm_up is 0 without a sample' grep -qxF "$(up 0)" "$scratch/read.prom"
is 'read: the time in the file stays' "$before" "$(sample_time "$scratch/read.prom")"
sim_faults
check 'stream: cemm_up is 1 with samples again' wait_for 20 stream_has "$(up 1)"
stop "$streaming"
is 'stream: one message says that it works again' "I! cemm: $dev p1 works again" "$(tail -n +2 "$scratch/stream.err")"
sim_faults 'clock-ahead@*/realtime*'
exits 'read: samples too far ahead do not count' 1 "$cemm" read --config "$conf" --format influx
is 'read: samples too far ahead are not printed' '' "$out"
is 'read: a message for each meter says that its samples are too far ahead' 6 "$(grep -c "its samples lie more than 15 minutes ahead of this machine's clock" <<<"$err")"
sim_faults "${night[@]}" 'data-frozen@*/p1/realtime*'

# ---- cemmfs ------------------------------------------------------------------------------------------

mount_fs
# late ALIAS: prints the age of realtime.json by its modification time, in half-hours.
late() { echo $((($(date +%s) - $(stat -c %Y "$m/$dev/$1/realtime.json")) / 1800)); }
is 'a mount: the time of a file is that of the newest sample' '2 0' "$(late p1) $(late mb2)"
is 'a mount: the totals of a meter that has stopped are current' "$(date +%F)" "$(date -d "@$(jq '.totals.electric_energy[0] / 1000 | floor' "$m/$dev/p1/realtime.json")" +%F)"
has 'status: the device answers' "$(grep -A 5 "^device $dev" "$m/status")" 'last failure  never'
unmount_fs
finish
