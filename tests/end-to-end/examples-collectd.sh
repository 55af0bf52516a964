#!/usr/bin/env bash
# examples-collectd.sh BUILD_DIR: runs each file of examples/collectd/ in a real collectd, together
# with examples/collectd.conf if the file says so. Only addresses, ports, paths and intervals are changed.
# shellcheck disable=SC2154,SC2317 # variables of the libraries; functions are called by wait_for
set -euo pipefail
here=$(dirname "$0")
# shellcheck source=tests/end-to-end/lib.sh
. "$here/lib.sh"
# shellcheck source=tests/end-to-end/collectd-lib.sh
. "$here/collectd-lib.sh"
# shellcheck source=tests/end-to-end/servers.sh
. "$here/servers.sh"
begin "$@"
collectd_begin
needs influxd prometheus rrdtool python3 curl jq kcat

examples=$(cd "$here/../../examples" && pwd)
first=00-1E-C0-00-00-01
key_file=$scratch/home.key
write_key "$key_file"
since=$(date -u -d '-3 days' +%F)
free_ports 9

# simple: prints examples/collectd.conf for the simulator, with only an account that is read every
# second.
simple() {
  sed -e '/^ *<Local /,/^ *<\/Local>/d' -e "s|ApiKeyFile .*|ApiKeyFile \"$key_file\"|" \
    -e "s|#URL .*|URL \"$sim_cloud\"|" -e 's|Interval 10$|Interval 1|' "$examples/collectd.conf"
}

# begin_run NAME: sets $run, and writes $run/collectd.conf from the examples on stdin. collectd's own
# plugins are loaded from their directory.
begin_run() {
  local body
  run=$scratch/$1
  body=$(cat)
  mkdir "$run"
  echo "$body" >"$run/examples"
  conf "$run" <<<"$(grep -v '^LoadPlugin' <<<"$body")"
  # PluginDir is the directory of our plugin, and applies only to the lines after it.
  sed -i "/^PluginDir/e grep '^LoadPlugin' '$run/examples' | grep -v cemm | sort -u" "$run/collectd.conf"
}

complaints() {
  grep -iE 'error|fail|unknown|invalid|cannot' "$run/log" || true
}

# ---- a fleet ---------------------------------------------------------------------------------

start_sim --devices 3 --since "$since"
north=$sim_cloud
start_sim --devices 2 --first 11 --since "$since"
south=$sim_cloud
write_key "$scratch/north.key"
write_key "$scratch/south.key"
begin_run fleet <<<"$(sed -e "s|\"/etc/collectd/cemm-\(.*\).key\"|\"$scratch/\1.key\"\n    URL \"SIM-\1\"|" "$examples/collectd/fleet.conf" |
  sed -e "s|SIM-north|$north|; s|SIM-south|$south|")"
