#!/usr/bin/env bash
# Measures the time and the cost of reading many devices with collectd: with our plugin, and with
# collectd's curl_json and as many read threads as our plugin has connections. The limit for the time is
# `curl --parallel`; the limit for the CPU time is a plugin that only dispatches values. If the cloud
# answers 202 first, curl_json has no value at all. curl's figure is then the time to fetch the documents
# of fulfilled promises, plus the time until these are fulfilled.
#
#   sweep.sh BUILD_DIR RESULTS [ROUNDS]
set -euo pipefail
# shellcheck source=tests/benchmarks/bench-lib.sh
. "$(dirname "$0")/bench-lib.sh"
bench_begin "$@"

channels='t1 t2 t3 t4 electric_power rate'
collectd=$(PATH=$PATH:/usr/sbin command -v collectd)
connections_max=128

# All plugins are in one directory, because collectd's PluginDir has only one.
mkdir "$scratch/plugins"
cp "$build/plugin/collectd/cemm.so" "$build"/tests/benchmarks/{sink,source}.so \
  "$(find /usr/lib /usr/local/lib -path '*collectd/curl_json.so' 2>/dev/null | head -n 1)" "$scratch/plugins"

uid() {
  printf '00-1E-C0-%02X-%02X-%02X' $(($1 >> 16)) $(($1 >> 8 & 255)) $(($1 & 255))
}

realtime_url() {
  echo "${sim_cloud}cemm/$(uid "$1")/p1/realtime/?api_key=$sim_key"
}

base_conf() { # INTERVAL THREADS
  cat <<END
Hostname "bench"
FQDNLookup false
BaseDir "$run"
PIDFile "$run/pid"
PluginDir "$scratch/plugins"
Interval $1
ReadThreads $2
LoadPlugin sink
<Plugin sink>
  File "$run/values"
</Plugin>
END
}

ours_conf() { # INTERVAL
  base_conf "$1" 5
  cat <<END
LoadPlugin cemm
<Plugin cemm>
  <Discovery>
    Enabled false
  </Discovery>
  <Cloud "home">
    URL "$sim_cloud"
    ApiKeyFile "$key"
    Alias "p1"
    Interval $1
    MaxConnections $connections
    Timeout 8
  </Cloud>
</Plugin>
END
}

curl_json_conf() { # INTERVAL THREADS
  local device channel
  base_conf "$1" "$2"
  echo 'LoadPlugin curl_json'
  echo '<Plugin curl_json>'
  for ((device = 1; device <= devices; device++)); do
    echo "<URL \"$(realtime_url "$device")\">"
    echo "Instance \"$(uid "$device")\""
    echo 'Timeout 8000'
    for channel in $channels; do
      printf '<Key "data/%s/1">\nType gauge\nInstance "p1-%s"\n</Key>\n' "$channel" "$channel"
    done
    echo '</URL>'
  done
  echo '</Plugin>'
}

source_conf() { # INTERVAL
  base_conf "$1" 5
  printf 'LoadPlugin source\n<Plugin source>\nDevices %d\n</Plugin>\n' "$devices"
}

# series_with COUNT: whether every series that can have values has COUNT of them.
series_with() {
  awk -v count="$1" -v wanted="$((living * 6))" -v channels="$channels" '
    BEGIN { split(channels, list, " "); for (i in list) known["p1-" list[i]] = 1 }
    { name = $3; sub(/^.*\/[a-z_]*-/, "", name); if (name in known && ++n[$3] == count) done++ }
    END { exit done < wanted }' "$run/values" 2>/dev/null
}

# times: prints when the last values of the fourth and of the fifth sweep arrived, and the CPU time and
# the number of values (including our own metrics) between the first values of these sweeps. The plugin
# holds back the first value of a series until it knows the interval, so the first three values arrive
# close together.
times() {
  awk -v channels="$channels" '
    BEGIN { split(channels, list, " "); for (i in list) known["p1-" list[i]] = 1 }
    { all++; name = $3; sub(/^.*\/[a-z_]*-/, "", name); if (!(name in known)) next
      n = ++count[$3]
      if (!(n in first)) { first[n] = $2; before[n] = all }
      last[n] = $1 }
    END { printf "%.6f %.6f %.6f %d\n", last[4], last[5], first[5] - first[4], before[5] - before[4] }' "$run/values"
}

