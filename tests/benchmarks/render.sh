#!/usr/bin/env bash
# How long a year of day answers takes from JSON to CSV and to line protocol: `cemm history` out of
# its archive beside jq, which does less for it (UTC, no join of times), and beside json-c that
# only parses.
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

start_sim --devices 1 --since "$year-01-01"
write_config "$conf"
say "render: fetching $year"
history csv >/dev/null
mapfile -t files < <(find "$conf.archive/$dev/p1/data/day/$year" -name '*.json' | sort)

in_csv='.data as $d | ($d | keys_unsorted) as $names | range($d[$names[0]] | length) as $i |
  [($d[$names[0]][$i][0] / 1000 | todate), ($names[] as $n | $d[$n][$i][1])] | @csv'
in_influx='.data | to_entries[] | .key as $name | .value[] |
  "cemm,uid=x,alias=p1 \($name)=\(.[1]) \(.[0])000000"'
for format in csv influx; do
  say "render: $format"
  filter=in_$format
  row "render-$format" "a year of days to $format" s 'peer<=0.05' jq 'json-c that only parses'
  for ((round = 0; round < rounds; round++)); do
    figure "render-$format" ours "$(seconds history "$format")"
    figure "render-$format" peer "$(seconds jq -r "${!filter}" "${files[@]}")"
    figure "render-$format" limit "$(seconds "$build/tests/benchmarks/parse" "${files[@]}")"
  done
done
