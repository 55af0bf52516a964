#!/usr/bin/env bash
# The plugin with collectd's writers and real servers: history goes to a real carbon and to InfluxDB.
# write_prometheus, with a Prometheus that scrapes it, and a second collectd behind the network plugin
# get only current values.
#
#   collectd-writers.sh BUILD_DIR
#
# All servers listen on free ports of the loopback address and keep their files in the scratch
# directory.
# shellcheck disable=SC2317 # functions that check and wait_for call
set -euo pipefail
# shellcheck source=tests/end-to-end/lib.sh
. "$(dirname "$0")/lib.sh"
# shellcheck source=tests/end-to-end/collectd-lib.sh
. "$(dirname "$0")/collectd-lib.sh"
# shellcheck source=tests/end-to-end/servers.sh
. "$(dirname "$0")/servers.sh"
begin "$@"
collectd_begin
needs carbon-cache whisper-fetch influxd prometheus

key_file=$scratch/home.key
write_key "$key_file"
first=00-1E-C0-00-00-01
second=00-1E-C0-00-00-02
window=7200
since=$(date -u -d '-2 days' +%F)

# ---- the servers behind the writers ---------------------------------------------

start_carbon() {
  local dir=$scratch/carbon
  mkdir -p "$dir/conf" "$dir/log"
  cat >"$dir/conf/carbon.conf" <<END
[cache]
STORAGE_DIR = $dir/
CONF_DIR = $dir/conf/
LOG_DIR = $dir/log/
PID_DIR = $dir/
LOCAL_DATA_DIR = $dir/whisper/
ENABLE_LOGROTATION = False
USER =
MAX_CACHE_SIZE = inf
MAX_UPDATES_PER_SECOND = inf
MAX_CREATES_PER_MINUTE = inf
LINE_RECEIVER_INTERFACE = 127.0.0.1
LINE_RECEIVER_PORT = $carbon_port
PICKLE_RECEIVER_INTERFACE = 127.0.0.1
PICKLE_RECEIVER_PORT = ${ports[6]}
CACHE_QUERY_INTERFACE = 127.0.0.1
CACHE_QUERY_PORT = ${ports[7]}
END
  printf '[all]\npattern = .*\nretentions = 60s:2d\n' >"$dir/conf/storage-schemas.conf"
  begin_daemon carbon "$carbon_port" carbon-cache --config="$dir/conf/carbon.conf" --nodaemon start
}

start_influx() {
  start_influxdb "$influx_http" "${ports[5]}" <<END
[[graphite]]
  enabled = true
  database = "graphite"
  bind-address = "127.0.0.1:$influx_port"
  protocol = "tcp"
  batch-timeout = "200ms"
END
  wait_for 20 listens "$influx_port"
}

# ---- configuration ------------------------------------------------------------------

# node NAME PORT STORE_RATES: prints a <Node> block of write_graphite.
node() {
  cat <<END
  <Node "$1">
    Host "127.0.0.1"
    Port "$2"
    Protocol "tcp"
    StoreRates $3
  </Node>
END
}

write_conf() {
  conf "$run" <<END
<Plugin cemm>
  TimeZone "Europe/Amsterdam"
  <Cloud "home">
    URL "$sim_cloud"
    ApiKeyFile "$key_file"
    Interval 1
    Timeout 20
  </Cloud>
  <Backfill>
    Writer "write_graphite/carbon"
    Writer "write_graphite/influx"
    Writer "write_graphite/tap"
    Window $window
  </Backfill>
</Plugin>
<Plugin write_graphite>
$(node carbon "$carbon_port" true)
$(node influx "$influx_port" false)
$(node tap "$tap_port" true)
</Plugin>
<Plugin write_prometheus>
  Host "127.0.0.1"
  Port "$exporter_port"
</Plugin>
<Plugin network>
  Server "127.0.0.1" "$network_port"
</Plugin>
<Plugin threshold>
  <Plugin "cemm">
    <Type "gauge">
      Instance "age"
      WarningMax 15
      Persist false
    </Type>
  </Plugin>
</Plugin>
END
  # collectd's own plugins are loaded before PluginDir is set to ours.
  sed -i '/^PluginDir/i LoadPlugin write_graphite\nLoadPlugin write_prometheus\nLoadPlugin network\nLoadPlugin threshold' \
    "$run/collectd.conf"
}

