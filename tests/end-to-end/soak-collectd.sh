#!/usr/bin/env bash
# A real collectd runs with Interval 1 for an hour: every reading is written once, and memory does not
# grow.
#
#   soak-collectd.sh BUILD_DIR    CEMM_SOAK_SECONDS: the duration (default 3600)
# shellcheck disable=SC1091,SC2154
set -euo pipefail
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/collectd-lib.sh"
. "$(dirname "$0")/soak-lib.sh"
begin "$@"
asan_options=$ASAN_OPTIONS
collectd_begin
ASAN_OPTIONS+=:${asan_options}

readonly seconds=${CEMM_SOAK_SECONDS:-3600}
readonly connections=8 # the default of MaxConnections, for each block
readonly growth=2048   # KiB; one document takes about 10
run=$scratch/run

start_sim --devices 4 --lan 1 --promise 100 --since "$since"
write_key "$scratch/home.key"
conf "$run" <<CONF
<Plugin cemm>
  TimeZone "Europe/Amsterdam"
  <Cloud "home">
    URL "$sim_cloud"
    ApiKeyFile "$scratch/home.key"
    Timeout 10
    Interval 1
  </Cloud>
  <Local "garage">
    Address "${sim_lan[0]}"
    Timeout 10
    Interval 1
  </Local>
</Plugin>
CONF
start_collectd "$run"
check 'there are values' wait_for 60 has_lines 1 00-1E-C0-00-00-04 power-p1-electric_power
every=$(awk -v seconds="$seconds" 'BEGIN { print (seconds >= 100 ? seconds / 200 : 0.2) }') # some 200 figures
end=$(($(date +%s) + seconds))
while (($(date +%s) < end)) && alive "$daemon"; do
  figures "$daemon" >>"$scratch/figures"
  sleep "$every"
done
check "it runs for $seconds s" alive "$daemon"
flat collectd "$scratch/figures" $((2 * connections + 4)) "$growth"
stop_collectd 'after that' "$run"
check 'each reading is there once, with its own time and value' \
  python3 "$(dirname "$0")/soak-collectd.py" "$run/csv" "$sim" "$sim_log" "$since"
python3 "$(dirname "$0")/soak-collectd.py" "$run/csv" "$sim" "$sim_log" "$since" | grep '^#' || true
is 'nothing was too old, nothing failed' '' "$(grep -iE 'too old|\[(warning|error)\]' "$run/log" || true)"
hasnt 'no key is in the log' "$(cat "$run/log")" "$sim_key"
finish
