#!/usr/bin/env bash
# victoriametrics.sh BUILD_DIR: imports a month of history (with CEMM_E2E_LONG a year) into a real
# VictoriaMetrics as examples/victoriametrics.md says, and sends current values with collectd and with
# `cemm stream`. The stored values are compared with the simulator's meters.
# shellcheck disable=SC2154,SC2317 # variables of the libraries; functions are called by wait_for
set -euo pipefail
here=$(dirname "$0")
# shellcheck source=tests/end-to-end/lib.sh
. "$here/lib.sh"
# shellcheck source=tests/end-to-end/collectd-lib.sh
. "$here/collectd-lib.sh"
# shellcheck source=tests/end-to-end/servers.sh
. "$here/servers.sh"
begin "$@"
needs victoria-metrics curl jq python3
collectd_begin
page=$here/../../examples/victoriametrics.md
cemm=$build/plugin/exec/cemm
one=00-1E-C0-00-00-01
config=$scratch/cemm.conf
export TZ=Europe/Amsterdam
# The range of the history. October has an additional hour, and March has one hour less.
from=2025-10-01 to=2025-10-31
[[ -z ${CEMM_E2E_LONG-} ]] || from=2025-01-01 to=2025-12-31
begins=$(date -d "$from" +%s) ends=$(date -d "$to + 1 day" +%s)

free_ports 2
start_victoriametrics "${ports[@]}"
start_sim --devices 1 --meters p1,p1-gas,s01 --since "$since"
write_config "$config"

# recipe WORDS: prints the command on the page that contains WORDS, for this server and configuration.
recipe() {
  awk -v words="$1" '/^```/ { if (index(text, words)) printf "%s", text; text = ""; next } { text = text $0 "\n" }' "$page" |
    sed -e "s|http://localhost:8428|$victoria|" -e "s|^cemm [a-z]*|& --config '$config'|; s|^cemm|'$cemm'|" \
      -e "s|--from 2015-01-01|--from $from --to $to|" -e "s|cemm.state|$scratch/cemm.state|g"
}
# imports WHAT WORDS: checks that the command on the page that contains WORDS succeeds and prints
# nothing.
imports() {
  exits "$1" 0 bash -c "set -o pipefail; $(recipe "$2")"
  is "$1: there is no message" '' "$out$err"
}
# flushed PATH [CURL_OPTION…]: makes the server flush all samples, then prints its answer to a request.
flushed() {
  curl -sf "$victoria/internal/force_flush"
  curl -sfG "$victoria$1" "${@:2}"
}
# counts SELECTOR: prints the number of samples of each series in the range of the history.
counts() {
  flushed /api/v1/query --data-urlencode "query=count_over_time($1[$((ends - begins))s])" --data-urlencode nocache=1 \
    --data-urlencode "time=$((ends - 1))" | jq -r '.data.result[] | "\(.metric.alias) \(.value[1])"' | sort
}
# samples SELECTOR [FROM]: prints "MS VALUE" lines of a series, oldest first.
samples() {
  flushed /api/v1/export --data-urlencode "match[]=$1" --data-urlencode "start=${2-1}" |
    jq -r '[.timestamps, .values] | transpose[] | "\(.[0]) \(.[1])"'
}
# same WHAT SELECTOR FACTOR FROM UID ALIAS CHANNEL: checks that the values of a series since FROM (s) are
# the meter's, to 12 digits. Writes their times to $scratch/times.
same() {
  samples "$2" "$4" >"$scratch/had"
  cut -d ' ' -f 1 "$scratch/had" >"$scratch/times"
  xargs "$sim" --since "$since" --print "${@:5}" <"$scratch/times" >"$scratch/values"
  check "$1 ($(wc -l <"$scratch/had"))" python3 -c '
import sys
had = [float(line.split()[1]) for line in open(sys.argv[1])]
wanted = [float(line) * float(sys.argv[3]) for line in open(sys.argv[2])]
wrong = [pair for pair in zip(had, wanted) if abs(pair[0] - pair[1]) > abs(pair[1]) * 1e-12]
assert had and len(had) == len(wanted) and not wrong, wrong[:3]' \
    "$scratch/had" "$scratch/values" "$3"
}

# ---- the history -----------------------------------------------------------------------------------

# Gas has a row for each hour, and an additional row at the end of each day.
power=$(printf '%s\n' "p1 $(((ends - begins) / 60))" "s01 $(((ends - begins) / 60))")
gas="p1-gas $(((ends - begins) / 3600 + (ends - begins) / 86400))"
imports 'influx' '--format influx |'
is 'influx: each minute is there' "$power" "$(counts cemm_electric_power)"
is 'influx: each hour of gas is there' "$gas" "$(counts 'cemm_gas{period="day"}')"
seq "$begins" 60 $((ends - 1)) | sed 's/$/000/' >"$scratch/minutes"
for alias in p1 s01; do
  same "$alias: each value" "{__name__=\"cemm_electric_power\",alias=\"$alias\"}" 1 1 "$one" "$alias" day:electric_power
  check "$alias: each time" cmp "$scratch/times" "$scratch/minutes"
