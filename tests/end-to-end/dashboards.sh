#!/usr/bin/env bash
# dashboards.sh BUILD_DIR: runs every query of the Grafana dashboards against a real Prometheus and a
# real InfluxDB that have a day of values. Grafana itself does not run, so the test replaces the
# variables of the queries.
# shellcheck disable=SC2154,SC2317 # variables of lib.sh; functions are called by check
set -euo pipefail
here=$(dirname "$0")
# shellcheck source=tests/end-to-end/lib.sh
. "$here/lib.sh"
# shellcheck source=tests/end-to-end/servers.sh
. "$here/servers.sh"
begin "$@"
needs influxd prometheus promtool python3 curl jq

boards=$(cd "$here/../../examples/grafana" && pwd)
cemm=$build/plugin/exec/cemm
free_ports 3

# ---- a day and a half of readings, one each half hour --------------------------------------------

step=1800
now=$(($(date +%s) / step * step))
mkdir "$scratch/texts"
for ((time = now - 36 * 3600; time <= now; time += step)); do
  start_sim --devices 1 --lan 1 --meters p1,p1-gas,mb3 --since 2025-01-01 --now "$time" --speed 0
  write_config "$scratch/conf"
  printf '\n[local garage]\naddress = %s\n' "${sim_lan[0]}" >>"$scratch/conf"
  "$cemm" read --config "$scratch/conf" --format prometheus >"$scratch/texts/$time"
  "$cemm" read --config "$scratch/conf" --format influx >>"$scratch/lines"
  stop "$sim_pid"
done
# The monthly history of gas is in the same measurement, and must not be mixed with its readings.
start_sim --devices 1 --meters p1,p1-gas --since 2025-01-01
write_config "$scratch/conf"
"$cemm" history --config "$scratch/conf" --from "$(date -d '-1 day' +%F)" --period month --format influx >>"$scratch/lines"
is 'there are readings of each half hour' 73 "$(find "$scratch/texts" -type f | wc -l)"

# ---- the servers ------------------------------------------------------------------------------------

# Joins the Prometheus texts of all times into one OpenMetrics text, in which samples have times.
openmetrics='
import collections, os, sys
types, lines = {}, collections.defaultdict(list)
for time in sorted(os.listdir(sys.argv[1])):
    for line in open(os.path.join(sys.argv[1], time)):
        if line.startswith("# TYPE"):
            name, kind = line.split()[2:]
            types[name] = kind
        elif not line.startswith("#"):
            lines[line.split("{")[0]].append(line.rstrip("\n") + " " + time)
for name, kind in types.items():
    print("# TYPE", name.removesuffix("_total") if kind == "counter" else name, kind)
    print(*sorted(lines[name]), sep="\n")
print("# EOF")'
python3 -c "$openmetrics" "$scratch/texts" >"$scratch/openmetrics"
promtool tsdb create-blocks-from openmetrics "$scratch/openmetrics" "$scratch/prometheus" >"$scratch/promtool.log" 2>&1 ||
  not_ok 'promtool accepts the texts' "$(<"$scratch/promtool.log")"
start_prometheus "${ports[0]}" - --storage.tsdb.retention.time=10y
wait_for 30 curl -sf "$server/-/ready" || not_ok 'Prometheus starts' "$(tail "$scratch/prometheus.out")"

start_influxdb "${ports[1]}" "${ports[2]}" <<<''
is 'InfluxDB accepts the lines' '204 ' "$(write_influxdb "$scratch/lines")"

# ---- the dashboards themselves --------------------------------------------------------------------------------

sound='
import json, re, sys
board = json.load(open(sys.argv[1]))
defined = {v["name"] for v in board["templating"]["list"]} | {"timeFilter", "__interval", "__range", "__range_s", "__all", "tag_uid", "tag_alias"}
used = set(re.findall(r"\$\{?(\w+)", json.dumps(board["panels"])))
assert used <= defined, used - defined
assert defined & {"price_low", "price_high", "price_back", "price_gas"} <= used
panels = board["panels"]
assert len({p["id"] for p in panels}) == len(panels)
cells = [(x, y) for p in panels for g in [p["gridPos"]] for x in range(g["x"], g["x"] + g["w"]) for y in range(g["y"], g["y"] + g["h"])]
assert len(cells) == len(set(cells)) and all(x < 24 for x, _ in cells), "panels overlap"
for p in panels:
    assert p["title"] and p["description"] and p["targets"], p["title"]
    refs = [t["refId"] for t in p["targets"]]
    assert len(refs) == len(set(refs)), p["title"]
wanted = ["power now", "import and export by tariff", "power", "gas", "cost", "age of the data",
          "solar yield now", "solar yield today", "solar yield this month", "self-consumption"]
titles = " | ".join(p["title"].lower() for p in panels)
assert all(w in titles for w in wanted), titles'
for board in prometheus influxdb; do check "$board.json is sound" python3 -c "$sound" "$boards/$board.json"; done

# variables: replaces Grafana's variables in the queries on stdin.
variables() {
  sed -e "s|\\\$uid|.*|g; s|\\\$meter|${meter:-.*}|g; s|\\\$price_[a-z]*|0.25|g; s|\\\$__interval|10m|g" \
    -e "s|\\\$type|solar_energy|g; s|\\\$solar|mb3|g; s|\\\$__range_s|86400|g; s|\\\$__range|1d|g" \
    -e "s|\\\$timeFilter|time >= ${now}s - 36h AND time <= ${now}s|g"
}
# queries BOARD KEY: prints "TITLE<tab>QUERY" for each target.
queries() {
  jq -r --arg key "$2" '.panels[] | .title as $title | .targets[] | [$title, .[$key]] | join("\t")' "$boards/$1.json" | variables
}