# run_collectd CONFIGURATION…: runs collectd until the fifth sweep is complete. Sets $memory (KiB) and
# the results of times().
run_collectd() {
  rm -rf "$run" && mkdir "$run"
  "$@" >"$run/collectd.conf"
  : >"$sim_log"
  LD_LIBRARY_PATH=$build/common "$collectd" -f -C "$run/collectd.conf" >"$run/out" 2>&1 &
  daemon=$!
  started "$daemon"
  wait_for 120 series_with 5 || { say "no whole sweep: $(head -n 3 "$run/out")" && exit 1; }
  memory=$(awk '/VmRSS/ { print $2 }' "/proc/$daemon/status")
  stop "$daemon"
  read -r before last cpu values < <(times)
}

# sweep SERIES CONFIGURATION…: records the seconds, the CPU microseconds per value, and the requests per
# device. On a busy machine, a sweep may begin before the previous sweep has ended; such a run is
# repeated, at most twice.
sweep() {
  local series=$1 try memory before last cpu values begun requests took
  for try in 1 2 3; do
    run_collectd "${@:2}"
    # A request is logged when its answer is sent, so a request that hangs is not logged.
    read -r begun requests < <(grep -vE "${hanging:-none hang}" "$sim_log" | awk -v from="$before" -v to="$last" -v delay="$delay" '
      / GET [^ ]*\/realtime\// && $1 - delay > from * 1000 && $1 <= to * 1000 {
        if (!first) first = $1 - delay
        n++ }
      END { printf "%.6f %d\n", first / 1000, n }')
    ((requests < living)) || break
    say "sweeps overlap: $requests requests of $series for $living devices"
    ((try < 3)) || exit 1
  done
  took=$(awk -v a="$begun" -v b="$last" 'BEGIN { printf "%.6f", b - a }')
  figure "$id-time" "$series" "$took"
  [[ $series != ours ]] || beside_one "$took"
  cpu_figure "$series"
  [[ $series != ours ]] || figure "$id-requests" "$series" "$(awk -v n="$requests" -v d="$living" 'BEGIN { printf "%.3f", n / d }')"
  echo "$memory" >>"$scratch/memory-$series-$devices"
}

# beside_one SECONDS: records the duration of a sweep beside that for a single device. With a connection
# for each device, no device waits for another, so both should be about equal.
beside_one() {
  local alone=$scratch/alone-$delay-$promise
  if ((devices > connections || delay + promise == 0)) || [[ -n $hanging ]]; then
    return
  elif ((devices == 1)); then
    echo "$1" >>"$alone"
  else
    figure "$id-slowest" ours "$1"
    figure "$id-slowest" limit "$(sort -n "$alone" | sed -n "$(((rounds + 1) / 2))p")"
  fi
}

# cpu_figure SERIES: records the CPU time from the results of run_collectd.
cpu_figure() {
  awk -v cpu="$cpu" 'BEGIN { exit cpu <= 0 }' || { say 'no silence between sweeps' && exit 1; }
  figure "$id-cpu" "$1" "$(awk -v cpu="$cpu" -v n="$values" 'BEGIN { printf "%.2f", cpu / n * 1e6 }')"
}

# parallel: fetches the same documents with curl as fast as possible.
parallel() {
  local device
  for ((device = 1; device <= devices; device++)); do
    [[ -z $hanging || ! $(uid "$device") =~ $hanging ]] || continue
    printf 'url = "%s"\noutput = /dev/null\n' "$(realtime_url "$device")"
  done >"$run/curl"
  seconds curl -sS --no-progress-meter --parallel --parallel-immediate --parallel-max "$connections" -K "$run/curl"
}

