# shellcheck shell=bash disable=SC2034,SC2154
# Real servers for the output of cemm and collectd: InfluxDB and Prometheus, on free ports of the
# loopback address, with all their files in the scratch directory. Source it after lib.sh, then:
#
#   needs influxd curl                 # skips the test if one of these programs is missing
#   free_ports 2                       # sets the array $ports
#   start_influxdb "${ports[@]}" <<<'' # sets $influx; stdin is added to its configuration
#   start_prometheus PORT TARGET_PORT  # sets $server; if TARGET_PORT is -, it scrapes nothing
#   start_victoriametrics HTTP_PORT GRAPHITE_PORT # sets $victoria
#   start_mosquitto PORT               # the clients of mosquitto find it automatically
#   start_tap PORT FILE                # sets $daemon_pid

needs() {
  local program
  for program in "$@"; do
    command -v "$program" >/dev/null || skip "$program is not installed"
  done
}

# free_ports COUNT: finds ports that are unused and that the system does not assign automatically. No
# other test takes them meanwhile, because a process holds a socket that is named after each port.
free_ports() {
  : >"$scratch/ports" # forgets the ports of the previous call
  python3 -c '
import random, signal, socket, sys
held = []
while len(held) < int(sys.argv[1]):
    port, name = random.randrange(10000, 32000), socket.socket(socket.AF_UNIX)
    try:
        name.bind(f"\0cemm-test-port-{port}")
        socket.create_server(("127.0.0.1", port)).close()
    except OSError:
        continue
    held.append(name)
    print(port, flush=True)
signal.pause()' "$1" >"$scratch/ports" &
  started $!
  wait_for 10 has_ports "$1" || { echo 'Bail out! there are no free ports'; exit 1; }
  mapfile -t ports <"$scratch/ports"
}

has_ports() {
  (($(wc -l <"$scratch/ports") == $1))
}

# start_tap PORT FILE: starts our own graphite server, which stores each line as it was received.
start_tap() {
  begin_daemon tap "$1" python3 -u -c '
import socketserver, sys
class Tap(socketserver.StreamRequestHandler):
    def handle(self):
        for line in self.rfile:
            out.write(line.decode())
            out.flush()
out = open(sys.argv[2], "w")
socketserver.ThreadingTCPServer(("127.0.0.1", int(sys.argv[1])), Tap).serve_forever()' "$1" "$2"
}

listens() {
  (: <"/dev/tcp/127.0.0.1/$1")
}

# begin_daemon NAME PORT COMMAND…: starts a server, sets $daemon_pid, and waits until it listens on PORT.
begin_daemon() {
  local name=$1 port=$2
  shift 2
  "$@" >"$scratch/$name.out" 2>&1 &
  daemon_pid=$!
  started "$daemon_pid"
  wait_for 60 listens "$port" || {
    echo "Bail out! $name did not start: $(tail -n 5 "$scratch/$name.out")"
    exit 1
  }
}

# start_influxdb HTTP_PORT OTHER_PORT: starts InfluxDB with a database "cemm".
start_influxdb() {
  local dir=$scratch/influxdb
  influx=http://127.0.0.1:$1
  mkdir "$dir"
  {
    cat <<END
reporting-disabled = true
bind-address = "127.0.0.1:$2"
[meta]
  dir = "$dir/meta"
[data]
  dir = "$dir/data"
  wal-dir = "$dir/wal"
  query-log-enabled = false
[monitor]
  store-enabled = false
[http]
  bind-address = "127.0.0.1:$1"
  log-enabled = false
  max-body-size = 0
END
    cat
  } >"$dir/conf"
  HOME=$dir begin_daemon influxdb "$1" influxd run -config "$dir/conf"
  curl -sf -XPOST "$influx/query" --data-urlencode 'q=CREATE DATABASE cemm' >/dev/null
}

# start_prometheus PORT TARGET_PORT [OPTION…]: starts Prometheus, which scrapes TARGET_PORT every second.
# If TARGET_PORT is =, stdin says what to scrape, in Prometheus's configuration format. The data is
# in $scratch/prometheus.
start_prometheus() {
  local port=$1 target=$2
  shift 2
  server=http://127.0.0.1:$port
  {
    echo 'global: { scrape_interval: 1s }'
    if [[ $target == = ]]; then cat; fi
    [[ $target == [-=] ]] || cat <<END
scrape_configs:
  - job_name: cemm
    static_configs: [ { targets: [ "127.0.0.1:$target" ] } ]
END
  } >"$scratch/prometheus.yml"
  begin_daemon prometheus "$port" prometheus --config.file="$scratch/prometheus.yml" \
    --storage.tsdb.path="$scratch/prometheus" --web.listen-address="127.0.0.1:$port" --log.level=warn "$@"
}

# start_victoriametrics HTTP_PORT GRAPHITE_PORT: starts VictoriaMetrics with the options that
# examples/victoriametrics.md names.
start_victoriametrics() {
  local options
  read -r -a options <<<"$(sed -n 's/^ARGS=".* \(-retentionPeriod.*\)"$/\1/p' \
    "$(dirname "${BASH_SOURCE[0]}")/../../examples/victoriametrics.md")"
  victoria=http://127.0.0.1:$1
  begin_daemon victoriametrics "$1" victoria-metrics -storageDataPath="$scratch/victoriametrics" \
    -httpListenAddr="127.0.0.1:$1" -graphiteListenAddr="127.0.0.1:$2" "${options[@]}"
}

# start_mosquitto PORT [LINE…]: starts mosquitto with these additional lines in its configuration. It
# forgets retained messages when it ends.
start_mosquitto() {
  printf '%s\n' "listener $1 127.0.0.1" 'persistence false' "user $(id -un)" "${@:2}" >"$scratch/mosquitto.conf"
  mkdir -p "$XDG_CONFIG_HOME"
  echo "-p $1" | tee "$XDG_CONFIG_HOME/mosquitto_pub" >"$XDG_CONFIG_HOME/mosquitto_sub"
  begin_daemon mosquitto "$1" mosquitto -c "$scratch/mosquitto.conf"
}

# write_influxdb FILE: writes the file into InfluxDB. Prints its answer, "204 " on success.
write_influxdb() {
  echo "$(curl -s -o "$scratch/answer" -w '%{http_code}' -XPOST "$influx/write?db=cemm" --data-binary "@$1") $(<"$scratch/answer")"
}

# ask_influxdb QUERY: prints InfluxDB's answer as JSON, with times in nanoseconds.
ask_influxdb() {
  curl -sfG "$influx/query" --data-urlencode db=cemm --data-urlencode epoch=ns --data-urlencode "q=$1"
}