# start_receiver: starts the collectd that receives from the network plugin, with csv.
start_receiver() {
  mkdir "$scratch/receiver"
  cat >"$scratch/receiver/collectd.conf" <<END
Hostname "receiver"
FQDNLookup false
BaseDir "$scratch/receiver"
PIDFile "$scratch/receiver/pid"
WriteThreads 1 # several values of a series arrive at a time, and more threads would reorder them
LoadPlugin logfile
<Plugin logfile>
  File "$scratch/receiver/log"
  LogLevel info
</Plugin>
LoadPlugin csv
<Plugin csv>
  DataDir "$scratch/receiver/csv"
</Plugin>
LoadPlugin network
<Plugin network>
  Listen "127.0.0.1" "$network_port"
</Plugin>
END
  "$collectd" -f -C "$scratch/receiver/collectd.conf" >"$scratch/receiver/out" 2>&1 &
  started $!
  wait_for 10 grep -q 'Initialization complete' "$scratch/receiver/log"
}

# ---- the values that each server has ----------------------------------------------------------------

graphite_name() { # UID SERIES
  echo "${host//./_}.cemm-$1.$2"
}

# carbon_has UID SERIES: whether carbon has each minute of the window.
carbon_has() {
  local file
  file=$scratch/carbon/whisper/$(graphite_name "$1" "$2" | tr . /).wsp
  [[ -f $file ]] && whisper-fetch --from=$((begun - window + 60)) --until=$((begun - 120)) "$file" |
    awk -v need=$((window / 60 - 3)) '$2 != "None" { n++ } END { exit n < need }'
}

# influx QUERY: prints InfluxDB's answer, one value per line.
influx() {
  curl -sfG "http://127.0.0.1:$influx_http/query" --data-urlencode db=graphite --data-urlencode "q=$1" |
    jq -r '.results[0].series[]?.values[] | .[1]'
}

influx_has() {
  [[ $(influx "SELECT COUNT(value) FROM \"$(graphite_name "$1" "$2")\" WHERE time >= $((begun - window + 60))s AND time < $((begun - 120))s GROUP BY time(1m)" |
    grep -c '^1$') -ge $((window / 60 - 4)) ]]
}

# tap UID SERIES: prints what the tap has received, as "TIME VALUE" lines in order of arrival.
tap() {
  awk -v name="$(graphite_name "$1" "$2")" '$1 == name { print $3, $2 }' "$scratch/tap"
}

tap_has() {
  (($(tap "$1" "$2" | awk -v begun="$begun" '$1 < begun - 60' | wc -l) >= window / 60 - 3))
}

# tap_order UID SERIES: prints each value that is in the wrong place. The first value must be live; then
# old and live values alternate, each kind in order of time.
tap_order() {
  tap "$1" "$2" | awk -v begun="$begun" '
    NR == 1 { live = $1; if ($1 < begun - 60) print "the first is old: " $1; next }
    $1 > live { live = $1; next }
    $1 <= old { print "out of order, or twice: " $1 " after " old }
    { old = $1 }'
}

# watch_exporter: polls the exporter continuously while history is sent.
watch_exporter() {
  while :; do
    curl -s "http://127.0.0.1:$exporter_port/metrics" |
      awk '/^collectd_cemm_power/ && NF == 3 { print $3 }' >>"$scratch/scraped" || true
    sleep 0.05
  done
}

scraped() {
  curl -sfG "http://127.0.0.1:$prometheus_port/api/v1/query" --data-urlencode "query=$1" | jq -r '.data.result[0].value[1] // empty'
}

scraped_power() {
  [[ -n $(scraped "collectd_cemm_power{type=\"p1-electric_power\",cemm=\"$second\"}") ]]
}