# limit: records the time that curl takes.
limit() {
  local took
  if ((promise > 0)); then
    parallel >/dev/null
    sleep "$(awk -v ms="$promise" 'BEGIN { print ms / 1000 + 0.1 }')" # until the promises are fulfilled
    took=$(parallel | awk -v ms="$promise" '{ print $1 + ms / 1000 }')
  else
    took=$(parallel)
  fi
  figure "$id-time" limit "$took"
}

# scenario DEVICES DELAY_MS PROMISE_MS HANGING_EVERY THREADS [CONNECTIONS]: measures a case. THREADS is
# for curl_json; 0 means as many as there are connections. With more than $connections_max
# connections there is no comparison.
scenario() {
  local words faults=() interval threads peer least memory before last cpu values
  devices=$1
  delay=$2
  promise=$3
  hanging=
  connections=${6:-$((devices < connections_max ? devices : connections_max))}
  threads=$(($5 > 0 ? $5 : connections))
  living=$devices
  (($2 == 0)) || faults+=(--fault "delay=$2@*/realtime/*")
  if (($4 > 0)); then
    for ((device = $4; device <= devices; device += $4)); do
      hanging+="${hanging:+|}$(uid "$device")"
      living=$((living - 1))
      faults=(--fault "stall@*$(uid "$device")*realtime*" "${faults[@]}")
    done
  fi
  interval=$(((devices + threads - 1) / threads * $2 * 13 / 10 / 1000 + promise * 3 / 2000 + 2))
  (($4 == 0)) || interval=10
  id=sweep-$1-$2-$3-$4-$5${6:+-$6}
  words="$1 devices, answers after $2 ms"
  (($3 == 0)) || words="$1 devices, 202 first, kept after $3 ms"
  (($4 == 0)) || words+=", every ${4}th hangs"
  ((connections <= connections_max)) || words+=", $connections connections"
  peer='curl_json'
  (($5 == 0)) || peer="curl_json, $5 threads"
  ((promise == 0 && connections <= connections_max)) || peer=-
  say "sweep: $words ($peer)"
  row "$id-slowest" "sweep of $words" s 'limit<=1.2' - 'one of them alone'
  row "$id-time" "sweep of $words" s "$([[ $peer == - ]] && echo 'limit<=1.5' || echo 'peer<=1')" "$peer" 'curl --parallel'
  least=-
  ((delay + promise + $4 > 0)) || least='only dispatching'
  row "$id-cpu" "CPU a value, $words" µs "$([[ $peer == - ]] && echo - || echo 'peer<=0.5')" "$peer" "$least"
  row "$id-requests" "requests a device, $words" '' - - -
  start_sim --devices "$1" --meters p1 --promise "$3" --now "$(($(date +%s) - 86400))" --speed 20 \
    --since "$(date -d '-2 days' +%F)" "${faults[@]}"
  key=$scratch/key
  write_key "$key"
  for ((round = 0; round < rounds; round++)); do
    run=$scratch/run
    sweep ours ours_conf "$interval"
    [[ $peer == - ]] || sweep peer curl_json_conf "$interval" "$threads"
    ((connections > connections_max)) || limit
    if [[ $least != - ]]; then
      run_collectd source_conf "$interval"
      cpu_figure limit
    fi
  done
  stop "$sim_pid"
}

for delay in 0 100 1000; do
  for devices in 1 10 100 1000; do
    scenario "$devices" "$delay" 0 0 0
  done
done
scenario 1000 1000 0 0 0 1000
scenario 100 100 0 0 5
for devices in 1 10 100 1000; do
  scenario "$devices" 0 1000 0 0
done
scenario 100 100 0 20 0
scenario 1000 100 0 20 0

# The cost of an additional device, from the smallest and the largest of these cases.
row memory 'memory a device' KiB 'peer<=0.333' curl_json -
for series in ours peer; do
  paste <(head -n "$rounds" "$scratch/memory-$series-1") <(head -n "$rounds" "$scratch/memory-$series-1000") |
    awk '{ printf "%.2f\n", ($2 - $1) / 999 }' | while read -r value; do figure memory "$series" "$value"; done
done