# ---- Prometheus ------------------------------------------------------------------------------------------

emitted=$(cat "$scratch"/texts/* | sed -n 's/^\(cemm_[a-z_]*\){.*/\1/p' | sort -u)
is 'prometheus.json names metrics that cemm prints, and no other' '' \
  "$(jq -r '.. | strings' "$boards/prometheus.json" | grep -oE '\bcemm_[a-z_]+' | sort -u | grep -vxF "$emitted" || true)"
is 'prometheus.json names all metrics that cemm prints' '' "$(grep -vxF "$(jq -r '.. | strings' "$boards/prometheus.json" | grep -oE '\bcemm_[a-z_]+' | sort -u)" <<<"$emitted" || true)"
prom() { curl -sfG "$server/api/v1/query" --data-urlencode "query=$1" --data-urlencode "time=$now" | jq -e '.data.result | length > 0'; }
while IFS=$'\t' read -r title query; do
  check "Prometheus answers \"$title\"" prom "$query"
done < <(queries prometheus expr)
labels() { curl -sfG "$server/api/v1/label/$1/values" --data-urlencode "match[]=$2" | jq -e '.data | length > 0'; }
while read -r metric label; do
  check "the variable ${label%)} of prometheus.json has values" labels "${label%)}" "${metric%,}"
done < <(jq -r '.templating.list[] | select(.type == "query") | .query.query' "$boards/prometheus.json" | sed 's/label_values(//')
# Prometheus's increase of the import at tariff 2 in a day is compared with the meter's readings.
one=00-1E-C0-00-00-01
reading() { "$build/tests/simulator/cemm-sim" --since 2025-01-01 --print "$one" p1 "$1" "$2"; }
got=$(curl -sfG "$server/api/v1/query" --data-urlencode "query=increase(cemm_energy_joules_total{direction=\"import\",tariff=\"2\"}[1d]) / 3.6e6" \
  --data-urlencode "time=$now" | jq -r '.data.result[0].value[1]')
# near A B C: whether A - B is C, to 0.05.
near() { python3 -c 'import sys; a, b, c = map(float, sys.argv[1:]); sys.exit(abs(a - b - c) > 0.05)' "$@"; }
# shown TITLE: prints the value of a panel of the Prometheus dashboard with all meters selected.
shown() {
  curl -sfG "$server/api/v1/query" --data-urlencode "time=$now" --data-urlencode "query=$(queries prometheus expr | awk -F'\t' -v title="$1" '$1 == title { print $2; exit }')" |
    jq -r '[.data.result[].value[1] | tonumber] | if length == 1 then .[0] else "\(length) numbers" end'
}
oracle() { "$build/tests/simulator/cemm-sim" --since 2025-01-01 --meters p1,p1-gas,mb3 --print "$one" "$@"; }
# counted ALIAS CHANNEL…: prints the sum of the increases of these counters in the day.
counted() {
  local alias=$1 channel
  shift
  for channel in "$@"; do
    paste <(oracle "$alias" "$channel" "${now}000") <(oracle "$alias" "$channel" "$((now - 86400))000")
  done | awk '{ sum += $1 - $2 } END { print sum }'
}
produced=$(counted mb3 t1 t2)
exported=$(counted p1 t3 t4)
check 'production is counted once' near "$produced" 0 "$(shown 'Solar yield today')"
check 'self-consumption is production minus export' near "$produced" "$exported" "$(shown 'Self-consumption today')"
check 'power of the solar meter' near "$(oracle mb3 electric_power "${now}000")" 0 "$(shown 'Solar yield now')"
cost=$(awk -v import="$(counted p1 t1 t2)" -v export="$exported" 'BEGIN { print (import - export) / 4 }')
check 'production costs nothing' near "$cost" 0 "$(shown 'Cost of the last 24 hours')"
check 'an increase is what the meter counted' near "$(reading t2 "${now}000")" "$(reading t2 "$((now - 86400))000")" "$got"

# ---- InfluxDB ----------------------------------------------------------------------------------------------

fields=$(sed 's/^[^ ]* \([^ ]*\) .*/\1/' "$scratch/lines" | tr , '\n' | sed 's/=.*//' | sort -u)
is 'influxdb.json names fields that cemm prints' '' \
  "$(jq -r '.panels[].targets[].query' "$boards/influxdb.json" | grep -oE '(last|mean)\("[a-z0-9_]+"' | grep -oE '[a-z0-9_]+"$' | tr -d '"' | sort -u | grep -vxF "$fields" || true)"
rows() {
  curl -sfG "$influx/query" --data-urlencode db=cemm --data-urlencode "q=$1" |
    jq -e '.results[0] | if .error then error(.error) else (.series | length > 0) end'
}
while IFS=$'\t' read -r title query; do
  check "InfluxDB answers \"$title\"" rows "$query"
done < <(queries influxdb query)
while read -r query; do
  check "the variable of influxdb.json has values: $query" rows "$query"
done < <(jq -r '.templating.list[] | select(.type == "query") | .query' "$boards/influxdb.json")
has 'a typo in a query would be noticed' "$(rows 'SELECT last("colour") FROM "cemm"' || true)" false
finish
