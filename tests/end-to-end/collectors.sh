#!/usr/bin/env bash
# collectors.sh BUILD_DIR: a real InfluxDB, a real node_exporter and Prometheus, and collectd's exec
# plugin accept the output of `cemm` unchanged. The values that they store are compared with the
# simulator's.
set -euo pipefail
# shellcheck source=tests/end-to-end/lib.sh
. "$(dirname "$0")/lib.sh"
# shellcheck source=tests/end-to-end/servers.sh
. "$(dirname "$0")/servers.sh"
begin "$@"

source_root=$(cd "$(dirname "$0")/../.." && pwd)
cemm=$build/plugin/exec/cemm
sim=$build/tests/simulator/cemm-sim
one=00-1E-C0-00-00-01
two=00-1E-C0-00-00-02
since=2025-01-01
config=$scratch/cemm.conf
PATH=$PATH:/usr/sbin

oracle() { # UID ALIAS CHANNEL MS…
  "$sim" --since "$since" --print "$@"
}

# ---- InfluxDB ------------------------------------------------------------------------------

# into_influxdb WHAT FILE: writes the file into InfluxDB, and checks that it is accepted.
into_influxdb() {
  is "InfluxDB accepts $1 unchanged" '204 ' "$(write_influxdb "$2")"
}

# series FIELD WHERE: prints "NS VALUE" lines of all points of a series in InfluxDB.
series() {
  ask_influxdb "SELECT \"$1\" FROM cemm WHERE $2" |
    grep -oE '\[[0-9]{19},[^]]*\]' | tr -d '[]' | tr ',' ' '
}

# same_series WHAT FIELD WHERE FILE: ok if the series equals the "NS VALUE" lines in FILE, compared as
# numbers.
same_series() {
  series "$2" "$3" >"$scratch/had"
  if python3 - "$scratch/had" "$4" <<'END'; then
import sys
had, wanted = ([(l.split()[0], float(l.split()[1])) for l in open(f)] for f in sys.argv[1:])
sys.exit(had != wanted or not had)
END
    ok "$1 ($(wc -l <"$4"))"
  else
    not_ok "$1" "$(diff "$scratch/had" "$4")"
  fi
}