start_collectd "$run"
fleet_has() { [[ $(find "$run/csv" -name 'power-p1-electric_power-*' | wc -l) -ge 5 && $(find "$run/csv" -name 'gauge-p1-gas-gas-*' | wc -l) -ge 5 ]]; }
check 'fleet: five devices' wait_for 20 fleet_has
is 'fleet: each device is under the host of its account' 'north.meters.example.org 3 south.meters.example.org 2' \
  "$(for place in "$run"/csv/*; do echo "${place##*/} $(find "$place" -maxdepth 1 -name 'cemm-*' | wc -l)"; done | sort | grep meters | paste -sd ' ')"
is 'fleet: of the second account, only the main meters are read' 0 "$(find "$run/csv/south.meters.example.org" -name '*s01*' | wc -l)"
is 'fleet: no problem is logged' '' "$(complaints)"
stop_collectd fleet "$run"

# ---- backfill, Prometheus and rrdtool together -------------------------------------------------

start_sim --devices 1 --meters p1 --since "$since"
start_tap "${ports[0]}" "$scratch/tap"
begin_run stores <<<"$(
  simple
  sed "s|Port \"2003\"|Port \"${ports[0]}\"|; s|Host \"localhost\"|Host \"127.0.0.1\"|" "$examples/collectd/backfill.conf"
  sed "s|Port \"9103\"|Port \"${ports[1]}\"|" "$examples/collectd/prometheus.conf"
  sed "s|/var/lib/collectd/rrd|$scratch/rrd|; s|CacheTimeout .*|CacheTimeout 1|; s|CacheFlush .*|CacheFlush 1\n  StepSize 10|" "$examples/collectd/rrdtool.conf"
)"
start_collectd "$run"
metrics() { curl -sf "http://127.0.0.1:${ports[1]}/metrics" | grep -E "^collectd_cemm_power\{cemm=\"$first\",type=\"p1-electric_power\""; }
check 'prometheus: the power can be scraped' wait_for 20 metrics
old=$(($(date +%s) - 172800 + 3600)) # almost as far back as the example's Window
tap_has() { awk -v old="$old" '/p1-electric_power/ && $3 < old { found = 1 } END { exit !found }' "$scratch/tap"; }
check 'backfill: two days back arrive in Graphite' wait_for 40 tap_has
rrd=$scratch/rrd/$host/cemm-$first
rrd_has() { [[ $(rrdtool lastupdate "$rrd/power-p1-electric_power.rrd" | tail -n 1) == *[0-9] && -e $rrd/gauge-age.rrd && -e $rrd/energy_wh-p1-t1.rrd && -e $rrd/energy_wh-p1-t2.rrd && -e $rrd/energy_wh-p1-t3.rrd && -e $rrd/energy_wh-p1-t4.rrd ]]; }
check 'rrdtool: values are stored' wait_for 40 rrd_has
check 'rrdtool: the file has the size that the example says' test "$(stat -c %s "$rrd/power-p1-electric_power.rrd")" -lt 660000
check 'rrd-graph.sh draws' "$examples/collectd/rrd-graph.sh" "$rrd" "$scratch/graphs" end-5min
is 'rrd-graph.sh has drawn three pictures' 'PNG PNG PNG' "$(for name in power energy age; do head -c 4 "$scratch/graphs/$name.png" | tail -c 3; echo; done | paste -sd ' ')"
# On a busy machine, two readings of the plugin's own state may be in the same second, and rrdtool then
# refuses the second one.
is 'three stores: no problem is logged' '' "$(complaints |
  grep -vE '(derive-errors|gauge-age|response_time).*illegal attempt to update using time ([0-9]+) when last update time is \2 ')"
stop_collectd 'with three stores' "$run"

# ---- Prometheus, and gas by the hour ---------------------------------------------------------------

