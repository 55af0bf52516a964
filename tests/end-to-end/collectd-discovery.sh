#!/usr/bin/env bash
# Tests the plugin's <Discovery> in a real collectd in its own networks: CEMMs that are not configured
# are found, and their values are dispatched as from any other source.
#
#   collectd-discovery.sh BUILD_DIR
#
# There are two devices, one on each network. The meters' clock runs five times as fast, so they
# measure every 2 s. Searches are "udp" lines in the simulator's log.
# shellcheck disable=SC2317 # functions that check and wait_for call
set -euo pipefail
# shellcheck source=tests/end-to-end/lib.sh
. "$(dirname "$0")/lib.sh"
# shellcheck source=tests/end-to-end/collectd-lib.sh
. "$(dirname "$0")/collectd-lib.sh"
# shellcheck source=tests/end-to-end/netns.sh
. "$(dirname "$0")/netns.sh"
enter_namespaces "$@"
begin "$@"
collectd_begin
net_begin
world=("${asker[@]}")

first=00-1E-C0-00-00-01  # at 10.77.0.11
second=00-1E-C0-00-00-02 # at 10.78.0.12
noon=1782036000          # 2026-06-21 12:00 in Amsterdam

# complaints: prints the plugin's messages in this run.
complaints() {
  grep 'cemm plugin' "$run/log" | grep -v 'successfully loaded' || true
}

both_found() {
  has_lines "$1" "$first" power-p1-electric_power && has_lines "$1" "$second" power-p1-electric_power
}

# devices: prints the uids that have values.
devices() {
  find "$run/csv" -mindepth 2 -maxdepth 2 -name 'cemm-*' -printf '%f\n' 2>/dev/null | sed 's/^cemm-//' | sort | paste -sd ' '
}

# searched: whether the devices have received queries since $searches was counted.
searched() {
  (($(requests ' udp ') > searches))
}

# collectd starts before the devices, so none of them answers at first.
late() {
  run=$scratch/late
  conf "$run" <<<$'<Plugin cemm>\n<Discovery>\nInterval 1\n</Discovery>\n</Plugin>'
  start_collectd "$run"
  check "a search without an answer is logged" wait_for 15 grep -q 'cemm plugin: <Discovery>: no CEMM has answered' "$run/log"
  start_sim_in_site --devices 2 --lan-bind 10.77.0.11,10.78.0.12 --discovery --since "$since" --now "$noon" --speed 5 --gas-stamp hour
  on_lan=([$first]= [$second]=)
  check "CEMMs that come later are found" wait_for 20 both_found 1
  check "the first answer is logged" wait_for 10 grep -q 'cemm plugin: <Discovery> is back' "$run/log"
  is "the failure and the first answer are logged once each" 2 "$(log_lines 'cemm plugin: <Discovery>')"
  is "nothing else is logged" 2 "$(complaints | wc -l)"
  stop_collectd "while it searches" "$run"
}

# The configuration has no source.
found() {
  run=$scratch/found
  conf "$run" <<<$'<Plugin cemm>\nTimeZone "Europe/Amsterdam"\n</Plugin>'
  check "a configuration without a source is valid" run_collectd -t -C "$run/collectd.conf"
  check "collectd -T exits 0" run_collectd -T -C "$run/collectd.conf"
  rm -rf "$run/csv" "$run/log"
  knows_gas "$first" "$second"
  start_collectd "$run"
  check "two devices are found by broadcast" wait_for 30 both_found 6
  stop_collectd "with discovered devices" "$run"
  compare_device "$first"
  compare_device "$second"
  check "no reading is left out" without_gaps "$first" power-p1-electric_power
  is "only these series" 26 "$(find "$run/csv" -type f \( -name "*-p1-*" -o -name "*-s01-*" \) | sed 's/-[0-9-]*$//' | sort -u | wc -l)"
  is "there are no messages" "" "$(complaints)"
}

# The configuration has no <Plugin cemm> block.
bare() {
  run=$scratch/bare
  conf "$run" <<<"# no block"
  start_collectd "$run"
  check "LoadPlugin alone is enough" wait_for 20 both_found 1
  stop_collectd "without a block" "$run"
}

# Only one of the two networks is searched.
broadcast() {
  run=$scratch/broadcast
  conf "$run" <<<$'<Plugin cemm>\n<Discovery>\nEnabled true\nBroadcast "10.78.0.255"\n</Discovery>\n</Plugin>'
  start_collectd "$run"
  check "Broadcast: a device on that network is found" wait_for 20 has_lines 2 "$second" power-p1-electric_power
  is "no device on another network is found" "$second" "$(devices)"
  stop_collectd "with one network" "$run"
}

# with_local [WORD…]: prints a configuration with a <Local> for the first device and, if there are
# words, with a <Discovery> that contains one line of them.
with_local() {
  printf '<Plugin cemm>\n<Local "garage">\nAddress "10.77.0.11"\n</Local>\n'
  if [[ $# -gt 0 ]]; then printf '<Discovery>\n%s\n</Discovery>\n' "$*"; fi
  printf '</Plugin>\n'
}

local_device() {
  local searches
  run=$scratch/local
  searches=$(requests ' udp ')
  conf "$run" < <(with_local)
  start_collectd "$run"
  check "a <Local> device has values" wait_for 20 has_lines 3 "$first" power-p1-electric_power
  refute "with a <Local>, there is no search" searched
  is "with a <Local>, no other device is found" "$first" "$(devices)"
  stop_collectd "with a local device" "$run"

  run=$scratch/local-enabled
  conf "$run" < <(with_local Enabled true)
  start_collectd "$run"
  check "with a <Local> and Enabled true, both are found" wait_for 20 both_found 4
  stop_collectd "with a local device and discovery" "$run"
  check "with a <Local> and Enabled true, there is a search" searched
  compare "$first" power p1 electric_power 1
  compare "$second" power p1 electric_power 1
  is "there are no messages" "" "$(complaints)"
}

off() {
  local searches
  searches=$(requests ' udp ')
  refused "Enabled false and no block" $'<Plugin cemm>\n<Discovery>\nEnabled false\n</Discovery>\n</Plugin>' "there is no <Cloud>"
  refused "Interval of 0" $'<Plugin cemm>\n<Discovery>\nInterval 0\n</Discovery>\n</Plugin>' "<Discovery>: Interval: "
  refused "empty Broadcast" $'<Plugin cemm>\n<Discovery>\nBroadcast ""\n</Discovery>\n</Plugin>' "<Discovery>: Broadcast: "
  refute "a refused configuration sends no search" searched
}

choose_test_option
late
found
bare
broadcast
local_device
off
finish
