#!/usr/bin/env bash
# history-long.sh BUILD_DIR: imports ten years of one meter into a real InfluxDB as users do it. Each
# day is requested with promises. Then each day in the database is compared with the simulator's meter,
# and some days with sums over the API's answers.
set -euo pipefail
# shellcheck source=tests/end-to-end/lib.sh
. "$(dirname "$0")/lib.sh"
# shellcheck source=tests/end-to-end/servers.sh
. "$(dirname "$0")/servers.sh"
begin "$@"

cemm=$build/plugin/exec/cemm
sim=$build/tests/simulator/cemm-sim
uid=00-1E-C0-00-00-01
since=2015-01-01
last=2024-12-31
days=3653
minutes=$((days * 1440)) # clock changes cancel out in whole years
config=$scratch/cemm.conf
export TZ=Europe/Amsterdam # for the command date; cemm has its own setting

# measured FILE COMMAND…: runs the command, and writes its peak memory in KiB to FILE.
measured() {
  python3 -c '
import resource, subprocess, sys
code = subprocess.run(sys.argv[2:]).returncode
open(sys.argv[1], "w").write(str(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss))
sys.exit(code)' "$@"
}

history_of() { # FROM TO
  printf '%s\n' "$cemm" history --config "$config" --from "$1" --to "$2" --format influx "$uid/p1"
}

# The import is stopped after a large part. Days that are in the archive by then are not requested
# again.
interrupted() {
  local command pid
  mapfile -t command < <(history_of "$since" "$last")
  env --default-signal=INT "${command[@]}" >"$scratch/part" 2>"$scratch/part.err" &
  pid=$!
  started "$pid"
  some() { (($(stat -c %s "$scratch/part") >= 20000000)); }
  check 'cemm prints while it requests more' wait_for 120 some
  stop "$pid" INT
  is 'cemm can be stopped' 130 "$stopped"
  is 'cemm stops without a message' '' "$(<"$scratch/part.err")"
  check 'the output is whole lines, oldest first' sort -c -n <(awk 'NF != 3 { print "?" } { print $3 }' "$scratch/part")
}

import() {
  local command codes
  mapfile -t command < <(history_of "$since" "$last")
  set +e
  measured "$scratch/long" "${command[@]}" 2>"$scratch/stderr" |
    tee >(tail -n 1440 >"$scratch/tail") |
    split -l 20000 --filter="curl -sS --fail-with-body --data-binary @- '$influx/write?db=cemm' || echo refused"
  codes=("${PIPESTATUS[@]}")
  set -e
  is 'ten years go into InfluxDB, in chunks' '0 0 0' "${codes[*]}"
  is 'the import prints no message' '' "$(<"$scratch/stderr")"
  requests 'data/day.* 200$' >"$scratch/asked"
  check "each day is requested once, in spite of the stop ($(<"$scratch/asked") for $days)" \
    test "$(<"$scratch/asked")" -ge "$days" -a "$(<"$scratch/asked")" -le $((days + 64))
  check 'the days are requested with promises' test "$(requests 'data/day.* 202$')" -ge "$days"
  mapfile -t command < <(history_of 2024-10-01 2024-11-30)
  measured "$scratch/short" "${command[@]}" >"$scratch/two-months"
  check "memory does not grow with the range ($(<"$scratch/short") KiB for 61 days, $(<"$scratch/long") KiB for $days)" \
    test "$(<"$scratch/long")" -lt $(($(<"$scratch/short") * 2 + 8192))
}

# all_times: prints the times of all rows in milliseconds since 1970.
all_times() {
  seq "$(date -d "$since" +%s)" 60 $(($(date -d "$last +1 day" +%s) - 60)) | sed 's/$/000/'
}

# by_day: converts "MS VALUE" lines to "MS COUNT SUM FIRST LAST" for each UTC day. Values are multiples
# of 1/8 watt, so the sums are exact.
by_day() {
  awk 'function put() { if (count) printf "%.0f %d %.17g %s %s\n", day * 86400000, count, sum, first, final }
    { d = int($1 / 86400000) }
    d != day { put(); day = d; count = 0; sum = 0; first = $2 }
    { count++; sum += $2; final = $2 }
    END { put() }'
}

compare() {
  local day from until differences
  all_times >"$scratch/times"
  is 'the rows of ten years' "$minutes" "$(wc -l <"$scratch/times")"
  xargs -n 50000 "$sim" --since "$since" --print "$uid" p1 day:electric_power <"$scratch/times" |
    paste -d ' ' "$scratch/times" - | by_day >"$scratch/wanted"
  ask_influxdb "SELECT count(electric_power), sum(electric_power), first(electric_power), last(electric_power) \
FROM cemm WHERE uid = '$uid' AND alias = 'p1' AND time >= 0 GROUP BY time(1d) fill(none)" >"$scratch/answer"
  jq -r '.results[0].series[0].values[] | "\(.[0] / 1000000 | floor) \(.[1]) \(.[2]) \(.[3]) \(.[4])"' \
    "$scratch/answer" >"$scratch/had"
  if differences=$(python3 -c '
import sys
had, wanted = ([[float(w) for w in l.split()] for l in open(f)] for f in sys.argv[1:])
for a, b in zip(had, wanted):
    if a != b:
        print(a, b)
print(len(had), "days, sum", sum(r[2] for r in had))
sys.exit(had != wanted or len(had) < 3653)' "$scratch/had" "$scratch/wanted"); then
    ok "count, sum, first and last of each day are the meter's ($differences)"
  else
    not_ok "count, sum, first and last of each day are the meter's" "$differences"
  fi
  is 'the samples are in one series' 1 "$(ask_influxdb 'SHOW SERIES ON cemm' | jq '.results[0].series[0].values | length')"
  is 'the total count' "$minutes" \
    "$(ask_influxdb 'SELECT count(electric_power) FROM cemm' | jq '.results[0].series[0].values[0][1]')"

  # Some days are also compared with sums over the API's answers.
  for day in 2015-01-01 2016-02-29 2019-03-31 2020-10-25 2024-12-31; do
    from=$(date -d "$day" +%s) until=$(date -d "$day +1 day" +%s)
    cloud_get "cemm/$uid/p1/data/day/" "time=$from" >"$scratch/day"
    is "$day, as the API has it" \
      "$(jq -c '[.data.electric_power[] | select(. != null and .[1] != null) | .[1]] | [length, add]' "$scratch/day")" \
      "$(ask_influxdb "SELECT count(electric_power), sum(electric_power) FROM cemm WHERE time >= ${from}s AND time < ${until}s" |
        jq -c '.results[0].series[0].values[0][1:]')"
  done
}

needs influxd jq curl python3 split
free_ports 2
start_influxdb "${ports[@]}" </dev/null
start_sim --devices 1 --meters p1 --since "$since" --now "$(date -d "$last +2 days" +%s)" --promise 50
write_config "$config"
interrupted
import
compare
finish