done
imports 'influx, imported again' '--format influx |'
is 'influx, imported again: each minute is stored once' "$power" "$(counts cemm_electric_power)"
imports 'openmetrics' '--format openmetrics'
is 'openmetrics: each minute is there' "$power" "$(counts cemm_electric_power_watts)"
is 'openmetrics: each hour of gas is there' "$gas" "$(counts 'cemm_gas_amount_cubic_meters{period="day"}')"
same 'openmetrics: each value of p1' '{__name__="cemm_electric_power_watts",alias="p1"}' 1 1 "$one" p1 day:electric_power
check 'openmetrics: each time of p1' cmp "$scratch/times" "$scratch/minutes"

# ---- current values -------------------------------------------------------------------------------------------

# has_samples COUNT SELECTOR FROM: whether the series has at least COUNT samples since FROM.
has_samples() {
  (($(samples "$2" "$3" | wc -l) >= $1))
}
{ echo 'set -o pipefail' && recipe 'cemm stream' | sed 's/ stream / stream --interval 1 /'; } >"$scratch/stream.sh"
# begin_stream: runs the command on the page. Sets $begun, and $stream to the leader of its process group.
begin_stream() {
  begun=$(date +%s)
  setsid bash "$scratch/stream.sh" >"$scratch/stream.out" 2>&1 &
  stream=$!
  started "$stream"
  at_cleanup "kill -- -$stream 2>/dev/null"
}
begin_stream
check 'cemm stream: samples arrive' wait_for 60 has_samples 3 '{__name__="cemm_t1"}' $((begun - 30))
for channel in t1 t2 t3 t4 rate gas; do
  same "cemm stream: $channel" "{__name__=\"cemm_$channel\",alias=\"p1\",period=\"\"}" 1 1 "$one" p1 "$channel"
done
live=$(head -n 1 "$scratch/times") # the time of a live sample; older samples of s01 are missed minutes (--state)
same 'cemm stream: the power of the solar meter' '{__name__="cemm_electric_power",alias="s01"}' 1 "${live%???}" "$one" s01 electric_power
is 'cemm stream: there is no message' '' "$(<"$scratch/stream.out")"
stop "$daemon_pid" KILL
check 'VictoriaMetrics is killed: the stream ends' wait_for 60 gone_or_zombie "$stream"
has 'VictoriaMetrics is killed: the stream says why' "$(<"$scratch/stream.out")" 'curl: ('
start_victoriametrics "${ports[@]}"
begin_stream
check 'both are restarted: samples arrive' wait_for 60 has_samples 1 '{__name__="cemm_t1"}' "$begun"
kill -- "-$stream"

# collectd with the example's writer sends the last two hours and current values.
run=$scratch/collectd
mkdir "$run"
sed -e "s|Host \"localhost\"|Host \"127.0.0.1\"|; s|Port \"2003\"|Port \"${ports[1]}\"|; s|172800|7200|" \
  "$here/../../examples/collectd/backfill.conf" >"$run/example"
conf "$run" <<END
<Plugin cemm>
  TimeZone "Europe/Amsterdam"
  <Cloud "home">
    ApiKeyFile "$config.key"
    URL "$sim_cloud"
    Interval 1
  </Cloud>
</Plugin>
$(grep -v '^LoadPlugin' "$run/example")
END
sed -i '/^PluginDir/i LoadPlugin write_graphite' "$run/collectd.conf"
begun=$(date +%s)
start_collectd "$run"
graphite() { # SERIES
  echo "{__name__=\"$host.cemm-$one.$1\"}"
}
check 'collectd: current values arrive' wait_for 60 has_samples 3 "$(graphite energy_wh-p1-t1)" $((begun - 60))
check 'collectd: the minutes before that arrive' wait_for 60 has_samples 117 "$(graphite power-p1-electric_power)" $((begun - 7300))
stop_collectd 'to VictoriaMetrics' "$run"
is 'collectd: no problem is logged' '' "$(grep -iE 'error|fail|unknown|invalid|cannot' "$run/log" || true)"
for channel in t1 t2 t3 t4; do
  same "collectd: $channel, in Wh" "$(graphite "energy_wh-p1-$channel")" 1000 1 "$one" p1 "$channel"
done
live=$(cut -d , -f 1 <<<"$(grep -hv '^epoch' "$(csv "$one" power-p1-electric_power | head -n 1)" | head -n 1)")
same 'collectd: current power' "$(graphite power-p1-electric_power)" 1 "${live%.*}" "$one" p1 electric_power
samples "$(graphite power-p1-electric_power)" | awk -v live="${live%.*}" '$1 < live * 1000' >"$scratch/before"
cut -d ' ' -f 1 "$scratch/before" | xargs "$sim" --since "$since" --print "$one" p1 day:electric_power >"$scratch/values"
check "collectd: power, minute by minute before that ($(wc -l <"$scratch/before"))" cmp "$scratch/values" <(cut -d ' ' -f 2 "$scratch/before")

# ---- removal, as on the page ------------------------------------------------------------------------------

imports 'the series are removed' 'delete_series'
none() { [[ -z $(flushed /api/v1/series --data-urlencode 'match[]={__name__=~"cemm_.*"}' --data-urlencode start=1 | jq '.data[]') ]]; }
check 'no series is left' wait_for 60 none
finish