# The newest reading of gas is of the current hour or, for the second device, of the previous hour: 60
# to 120 minutes old. It can be scraped until there is a newer one.
second=00-1E-C0-00-00-02
# If the hour ends soon, the test waits, so that the reading does not become older meanwhile.
while ((10#$(date +%M) >= 55)); do sleep 1; done
start_sim --devices 1 --meters p1,p1-gas --gas-stamp hour --since "$since"
now=$sim_cloud
start_sim --devices 1 --first 2 --meters p1,p1-gas --gas-stamp hour --since "$since" --speed 0 --now $(($(date +%s) / 3600 * 3600 - 3599))
begin_run scrape <<END
<Plugin cemm>
  <Cloud "now">
    ApiKeyFile "$key_file"
    URL "$now"
  </Cloud>
  <Cloud "before">
    ApiKeyFile "$key_file"
    URL "$sim_cloud"
  </Cloud>
</Plugin>
$(sed "s|Port \"9103\"|Port \"${ports[6]}\"|" "$examples/collectd/prometheus.conf")
END
knows_gas "$first" "$second"
start_collectd "$run"
start_prometheus "${ports[7]}" = < <(sed -n '/scrape_configs/,/window/s/^#   //p' "$examples/collectd/prometheus.conf" |
  sed "s|localhost:9103|127.0.0.1:${ports[6]}|")
query() { curl -sfG "$server/api/v1/query" --data-urlencode "query=$1" | jq -r "$2"; }
scrapes() { (($(query 'sum_over_time(up[1h])' '.data.result[0].value[1] // 0') >= $1)); }
for name in $(grep -o 'collectd_cemm_[a-z_]*' "$examples/collectd/prometheus.conf" | sort -u); do
  there() { [[ $(query "last_over_time({__name__=\"$name\",cemm=\"$first\"}[1h])" '.data.result | length') -gt 0 ]]; }
  check "prometheus: there is $name" wait_for 40 there
done
gas_query=$(sed -n 's/^#   \(last_over_time.*\)/\1/p' "$examples/collectd/prometheus.conf")
both_gas() { [[ $(query "$gas_query" '[.data.result[].metric.cemm] | sort | join(" ")') == "$first $second" ]]; }
check 'prometheus: the query of gas finds both readings, however old' wait_for 40 both_gas
check 'prometheus: it scrapes for a while' wait_for 40 scrapes 15
is 'prometheus: no value is refused' '' "$(grep -i 'warn' "$scratch/prometheus.out" | head -n 3)"
is 'prometheus: a reading has the time of its hour' 0 \
  "$(query "$(grep -o 'collectd_cemm_gauge{.*\[2h\]' <<<"$gas_query")" '[.data.result[].values[][0] % 3600] | add')"
is 'prometheus: no problem is logged' '' "$(complaints)"
stop_collectd 'to Prometheus' "$run"
stop "$daemon_pid"
sim_cloud=$now

# ---- InfluxDB's listener -----------------------------------------------------------------------

# InfluxDB is configured as the example's comment says, except for the address.
start_influxdb "${ports[3]}" "${ports[2]}" < <(
  sed -n '/\[\[collectd\]\]/,/security-level/s/^#   //p' "$examples/collectd/influxdb.conf" |
    sed "s|127.0.0.1:25826|127.0.0.1:${ports[4]}|"
  echo '  batch-timeout = "200ms"'
)
curl -sf -XPOST "$influx/query" --data-urlencode "q=$(grep -o "CREATE DATABASE [a-z]*" "$examples/collectd/influxdb.conf")" >/dev/null
begin_run listener <<<"$(simple; sed "s|25826|${ports[4]}|" "$examples/collectd/influxdb.conf")"
start_collectd "$run"
select=$(sed -n "s/^#   \(SELECT .*\)/\1/p" "$examples/collectd/influxdb.conf")
influx_has() { curl -sfG "$influx/query" --data-urlencode db=collectd --data-urlencode "q=$select" | jq -e --arg uid "$first" '.results[0].series[] | select(.tags.instance == $uid)'; }
check 'influxdb: the query of the example finds the device' wait_for 20 influx_has
is 'influxdb: no problem is logged' '' "$(complaints)"
stop_collectd 'to InfluxDB' "$run"

# Does the same over UDP. The query uses the times with which the values are stored.
stop "$daemon_pid"
rm -r "$scratch/influxdb"
start_influxdb "${ports[3]}" "${ports[2]}" < <(
  sed -n '/\[\[udp\]\]/,/precision/s/^#   //p' "$examples/collectd/influxdb-udp.conf" |
    sed "s|127.0.0.1:8089|127.0.0.1:${ports[8]}|"
  echo '  batch-timeout = "200ms"'
)
curl -sf -XPOST "$influx/query" --data-urlencode "q=$(grep -o "CREATE DATABASE [a-z]*" "$examples/collectd/influxdb-udp.conf")" >/dev/null
begin_run udp <<<"$(simple; sed "s|8089|${ports[8]}|" "$examples/collectd/influxdb-udp.conf")"
start_collectd "$run"
select=$(sed -n "s/^#   \(SELECT .*\)/\1/p" "$examples/collectd/influxdb-udp.conf")
check 'influxdb over udp: the query of the example finds the device' wait_for 30 influx_has
is 'influxdb over udp: no value is refused' '' "$(grep -iE 'fail|conflict|dropped' "$scratch/influxdb.out" | head -n 3)"
is 'influxdb over udp: no problem is logged' '' "$(complaints)"
stop_collectd 'to InfluxDB over UDP' "$run"

# ---- a central server --------------------------------------------------------------------------

(umask 077 && echo 'garage: change this' >"$scratch/passwd")
central=$scratch/central
mkdir "$central"
{
  printf 'Hostname "central"\nFQDNLookup false\nBaseDir "%s"\nPIDFile "%s/pid"\nInterval 1\nLoadPlugin logfile\n<Plugin logfile>\n  File "%s/log"\n  LogLevel info\n</Plugin>\n' \
    "$central" "$central" "$central"
  sed "s|\"0.0.0.0\" \"25826\"|\"127.0.0.1\" \"${ports[5]}\"|; s|/etc/collectd/passwd|$scratch/passwd|; s|/var/lib/collectd/rrd|$central/rrd|; s|CacheFlush .*|CacheFlush 1|" \
    "$examples/collectd/central.conf"
} >"$central/collectd.conf"
"$collectd" -f -C "$central/collectd.conf" >"$central/out" 2>&1 &
started $!
wait_for 60 grep -q 'Initialization complete' "$central/log" || not_ok 'central: it starts' "$(cat "$central/log" "$central/out")"
begin_run sender <<<"$(simple; sed "s|\"central.example.org\" \"25826\"|\"127.0.0.1\" \"${ports[5]}\"|" "$examples/collectd/sender.conf")"
start_collectd "$run"
check 'central: it stores what the sender has' wait_for 30 test -e "$central/rrd/$host/cemm-$first/power-p1-electric_power.rrd"
is 'sender: no problem is logged' '' "$(complaints)"
stop_collectd 'the sender' "$run"

# ---- Kafka ------------------------------------------------------------------------------------

# start_kafka: starts a cluster of three brokers, which librdkafka provides for tests. They run in a
# kcat process that also reads from them. Sets $brokers.
start_kafka() {
  kcat -b mock:1 -X test.mock.num.brokers=3 -X allow.auto.create.topics=true -d mock -C -t nothing >"$scratch/kafka.out" 2>&1 </dev/null &
  daemon_pid=$!
  started "$daemon_pid"
  brokers() { brokers=$(grep -om1 'Mock cluster .* bootstrap.servers=.*' "$scratch/kafka.out") && brokers=${brokers##*=}; }
  wait_for 30 brokers || not_ok 'kafka: it starts' "$(head -n 5 "$scratch/kafka.out")"
  brokers
}

# kafka_run NAME SED: begins a run with the example, changed with the sed command.
kafka_run() {
  begin_run "$1" <<<"$(simple; sed -e "s|kafka1.example.org:9092,kafka2.example.org:9092|$brokers|" -e "$2" "$examples/collectd/kafka.conf")"
}

# from_kafka: prints "KEY MESSAGE" for all messages in Kafka.
from_kafka() {
  kcat -b "$brokers" -C -t cemm -o beginning -e -q -f '%k %s\n' >"$scratch/messages" 2>"$scratch/kcat.err"
}

# kafka_rows: prints the values from Kafka as "SERIES TIME VALUE".
kafka_rows() {
  cut -d ' ' -f 2- "$scratch/messages" | jq -r '.[] | select(.plugin == "cemm" and (.type_instance | startswith("p1"))) |
    "\(.host)/\(.plugin)-\(.plugin_instance)/\(.type)-\(.type_instance) \(.time) \(.values[0])"' | as_numbers
}
# as_numbers: sorts such lines, and writes their numbers in the same way.
as_numbers() {
  awk '{ printf "%s %.3f %.15g\n", $1, $2, $3 }' | LC_ALL=C sort
}
all_in_kafka() {
  from_kafka && kafka_rows >"$scratch/got" && (($(wc -l <"$scratch/got") >= $1))
}

# Tests Kafka without the leak check, because librdkafka and collectd's plugin for it leak some memory
# when they end.
kafka() {
  local ASAN_OPTIONS=detect_leaks=0 uid count
  start_sim --devices 3 --meters p1,p1-gas --since "$since" --speed 0 --now $(($(date +%s) / 60 * 60 - 120))
  start_kafka
  kafka_run kafka ''
  for uid in 00-1E-C0-00-00-0{1..3}; do
    knows 10 "$uid" p1 t1 t2 t3 t4 electric_power rate gas
    knows 10 "$uid" p1-gas gas
  done
  write_config "$scratch/kafka.conf"
  "$build/plugin/exec/cemm" read --config "$scratch/kafka.conf" --format putval |
    sed -E "s|^PUTVAL \"[^/]*/([^\"]*)\" [^ ]* ([^:]*):(.*)|$host/\1 \2 \3|" | as_numbers >"$scratch/wanted"
  count=$(wc -l <"$scratch/wanted")
  check "cemm reads the values of three meters ($count)" test "$count" -ge 21
  start_collectd "$run"
  check 'kafka: the same number of values comes back' wait_for 30 all_in_kafka "$count"
  is 'kafka: the values are the same, each once' '' "$(diff "$scratch/wanted" "$scratch/got")"
  is 'kafka: each message has the key of the example' "$(sed -n 's/^ *Key "\(.*\)"/\1/p' "$examples/collectd/kafka.conf")" \
    "$(cut -d ' ' -f 1 "$scratch/messages" | sort -u)"
  is 'kafka: no problem is logged' '' "$(complaints)"
  stop_collectd 'to Kafka' "$run"

  kafka_run slip 's|enable.idempotence|enable.idempotency|'
  run_collectd -T -C "$run/collectd.conf" >"$run/out" 2>&1 || true
  has 'a typo in kafka.conf is reported' "$(<"$run/log")" 'idempotency'
}
kafka
finish
