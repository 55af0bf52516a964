#!/usr/bin/env bash
# Measures the time to convert a year of days from JSON to CSV and to line protocol: `cemm history` with
# its archive is compared with jq, which writes the same bytes (this is checked), and with json-c, which
# only parses. All times are in UTC, because jq 1.6 can't print the offset of a local time.
#
#   render.sh BUILD_DIR RESULTS [ROUNDS]
set -euo pipefail
# shellcheck source=tests/benchmarks/bench-lib.sh
. "$(dirname "$0")/bench-lib.sh"
bench_begin "$@"
year=$(($(date +%Y) - 1))

history() { # FORMAT
  "$build/plugin/exec/cemm" history --config "$conf" --from "$year-01-01" --to "$year-12-31" --format "$1" "$dev/p1"
}

# These jq programs are for days with one channel, newest first, as the simulator has them for p1. For
# more channels jq would have to sort and group, which takes twice as long.
rows='.data | to_entries[] | .key as $channel | .value | reverse[] | select(.[1] != null) | '
in_csv=$rows'"\($uid),p1,\($channel),\(.[1]),W,\(.[0] / 1000 | strftime("%Y-%m-%dT%H:%M:%S+00:00")),"'
in_influx=$rows'"cemm,uid=\($uid),alias=p1 \($channel)=\(.[1]) \(.[0])000000"'
by_jq() { # FORMAT
  local filter=in_$1
  [[ $1 != csv ]] || echo uid,alias,channel,value,unit,time,type
  jq -r --arg uid "$dev" "${!filter}" "${files[@]}"
}

start_sim --devices 1 --zone UTC --since "$year-01-01"
write_config "$conf"
sed -i 's/^time-zone.*/time-zone = UTC/' "$conf"
say "render: fetching $year"
history csv >/dev/null
mapfile -t files < <(find "$conf.archive/$dev/p1/data/day/$year" -name '*.json' | sort)

for format in csv influx; do
  say "render: $format"
  cmp <(history "$format") <(by_jq "$format") || { say 'jq writes something else' && exit 1; }
  row "render-$format" "a year of days to $format" s 'peer<=0.167 limit<=1.6' jq 'json-c that only parses'
  for ((round = 0; round < rounds; round++)); do
    figure "render-$format" ours "$(seconds history "$format")"
    figure "render-$format" peer "$(seconds by_jq "$format")"
    figure "render-$format" limit "$(seconds "$build/tests/benchmarks/parse" "${files[@]}")"
  done
done
