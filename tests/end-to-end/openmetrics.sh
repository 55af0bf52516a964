#!/usr/bin/env bash
# openmetrics.sh BUILD_DIR: prints two weeks and two months of history as OpenMetrics. promtool makes
# blocks of them, a real Prometheus reads the blocks, and each sample is compared with the expected one.
set -euo pipefail
# shellcheck source=tests/end-to-end/lib.sh
. "$(dirname "$0")/lib.sh"
# shellcheck source=tests/end-to-end/key-lib.sh
. "$(dirname "$0")/key-lib.sh"
# shellcheck source=tests/end-to-end/servers.sh
. "$(dirname "$0")/servers.sh"
begin "$@"
needs promtool prometheus curl jq

cemm=$build/plugin/exec/cemm
sim=$build/tests/simulator/cemm-sim
one=00-1E-C0-00-00-01
two=00-1E-C0-00-00-02
by_minute=00-1E-C0-00-00-03 # a device whose gas is measured every minute
since=2025-01-01
config=$scratch/cemm.conf
export TZ=Europe/Amsterdam TMPDIR=$scratch/tmp
mkdir "$TMPDIR"

start_sim --devices 2 --meters p1,p1-gas,s01 --since "$since"
write_config "$config"
start_sim --first 3 --devices 1 --meters p1-gas --since "$since" --dsmr5
printf '[cloud other]\nurl = %s\napi-key-file = %s.key\n' "$sim_cloud" "$config" >>"$config"

# ---- the text --------------------------------------------------------------------------------------

# Checks that families and their metrics are contiguous, that the times of a metric increase, and that
# "# EOF" is the last line.
sound='
import re, sys
families, metrics, last, names = [], [], None, []
lines = open(sys.argv[1]).read().split("\n")
assert lines[-2:] == ["# EOF", ""]
for line in lines[:-2]:
    if line.startswith("# HELP "):
        families.append(line.split()[2])
    elif line.startswith("# TYPE "):
        assert line.split()[2] == families[-1] and line.split()[3] == "gauge", line
    else:
        metric, value, time = re.fullmatch(r"(\w+\{[^}]*\}) (\S+) (\d+(?:\.\d{3})?)", line).groups()
        assert metric.split("{")[0] == families[-1], line
        if metrics[-1:] != [metric]:
            metrics.append(metric)
            last = 0
        assert float(time) > last, line
        last = float(time)
assert len(set(families)) == len(families) and len(set(metrics)) == len(metrics)
print(*families)'

exits 'days' 0 "$cemm" history --config "$config" --from 2025-10-20 --to 2025-11-02 --format openmetrics --output "$scratch/days.om"
is 'days: there is nothing on stdout or stderr' '' "$out$err"
is 'days are valid' 'cemm_electric_power_watts cemm_gas_amount_cubic_meters cemm_gas_flow_cubic_meters_per_second' \
  "$(python3 -c "$sound" "$scratch/days.om")"
exits 'months' 0 "$cemm" history --config "$config" --from 2025-03-01 --to 2025-04-30 --period month --format openmetrics
cp "$scratch/stdout" "$scratch/months.om"
is 'months are valid' 'cemm_energy_amount_joules cemm_gas_amount_cubic_meters' "$(python3 -c "$sound" "$scratch/months.om")"
exits 'no data' 1 "$cemm" history --config "$config" --from 2024-12-01 --to 2024-12-02 --format openmetrics
is 'no data: the text is complete, too' '# EOF' "$out"
is 'no temporary file is left' '' "$(ls -A "$TMPDIR")"
TMPDIR=$scratch/none exits 'no directory for the temporary file' 1 "$cemm" history --config "$config" --from 2025-10-20 --to 2025-10-20 --format openmetrics
has 'the missing directory is reported' "$err" "E! cemm: can't use a temporary file in $scratch/none: No such file or directory"
# shellcheck disable=SC2016 # the inner shell expands this
exits 'too little space for the temporary file' 1 bash -c 'set -o pipefail; ulimit -f 200; "$@" | cat' - \
  "$cemm" history --config "$config" --from 2025-10-20 --to 2025-10-24 --format openmetrics "$one/p1"
has 'too little space is reported' "$err" "E! cemm: can't use a temporary file in $TMPDIR: File too large"
is 'too little space: nothing is printed' '' "$out"

# ---- Prometheus -------------------------------------------------------------------------------------

