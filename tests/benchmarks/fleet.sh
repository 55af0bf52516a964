#!/usr/bin/env bash
# Measures the cost of many devices in one account, which are shared by 1, 2 and 4 collectds (shards) on
# this machine. Requests use TLS, and there is a promise (HTTP 202) before every answer, which is the
# most expensive case that the vendor's document allows.
#
#   fleet.sh BUILD_DIR RESULTS [ROUNDS]
#
# ROUNDS is the number of sweeps that are measured, after two sweeps that are not. Environment variables
# can make the test smaller: CEMM_FLEET_DEVICES="1000 10000" CEMM_FLEET_SHARDS="1 2 4"
# CEMM_FLEET_INTERVAL=25
set -euo pipefail
# shellcheck source=tests/benchmarks/bench-lib.sh
. "$(dirname "$0")/bench-lib.sh"
bench_begin "$@"
# shellcheck source=tests/end-to-end/certs-lib.sh
. "$(dirname "$0")/../end-to-end/certs-lib.sh"

read -ra device_counts <<<"${CEMM_FLEET_DEVICES:-1000 10000}"
read -ra shard_counts <<<"${CEMM_FLEET_SHARDS:-1 2 4}"
collectd=$(PATH=$PATH:/usr/sbin command -v collectd)
connections=32 # of each collectd, as in examples/collectd/fleet.conf
promise_ms=500
key=$scratch/key
write_key "$key"
make_self_signed cloud IP:127.0.0.1 2>/dev/null
mkdir "$scratch/plugins"
cp "$build/plugin/collectd/cemm.so" "$build/tests/benchmarks/sink.so" "$scratch/plugins"

shard_conf() { # SHARD
  cat <<END
Hostname "bench"
FQDNLookup false
BaseDir "$run/$1"
PIDFile "$run/$1/pid"
PluginDir "$scratch/plugins"
Interval $interval
LoadPlugin sink
<Plugin sink>
  File "$run/$1/values"
</Plugin>
LoadPlugin cemm
<Plugin cemm>
  <Discovery>
    Enabled false
  </Discovery>
  <Cloud "fleet">
    URL "$sim_cloud"
    CAFile "$scratch/cloud.pem"
    ApiKeyFile "$key"
    Alias "p1"
    Shard "$1/$shards"
    MaxConnections $connections
  </Cloud>
</Plugin>
END
}

start_shards() {
  local shard
  daemons=()
  for ((shard = 1; shard <= shards; shard++)); do
    mkdir -p "$run/$shard"
    shard_conf "$shard" >"$run/$shard/collectd.conf"
    LD_LIBRARY_PATH=$build/common "$collectd" -f -C "$run/$shard/collectd.conf" >"$run/$shard/out" 2>&1 &
    daemons+=("$!")
    started "$!"
  done
}

# samples_of SWEEPS: whether the collectds have written SWEEPS times as many samples of power as there
# are devices.
samples_of() {
  sleep 1 # because counting also costs CPU time
  (($(cat "$run"/*/values | grep -cF /power-p1-electric_power) >= devices * $1))
}

wait_for_samples() { # SWEEPS
  wait_for $(($1 * interval + 60)) samples_of "$1" || {
    say "there are no $1 samples of each device: $(head -qn 2 "$run"/*/out)"
    exit 1
  }
}

# cpu_ms DIRECTORY…: prints the sum of user and system time of these processes or threads, from the
# kernel's counters, in milliseconds.
cpu_ms() {
  local dir
  for dir; do sed 's/.*) //' "$dir/stat"; done | awk -v hz="$(getconf CLK_TCK)" '{ n += $12 + $13 } END { printf "%d\n", n * 1000 / hz }'
}

# per NUMBER COUNT: prints NUMBER divided by COUNT.
per() {
  awk -v n="$1" -v count="$2" 'BEGIN { printf "%.2f\n", n / count }'
}

# answered: prints the number of realtime answers with a document.
answered() {
  grep -c '/realtime/ - 200$' "$sim_log"
}

# find_loops: finds the threads that communicate with the cloud, one in each collectd.
find_loops() {
  local pid task
  loops=()
  for pid in "${daemons[@]}"; do
    for task in "/proc/$pid/task"/*; do
      [[ $(<"$task/comm") != cemm ]] || loops+=("$task")
    done
  done
}

# counters: prints the numbers of samples and values up to now, and the CPU time in milliseconds of the
# collectds, of the threads found by find_loops, and of the simulator.
counters() {
  echo "$(answered) $(cat "$run"/*/values | wc -l) $(cpu_ms "${daemons[@]/#//proc/}")" \
    "$(cpu_ms "${loops[@]}") $(cpu_ms "/proc/$sim_pid")"
}