# Imports a history as the example does, into a database that keeps it, and into a database that
# deletes values after a day.
pipeline() {
  local command database code=0
  command=$(sed -n '/^cemm history .* |$/,/^```/{/^```/!p}' "$source_root/examples/influxdb.md")
  command=${command/#cemm history --from 2015-01-01/"$cemm history --config $config --from 2025-10-25 --to 2025-10-27 $one"}
  has 'the pipeline of the example is found' "$command" 'http://localhost:8086/write?db=cemm'
  curl -sf -XPOST "$influx/query" --data-urlencode 'q=CREATE DATABASE short WITH DURATION 1d' >/dev/null
  for database in cemm short; do
    exits "the pipeline: the history of three days, into the database $database" "$code" \
      bash -c "set -o pipefail; ${command/"http://localhost:8086/write?db=cemm"/"$influx/write?db=$database"}"
    if ((code == 0)); then is 'the pipeline: there is no message' '' "$out$err"; else has 'the pipeline: a message says why it stops' "$out" 'retention policy'; fi
    code=22 # the exit status of curl, which split also returns
  done
}

influxdb() {
  local uid channel alias time
  free_ports 2
  start_influxdb "${ports[@]}" </dev/null
  "$cemm" read --config "$config" >"$scratch/read.influx"
  into_influxdb 'read' "$scratch/read.influx"
  : >"$scratch/wanted"
  for uid in "$one" "$two"; do
    for channel in t1 t2 t3 t4 electric_power rate gas; do
      time=$(grep "uid=$uid,alias=p1 " "$scratch/read.influx" | grep -E "[ ,]$channel=" | awk '{ print substr($NF, 1, 13) }')
      echo "${time}000000 $(oracle "$uid" p1 "$channel" "$time")" >"$scratch/wanted"
      same_series "$uid p1 $channel, read back" "$channel" "\"uid\"='$uid' AND \"alias\"='p1' AND \"period\"=''" "$scratch/wanted"
    done
  done

  printf '\n' | "$cemm" stream --stdin --config "$config" >"$scratch/stream.influx"
  into_influxdb 'stream' "$scratch/stream.influx"
  "$cemm" history --config "$config" --from 2025-10-25 --to 2025-10-27 "$one" >"$scratch/history.influx"
  into_influxdb 'history' "$scratch/history.influx"
  for alias in p1 s01; do
    seq "$(TZ=Europe/Amsterdam date -d 2025-10-25 +%s)" 60 $(($(TZ=Europe/Amsterdam date -d 2025-10-28 +%s) - 1)) >"$scratch/times"
    # shellcheck disable=SC2046 # one word for each time
    paste -d ' ' <(sed 's/$/000000000/' "$scratch/times") \
      <(oracle "$one" "$alias" day:electric_power $(sed 's/$/000/' "$scratch/times")) >"$scratch/wanted"
    same_series "a history of $alias, minute by minute" electric_power \
      "\"uid\"='$one' AND \"alias\"='$alias' AND time < '2025-10-28'" "$scratch/wanted"
  done
  grep ' gas=' "$scratch/history.influx" | sed -E 's/.* gas=([^ ]*) (.*)/\2 \1/' >"$scratch/wanted"
  same_series 'amounts of gas are a separate series' gas \
    "\"uid\"='$one' AND \"alias\"='p1-gas' AND \"period\"='day'" "$scratch/wanted"
  is 'no field has changed its type' '["float"]' \
    "$(ask_influxdb 'SHOW FIELD KEYS' | jq -c '[.results[0].series[0].values[][1]] | unique')"
  into_influxdb 'the same history again' "$scratch/history.influx"
  pipeline
  same_series 'a history that is written again is stored once' gas "\"uid\"='$one' AND \"alias\"='p1-gas' AND \"period\"='day'" "$scratch/wanted"
}

# ---- Prometheus ------------------------------------------------------------------------------

start_exporter() { # PORT
  mkdir -p "$scratch/textfiles"
  exporter=http://127.0.0.1:$1
  begin_daemon exporter "$1" prometheus-node-exporter --collector.disable-defaults --collector.textfile \
    --collector.textfile.directory="$scratch/textfiles" --web.listen-address="127.0.0.1:$1"
}

# value QUERY: prints Prometheus's current value, or nothing.
value() {
  curl -sfG "$server/api/v1/query" --data-urlencode "query=$1" | jq -r '.data.result[].value[1]'
}

has_value() {
  [[ -n $(value "$1") ]]
}

hasnt_value() {
  [[ -z $(value "$1") ]]
}

# is_number WHAT A B: ok if A and B are the same as doubles.
is_number() {
  if python3 -c 'import sys; sys.exit(float(sys.argv[1]) != float(sys.argv[2]))' "$2" "$3" 2>/dev/null; then
    ok "$1"
  else
    not_ok "$1" "$2 is not $3"
  fi
}

textfile() { # runs the example as cron would
  PATH=$build/plugin/exec:$PATH CEMM_CONFIG=$config sh "$source_root/examples/prometheus-textfile.sh" \
    "$scratch/textfiles/cemm.prom" 2>"$scratch/stderr"
}

prometheus_chain() {
  local file=$scratch/textfiles/cemm.prom metric time before
  free_ports 2
  start_exporter "${ports[0]}"
  start_prometheus "${ports[1]}" "${ports[0]}"
  check 'the example writes the file' textfile
  is 'promtool finds no error' '' "$(promtool check metrics <"$file" 2>&1)"
  is 'node_exporter finds no error' 0 "$(curl -sf "$exporter/metrics" | awk '$1 == "node_textfile_scrape_error" { print $2 }')"
  check 'Prometheus has the values' wait_for 20 has_value "cemm_up{uid=\"$one\",alias=\"p1\"} == 1"
  time=$(value "cemm_last_sample_timestamp_seconds{uid=\"$one\",alias=\"s01\"}")
  is_number 'electric power is the meter'\''s' "$(value "cemm_electric_power_watts{uid=\"$one\",alias=\"s01\"}")" \
    "$(oracle "$one" s01 electric_power "${time}000")"
  for metric in t1:import:1 t2:import:2 t3:export:1 t4:export:2; do
    IFS=: read -r channel direction tariff <<<"$metric"
    time=$(value "cemm_last_sample_timestamp_seconds{uid=\"$one\",alias=\"p1\"}")
    is_number "$channel is energy, in joules" \
      "$(value "cemm_energy_joules_total{uid=\"$one\",alias=\"p1\",direction=\"$direction\",tariff=\"$tariff\"}")" \
      "$(python3 -c 'import sys; print(repr(float(sys.argv[1]) * 3600000.0))' "$(oracle "$one" p1 "$channel" "${time}000")")"
  done
  is_number 'gas is in cubic metres' "$(value "cemm_gas_cubic_meters_total{uid=\"$two\",alias=\"p1-gas\"}")" \
    "$(oracle "$two" p1-gas gas "$(value "cemm_last_sample_timestamp_seconds{uid=\"$two\",alias=\"p1-gas\"}")000")"
  is 'Prometheus knows the types' counter "$(curl -sfG "$server/api/v1/metadata" --data-urlencode metric=cemm_energy_joules_total | jq -r '.data[][].type')"

  sim_faults "status=502@*$two/*realtime*"
  textfile || true
  is 'a device that fails: the others are written' 1 "$(grep -c "cemm_electric_power_watts{uid=\"$one\",alias=\"s01\"}" "$file")"
  check 'Prometheus: the device that fails is down' wait_for 20 has_value "cemm_up{uid=\"$two\",alias=\"p1\"} == 0"
  check 'Prometheus: samples of the device that fails are stale' wait_for 20 hasnt_value "cemm_electric_power_watts{uid=\"$two\"}"
  is 'promtool still finds no error' '' "$(promtool check metrics <"$file" 2>&1)"
  sim_faults

  # If another source of the same meter is a little behind, the counters in the file do not decrease.
  before=$(grep -E '_total\{' "$file")
  start_sim --devices 2 --meters p1,p1-gas,s01 --since "$since" --now $((now - 600)) --speed 0
  write_config "$scratch/behind.conf"
  CEMM_CONFIG=$scratch/behind.conf
  "$cemm" read --config "$scratch/behind.conf" --format prometheus >"$scratch/behind"
  refute 'a source that is behind has other counters' diff <(echo "$before") <(grep -E '_total\{' "$scratch/behind" | grep -F "$one")
  "$cemm" read --config "$scratch/behind.conf" --format prometheus --output "$file"
  is 'the file keeps the higher counters' "$before" "$(grep -E '_total\{' "$file" | grep -F "$one")"
}

# ---- collectd ------------------------------------------------------------------------------

# collectd's exec plugin starts no program as root, so another user must be able to read all files.
collectd_exec() {
  local dir place user config_file host=exec-house
  chmod 711 "$scratch" # so that the user can reach the files
  place=$scratch/exec
  user=$(id -un)
  mkdir -p "$place/plugin/exec" "$place/common" "$scratch/collectd"
  cp "$cemm" "$place/plugin/exec/"
  cp -P "$build"/common/libcemm.so* "$place/common/" 2>/dev/null || true
  config_file=$place/cemm.conf
  write_config "$config_file"
  if [[ $(id -u) == 0 ]]; then
    user=nobody
    chown nobody "$config_file.key"
  fi
  chmod -R go+rX "$place"
  chmod 600 "$config_file.key"
  dir=$scratch/collectd
  # As the example says, with these paths.
  sed -e "s|Exec \"cemm-exec\" \"/usr/bin/cemm\"|Exec \"$user\" \"$place/plugin/exec/cemm\"|" \
    -e "s|/etc/cemm/cemm-exec.conf|$config_file|" "$source_root/examples/collectd-exec.conf" >"$dir/exec.conf"
  cat >"$dir/conf" <<END
Hostname "$host"
FQDNLookup false
BaseDir "$dir"
PIDFile "$dir/pid"
Interval 1
TypesDB "/usr/share/collectd/types.db"
LoadPlugin logfile
<Plugin logfile>
  File "$dir/log"
</Plugin>
LoadPlugin csv
<Plugin csv>
  DataDir "$dir/csv"
</Plugin>
Include "$dir/exec.conf"
END
  collectd -f -C "$dir/conf" >"$dir/out" 2>&1 &
  local pid=$!
  started "$pid"
  has_values() {
    local name
    for name in power-p1-electric_power energy_wh-p1-t1 gauge-p1-rate gauge-p1-gas-gas power-s01-electric_power; do
      (($(cat "$dir/csv/$host/cemm-$one/$name-"* 2>/dev/null | grep -vc epoch) >= 1)) || return 1
    done
  }
  check 'collectd accepts the values' wait_for 20 has_values
  stop "$pid"
  is 'collectd logs no problem' '' "$(grep -iE 'error|fail|invalid|warn|cannot' "$dir/log" || true)"
  local name want got alias channel factor time value
  while read -r name alias channel factor; do
    IFS=, read -r time value < <(cat "$dir/csv/$host/cemm-$one/$name-"* 2>/dev/null | grep -v epoch | head -n 1)
    want=$(oracle "$one" "$alias" "$channel" "${time/./}" | awk -v factor="$factor" '{ printf "%.6f", $1 * factor }')
    got=$value
    is "collectd: $name, with the meter's own time" "$want" "$got"
  done <<END
power-p1-electric_power p1 electric_power 1
energy_wh-p1-t1 p1 t1 1000
gauge-p1-rate p1 rate 1
gauge-p1-gas-gas p1-gas gas 1
power-s01-electric_power s01 electric_power 1
END
}

# ---- names that are not allowed ----------------------------------------------------------------

# Acts as a LAN device whose meters and channels have names that would break every format.
hostile='
import http.server, json, time
now = int(time.time()) * 1000
names = ["a b", "a,b=c", "a\"b", "a\\b", "a\nb", "../x", "..", "x" * 65, "\u00e9", "a;b", "", "{a}", "a}b"]
io = [{"io_id": 1, "type": "p1", "alias": "p1"}] + [{"io_id": i, "alias": n} for i, n in enumerate(names)]
data = {n: [now, 666] for n in names}
data["electric_power"] = [now, 42]
class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    def do_GET(self):
        path = self.path.split("?")[0].rstrip("/")
        if path.endswith("/v1"):
            body = {"data": {"mac": "00:1E:C0:00:00:66", "core": "1.25"}}
        elif path.endswith("/io"):
            body = {"data": io}
        elif path.endswith("/p1/realtime"):
            body = {"data": data}
        else:
            body = None
        text = json.dumps(body).encode()
        self.send_response(200 if body else 404)
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text)
    def log_message(self, *words):
        pass
server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
print("ready", server.server_port, flush=True)
server.serve_forever()
'

names() {
  local port format
  python3 -c "$hostile" >"$scratch/hostile" 2>&1 &
  started $!
  wait_for 10 grep -q '^ready' "$scratch/hostile" || not_ok 'python3' "$(<"$scratch/hostile")"
  port=$(awk '{ print $2 }' "$scratch/hostile")
  printf '[discovery]\nenabled = no\n[archive]\ndirectory = %s\n[local bad]\naddress = 127.0.0.1:%s\n' \
    "$scratch/hostile.archive" "$port" >"$scratch/hostile.conf"
  for format in influx putval prometheus json csv table; do
    exits "hostile names: $format" 0 "$cemm" read --config "$scratch/hostile.conf" --format "$format"
    has "hostile names: $format: the good name is printed" "$out" 42
    hasnt "hostile names: $format: no other name is printed" "$out" 666
    exits "hostile names: stream, $format" 0 "$cemm" stream --stdin --config "$scratch/hostile.conf" --format "$format" <<<''
    has "hostile names: stream, $format: the good name is printed" "$out" 42
    hasnt "hostile names: stream, $format: no other name is printed" "$out" 666
  done
}

needs influxd prometheus promtool prometheus-node-exporter collectd python3 jq curl
# The meters' clock is behind ours and stopped, so that two reads give the same values.
now=$(($(date +%s) / 60 * 60 - 3600))
start_sim --devices 2 --meters p1,p1-gas,s01 --unknown-channel --since "$since" --now "$now" --speed 0
write_config "$config"
influxdb
collectd_exec
prometheus_chain
names
finish