for span in days months; do
  check "promtool accepts the $span" promtool tsdb create-blocks-from --max-block-duration=720h \
    openmetrics "$scratch/$span.om" "$scratch/prometheus"
done
free_ports 1
start_prometheus "${ports[0]}" - --storage.tsdb.retention.time=50y
wait_for 30 curl -sf "$server/-/ready" || not_ok 'Prometheus starts' "$(tail "$scratch/prometheus.out")"

# query TEXT DAY: prints the answer to a query at the beginning of that day.
query() {
  curl -sfG "$server/api/v1/query" --data-urlencode "query=$1" --data-urlencode "time=$(date -d "$2" +%s)"
}

# samples WHAT SELECTOR FACTOR UID ALIAS SPAN:CHANNEL: checks that Prometheus has exactly the meter's
# values at the times on stdin (ms), except for the ends of days, which are counted below.
samples() {
  local what=$1 selector=$2 factor=$3 times
  shift 3
  mapfile -t times
  "$sim" --since "$since" --zone Europe/Amsterdam "${options[@]}" --print "$@" "${times[@]}" >"$scratch/values"
  printf '%s\n' "${times[@]}" >"$scratch/times"
  query "${selector}[300d]" 2025-11-03 >"$scratch/answer"
  check "$what" python3 -c '
import json, sys
factor = eval(sys.argv[4])
wanted = [(int(t), factor(float(v))) for t, v in zip(open(sys.argv[1]), open(sys.argv[2]))]
metrics = json.load(open(sys.argv[3]))["data"]["result"]
assert len(metrics) == 1, len(metrics)
got = [(round(t * 1000), float(v)) for t, v in metrics[0]["values"] if t % 60 != 59]
assert got == wanted, (len(got), len(wanted), [p for p in zip(got, wanted) if p[0] != p[1]][:3])' \
    "$scratch/times" "$scratch/values" "$scratch/answer" "lambda x: $factor"
}

# counts SELECTOR: prints "SAMPLES|METRICS": how many samples each metric has, and how many metrics.
counts() {
  query "count_over_time($1[30d])" 2025-11-03 | jq -r '[.data.result[].value[1]] | "\(unique | join(" "))|\(length)"'
}

options=()
seq "$(date -d 2025-10-20 +%s)" 60 $(($(date -d 2025-11-03 +%s) - 1)) | sed 's/$/000/' >"$scratch/minutes"
for day in $(seq 0 60); do date -d "2025-03-01 +$day days" +%s000; done >"$scratch/days"
for uid in "$one" "$two"; do
  for alias in p1 s01; do
    samples "$uid $alias: each minute" "cemm_electric_power_watts{uid=\"$uid\",alias=\"$alias\"}" \
      x "$uid" "$alias" day:electric_power <"$scratch/minutes"
    samples "$uid $alias: each day" \
      "cemm_energy_amount_joules{uid=\"$uid\",alias=\"$alias\",channel=\"electric_energy_low\",period=\"month\"}" \
      'x * 3600000' "$uid" "$alias" month:electric_energy_low <"$scratch/days"
  done
  samples "$uid gas: each day" "cemm_gas_amount_cubic_meters{uid=\"$uid\",period=\"month\"}" \
    x "$uid" p1-gas month:gas <"$scratch/days"
done
is 'two weeks, one day with 25 hours: the count' "$((14 * 1440 + 60))|4" "$(counts cemm_electric_power_watts)"
is 'one sample has the expected value' "$("$sim" --since "$since" --zone Europe/Amsterdam --print "$one" p1 day:electric_power "$(date -d 2025-10-25 +%s)000")" \
  "$(query "cemm_electric_power_watts{uid=\"$one\",alias=\"p1\"}" 2025-10-25 | jq -r '.data.result[].value[1]')"

# A day of gas ends with a row whose value is 0, at the last second.
is 'gas by the hour: the count' "$((14 * 24 + 1 + 14))|2" "$(counts 'cemm_gas_amount_cubic_meters{period="day"}')"
is 'gas by the minute: the count' "$((14 * 1440 + 60 + 14))|1" "$(counts cemm_gas_flow_cubic_meters_per_second)"
options=(--first 3 --dsmr5)
samples 'gas by the minute' "cemm_gas_flow_cubic_meters_per_second{uid=\"$by_minute\",period=\"day\"}" \
  'x / 60000' "$by_minute" p1-gas day:gas <"$scratch/minutes"

no_key 'at the end'
finish
