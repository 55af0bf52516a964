#!/usr/bin/env bash
# What a fleet costs: many devices of one account, shared out among 1, 2 and 4 collectds (shards) on
# this machine. Every answer comes by a promise (HTTP 202), as the cloud's document says it may.
#
#   fleet.sh BUILD_DIR RESULTS [ROUNDS]
#
# ROUNDS is the number of sweeps that are measured, after two that are not. The environment may
# shorten it: CEMM_FLEET_DEVICES="1000 10000" CEMM_FLEET_SHARDS="1 2 4" CEMM_FLEET_INTERVAL=25
set -euo pipefail
# shellcheck source=tests/benchmarks/bench-lib.sh
. "$(dirname "$0")/bench-lib.sh"
bench_begin "$@"

read -ra device_counts <<<"${CEMM_FLEET_DEVICES:-1000 10000}"
read -ra shard_counts <<<"${CEMM_FLEET_SHARDS:-1 2 4}"
collectd=$(PATH=$PATH:/usr/sbin command -v collectd)
connections=32 # of each collectd, as in examples/collectd/fleet.conf
promise_ms=500
key=$scratch/key
write_key "$key"
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

# samples_of SWEEPS: whether the collectds have written as many samples of power as there are devices.
samples_of() {
  sleep 1 # counting them costs CPU, too
  (($(cat "$run"/*/values | grep -cF /power-p1-electric_power) >= devices * $1))
}

wait_for_samples() { # SWEEPS
  wait_for $(($1 * interval + 60)) samples_of "$1" || {
    say "there are no $1 samples of each device: $(head -qn 2 "$run"/*/out)"
    exit 1
  }
}

# cpu_ms PID…: user and system time of these processes together, as the kernel has counted it.
cpu_ms() {
  local pid
  for pid; do sed 's/.*) //' "/proc/$pid/stat"; done | awk -v hz="$(getconf CLK_TCK)" '{ n += $12 + $13 } END { printf "%d\n", n * 1000 / hz }'
}

# a_sample MILLISECONDS SAMPLES: microseconds for one of them.
a_sample() {
  awk -v ms="$1" -v n="$2" 'BEGIN { printf "%.1f\n", ms * 1000 / n }'
}

# answered: how many times realtime was answered with a document.
answered() {
  grep -c '/realtime/ - 200$' "$sim_log"
}

# measure_cpu: of the sweeps behind the second one.
measure_cpu() {
  local ours theirs before samples
  wait_for_samples 2
  ours=$(cpu_ms "${daemons[@]}")
  theirs=$(cpu_ms "$sim_pid")
  before=$(answered)
  wait_for_samples $((2 + rounds))
  samples=$(($(answered) - before))
  figure "$id-cpu" ours "$(a_sample $(($(cpu_ms "${daemons[@]}") - ours)) "$samples")"
  figure "$id-cpu" limit "$(a_sample $(($(cpu_ms "$sim_pid") - theirs)) "$samples")"
}

# measure_processes: of each collectd, after all sweeps.
measure_processes() {
  local pid
  for pid in "${daemons[@]}"; do
    figure "$id-memory" ours "$(awk '/VmHWM/ { printf "%.1f\n", $2 / 1024 }' "/proc/$pid/status")"
    figure "$id-descriptors" ours "$(find "/proc/$pid/fd" -mindepth 1 | wc -l)"
  done
  figure "$id-log" ours "$(cat "$run"/*/out | wc -l)"
  figure "$id-values" ours "$(cat "$run"/*/values | awk -v n="$(answered)" 'END { printf "%.2f\n", NR / n }')"
}

# measure_wire: what the simulator has logged. The n-th sample of a device is its n-th document, and
# all that was requested for it since the one before belongs to it.
measure_wire() {
  awk -v rounds="$rounds" -v devices="$devices" -v id="$id" '
    function figure(name, value) { printf "figure\t%s-%s\tours\t%s\n", id, name, value }
    $4 == "connect" { opened++; if ($5 > most) most = $5; next }
    FNR == NR {
      if ($5 !~ /\/realtime\/$/) { if (!begun) begun = $1; next }
      n = count[$3] + 1
      if (!(n in first)) first[n] = $1
      requests[n]++
      if ($7 == 202) promises[n]++
      if ($7 == 200) { count[$3] = n; got[n] = $1 }
      next
    }
    $3 ~ /\/[a-z_]*-p1-(t[1-4]|electric_power|rate)$/ { n = ++values[$3]; last[n] = $1 > last[n] ? $1 : last[n] }
    END {
      figure("start", (got[1] - begun) / 1000)
      for (n = 3; n <= 2 + rounds; n++) {
        if (last[n - 1] * 1000 > first[n]) late++
        figure("sweep", last[n] - first[n] / 1000)
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
  row "$id-start" "from the first request to the last device's first sample, $words" s - - -
  row "$id-sweep" "a sweep: from its first request to its last value, $words" s - - -
  row "$id-cpu" "CPU a device and sample, all collectds together, $words" µs - - 'the simulator'
  row "$id-memory" "most memory of each collectd, $words" MiB - - -
  row "$id-requests" "requests a device and sample, $words" '' - - -
  row "$id-promises" "promises a device and sample, $words" '' - - -
  row "$id-connections" "connections open at once, $words" '' - - -
  row "$id-opened" "connections opened in all, $words" '' - - -
  row "$id-descriptors" "descriptors of each collectd, $words" '' - - -
  row "$id-values" "values a device and sample, $words" '' - - -
  row "$id-log" "lines logged, $words" '' - - -
  start_sim --devices "$1" --meters p1 --since "$(date -d yesterday +%F)" --read-every 1 --promise "$promise_ms" --log-connections
  start_shards
  measure_cpu
  measure_processes
  for pid in "${daemons[@]}"; do stop "$pid"; done
  measure_wire
  stop "$sim_pid"
  rm -rf "$run"
}

for devices in "${device_counts[@]}"; do
  for shards in "${shard_counts[@]}"; do
    scenario "$devices" "$shards"
  done
done