scraped_gas() { # READINGS
  [[ $(scraped "count_over_time(collectd_cemm_gauge{type=\"p1-gas\",cemm=\"$first\"}[60s])") -ge $1 ]]
}

received() {
  find "$scratch/receiver/csv/$host/cemm-$1" -name "$2-*" 2>/dev/null | grep . >/dev/null
}

history() {
  local uid series
  while read -r uid series; do
    check "carbon has every minute: $uid $series" wait_for 60 carbon_has "$uid" "$series"
    check "InfluxDB, without StoreRates, has every minute: $uid $series" wait_for 30 influx_has "$uid" "$series"
    check "the tap, which stores the graphite lines, has every minute: $uid $series" wait_for 30 tap_has "$uid" "$series"
    is "history came oldest first, once, after the first live value: $uid $series" "" "$(tap_order "$uid" "$series")"
  done <<END
$first power-p1-electric_power
$first power-s01-electric_power
$second power-p1-electric_power
END
}

only_current() {
  is "write_prometheus saw no old value" "" "$(awk -v limit=$((begun - 60)) '$1 < limit * 1000' "$scratch/scraped" | head -n 3)"
  check "write_prometheus saw values" test -s "$scratch/scraped"
  check "a Prometheus scrapes power" wait_for 20 scraped_power
  check "gas is scraped for long enough" wait_for 40 scraped_gas 3
  is "gas is never missing" "" "$(scraped "absent_over_time(collectd_cemm_gauge{type=\"p1-gas\",cemm=\"$first\"}[15s])")"
  check "the collectd behind the network plugin has current values" wait_for 10 received "$first" power-p1-electric_power
  is "the collectd behind the network plugin has no old values" "" "$(find "$scratch/receiver/csv" -name 'power-*' -exec awk -F, -v limit=$((begun - 60)) '!/^epoch/ && $1 < limit' {} + | head -n 3)"
  is "csv, which was not named, has no old values" "" "$(find "$run/csv" -name 'power-*' -exec awk -F, -v limit=$((begun - 60)) '!/^epoch/ && $1 < limit' {} + | head -n 3)"
}

# One of two devices does not answer for some seconds. The notifications of the plugin and of the
# threshold plugin are in the log.
silence() {
  sim_faults "drop@*$second*" || not_ok "the simulator fails"
  check "a device that falls silent is notified" wait_for 30 grep -qF "CEMM $second is silent" "$run/log"
  check "errors are counted" wait_for 10 grep -q ',[1-9]' "$(csv "$second" derive-errors)"
  check "the threshold plugin sees the age of the silent device" wait_for 60 grep -q "cemm.*$second.*gauge.*age.*warning" "$run/log"
  sim_faults || not_ok "the simulator goes on"
  check "the return of the device is notified" wait_for 60 grep -qF "CEMM $second answers again" "$run/log"
  is "the silence and the return of the device are notified once each" "1 1" "$(log_lines "CEMM $second is silent") $(log_lines "CEMM $second answers again")"
  is "the other device is not mentioned" 0 "$(log_lines "CEMM $first")"
}

free_ports 10
carbon_port=${ports[0]} influx_port=${ports[1]} influx_http=${ports[2]} exporter_port=${ports[3]}
prometheus_port=${ports[4]} tap_port=${ports[8]} network_port=${ports[9]}
run=$scratch/writers
start_sim --devices 2 --promise 100 --since "$since" --meters p1,p1-gas,s01
start_carbon
start_influx
start_tap "$tap_port" "$scratch/tap"
start_prometheus "$prometheus_port" "$exporter_port"
start_receiver
write_conf
begun=$(date +%s)
start_collectd "$run"
alive "$daemon" || finish
watch_exporter &
watcher=$!
started "$watcher"
history
kill "$watcher"
only_current
silence
stop_collectd "with all these writers" "$run"
is "no value was too old" 0 "$(cat "$run/log" "$scratch/receiver/log" | grep -ci 'too old' || true)"
hasnt "the key is in no log" "$(<"$scratch/all-logs")" "$sim_key"
finish