# measure_cpu: records the CPU time of the sweeps after the second one.
measure_cpu() {
  local loops before after samples
  wait_for_samples 2
  find_loops
  read -ra before < <(counters)
  wait_for_samples $((2 + rounds))
  read -ra after < <(counters)
  samples=$((after[0] - before[0]))
  figure "$id-values" ours "$(per $((after[1] - before[1])) "$samples")"
  figure "$id-cpu" ours "$(per $(((after[2] - before[2]) * 1000)) "$samples")"
  figure "$id-loop" ours "$(per $(((after[3] - before[3]) * 1000)) "$samples")"
  figure "$id-cpu" limit "$(per $(((after[4] - before[4]) * 1000)) "$samples")"
}

# measure_processes: records the figures of each collectd after all sweeps.
measure_processes() {
  local pid
  for pid in "${daemons[@]}"; do
    figure "$id-memory" ours "$(awk '/VmHWM/ { printf "%.1f\n", $2 / 1024 }' "/proc/$pid/status")"
    figure "$id-descriptors" ours "$(find "/proc/$pid/fd" -mindepth 1 | wc -l)"
  done
  figure "$id-log" ours "$(cat "$run"/*/out | wc -l)"
}

# measure_wire: records figures from the simulator's log. The n-th sample of a device is its n-th
# document, and includes all requests since the previous one. Sweeps are counted separately for each
# collectd, because they do not start at the same time.
measure_wire() {
  awk -v rounds="$rounds" -v devices="$devices" -v id="$id" '
    function figure(name, value) { printf "figure\t%s-%s\tours\t%s\n", id, name, value }
    function take(what, begin, end) {
      if (!((FILENAME, what) in from) || begin < from[FILENAME, what]) from[FILENAME, what] = begin
      if (end > until[FILENAME, what]) until[FILENAME, what] = end
    }
    $4 == "connect" { opened++; if ($5 > most) most = $5; next }
    FNR == NR {
      if (!($3 in begun)) begun[$3] = $1
      if ($5 !~ /\/realtime\/$/) next
      n = count[$3] + 1
      if (!(($3, n) in first)) first[$3, n] = $1
      requests[n]++
      if ($7 == 202) promises[n]++
      if ($7 == 200) { count[$3] = n; if (n == 1) started[$3] = $1 }
      next
    }
    $3 ~ /\/[a-z_]*-p1-(t[1-4]|electric_power|rate)$/ {
      n = ++values[$3]
      uid = substr($3, 6, 17)
      take(n, first[uid, n] / 1000, $1)
      if (n == 1) take("start", begun[uid] / 1000, started[uid] / 1000)
      files[FILENAME]
    }
    END {
      for (file in files) figure("start", until[file, "start"] - from[file, "start"])
      for (n = 3; n <= 2 + rounds; n++) {
        for (file in files) {
          if (until[file, n - 1] > from[file, n]) late++
          figure("sweep", until[file, n] - from[file, n])
        }
        figure("requests", requests[n] / devices)
        figure("promises", promises[n] / devices)
      }
      figure("connections", most)
      figure("opened", opened)
      if (late) print "sweeps overlap: this machine is too slow for the interval, or busy" > "/dev/stderr"
    }' "$sim_log" "$run"/*/values >>"$results"
}

scenario() { # DEVICES SHARDS
  local id interval words run daemons pid
  devices=$1
  shards=$2
  interval=${CEMM_FLEET_INTERVAL:-$((devices / 500 < 7 ? 12 : devices / 500 + 5))}
  id=fleet-$1-$2
  words="$1 devices, $2 collectd"
  run=$scratch/run-$1-$2
  say "fleet: $words, every $interval s"
  row "$id-start" "start of one of them: from the first request about a device to the last one's sample, $words" s - - -
  row "$id-sweep" "a sweep of one of them: from its first request to its last value, $words" s - - -
  row "$id-cpu" "CPU a device and sample, all collectds together, $words" µs - - 'the simulator'
  row "$id-loop" "of which in the threads that talk to the cloud, $words" µs - - -
  row "$id-memory" "most memory of each collectd, $words" MiB - - -
  row "$id-requests" "requests a device and sample, $words" '' - - -
  row "$id-promises" "promises a device and sample, $words" '' - - -
  row "$id-connections" "connections open at once, $words" '' - - -
  row "$id-opened" "connections opened in all, $words" '' - - -
  row "$id-descriptors" "descriptors of each collectd, $words" '' - - -
  row "$id-values" "values a device and sample, $words" '' - - -
  row "$id-log" "lines logged, $words" '' - - -
  start_sim --devices "$1" --meters p1 --since "$(date -d yesterday +%F)" --read-every 1 --promise "$promise_ms" --log-connections \
    --tls-cert "$scratch/cloud.pem" --tls-key "$scratch/cloud.tls"
  start_shards
  measure_cpu
  measure_processes
  for pid in "${daemons[@]}"; do stop "$pid"; done
  ! grep -hF 'values left out' "$run"/*/out >&2 || exit 1
  measure_wire
  stop "$sim_pid"
  rm -rf "$run"
}

for devices in "${device_counts[@]}"; do
  for shards in "${shard_counts[@]}"; do
    scenario "$devices" "$shards"
  done
done
echo 'For examples/fleet/README.md:'
"$(dirname "$0")/fleet.py" "$results"
