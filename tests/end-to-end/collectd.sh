#!/usr/bin/env bash
# Tests the plugin in a real collectd with the csv writer and the simulator: each value must be
# written once, with its own time, under the right name. Configuration errors must be found before
# collectd starts.
#
#   collectd.sh BUILD_DIR
#
# The simulator's clock begins at noon on a summer day, so that power is negative, and runs five times
# as fast, so that its meters measure every 2 s. The oracle is `cemm-sim --print`.
# shellcheck disable=SC2317 # functions that check and wait_for call
set -euo pipefail
# shellcheck source=tests/end-to-end/lib.sh
. "$(dirname "$0")/lib.sh"
# shellcheck source=tests/end-to-end/collectd-lib.sh
. "$(dirname "$0")/collectd-lib.sh"
begin "$@"
collectd_begin

key_file=$scratch/home.key
write_key "$key_file"

first=00-1E-C0-00-00-01
second=00-1E-C0-00-00-02
noon=1782036000 # 2026-06-21 12:00 in Amsterdam

# ---- configuration -----------------------------------------------------------

# cloud LINE…: prints a <Plugin cemm> block with one <Cloud "home"> that contains these lines.
cloud() {
  printf '<Plugin cemm>\n<Cloud "home">\n'
  [[ $# -eq 0 ]] || printf '%s\n' "$@"
  printf '</Cloud>\n</Plugin>\n'
}

lan() {
  printf '<Plugin cemm>\n<Local "garage">\n'
  [[ $# -eq 0 ]] || printf '%s\n' "$@"
  printf '</Local>\n</Plugin>\n'
}

# discovery LINE…: prints a <Plugin cemm> block with a <Discovery> that contains these lines and is
# disabled in any case.
discovery() {
  printf '<Plugin cemm>\n<Discovery>\n'
  printf '%s\n' "$@"
  printf 'Enabled false\n</Discovery>\n</Plugin>\n'
}

mistakes() {
  local home='<Cloud "home">' garage='<Local "garage">' open_key=$scratch/open.key
  local good="ApiKeyFile \"$key_file\""
  write_key "$open_key"
  chmod 0644 "$open_key"
  refused "no ApiKeyFile" "$(cloud 'Timeout 5')" "$home: ApiKeyFile: is missing"
  refused "key file that does not exist" "$(cloud "ApiKeyFile \"$scratch/none\"")" "$home: ApiKeyFile: "
  refused "key file that is not in BaseDir" "$(cloud 'ApiKeyFile "none.key"')" "$home: ApiKeyFile: key file $scratch/refused/none.key"
  refused "key file open to others" "$(cloud "ApiKeyFile \"$open_key\"")" "$home: ApiKeyFile: "
  refused "unknown option" "$(cloud "$good" 'Colour "blue"')" "$home: Colour: unknown option"
  refused "option of the other block" "$(cloud "$good" 'Address "127.0.0.1"')" "$home: Address: "
  refused "key over plain http" "$(cloud "$good" 'URL "http://example.com/v1/"')" "$home: URL: "
  refused "invalid device" "$(cloud "$good" 'Device "garden"')" "$home: Device: "
  refused "invalid alias" "$(cloud "$good" 'Alias "p1/x"')" "$home: Alias: "
  refused "half a connection" "$(cloud "$good" 'MaxConnections 1.5')" "$home: MaxConnections: "
  refused "the fourth shard of three" "$(cloud "$good" 'Shard "4/3"')" "$home: Shard: 4/3: write PART/PARTS"
  refused "a shard without a number of parts" "$(cloud "$good" 'Shard 2')" "$home: Shard: 2: write PART/PARTS"
  refused "two values" "$(cloud "$good" 'Alias "p1" "s01"')" "$home: Alias: needs exactly one value"
  refused "option as a block" "$(cloud "$good" '<Alias "p1">' 'X 1' '</Alias>')" "$home: Alias: is not a block"
  refused "timeout as text" "$(lan 'Address "127.0.0.1"' 'Timeout "soon"')" "$garage: Timeout: "
  refused "interval of 0" "$(lan 'Address "127.0.0.1"' 'Interval 0')" "$garage: Interval: must be between"
  refused "interval as text" "$(lan 'Address "127.0.0.1"' 'Interval "1h"')" "$garage: Interval: is not a number of seconds"
  refused "host with a slash" "$(lan 'Address "127.0.0.1"' 'Host "a/b"')" "$garage: Host: "
  refused "no Address" "$(lan 'Alias "p1"')" "$garage: Address: is missing"
  refused "the same block twice" "$(cloud "$good")"$'\n'"$(cloud "$good")" "$home: a second"
  refused "block without a name" "<Plugin cemm>"$'\n<Cloud>\n'"$good"$'\n</Cloud>\n</Plugin>' "Cloud: the block needs one name"
  refused "unknown time zone" $'<Plugin cemm>\nTimeZone "Mars/Phobos"\n</Plugin>' "TimeZone: "
  refused "no block, and no discovery" $'<Plugin cemm>\nTimeZone "Europe/Amsterdam"\n</Plugin>' "there is no <Cloud>"
  refused "unknown option outside" $'<Plugin cemm>\nServer "x"\n</Plugin>' "Server: unknown option"
  refused "a device as the state file" $'<Plugin cemm>\nStateFile "/dev/null"\n</Plugin>' "StateFile: is not a regular file"
  refused "a directory as the default state file" $'<Plugin cemm>\n</Plugin>' "StateFile: is not a regular file" cemm.state
  refused "state file without a name" $'<Plugin cemm>\nStateFile ""\n</Plugin>' "StateFile: is empty"
}

# history LINE…: prints a valid <Cloud> block and a <Backfill> block that contains these lines.
history() {
  cloud "ApiKeyFile \"$key_file\""
  printf '<Plugin cemm>\n<Backfill>\n'
  printf '%s\n' "$@"
  printf '</Backfill>\n</Plugin>\n'
}

history_mistakes() {
  local block='<Backfill>' writer
  for writer in rrdtool rrdcached network mqtt/broker amqp/broker write_prometheus RRDtool write_prometheus/a; do
    refused "history for $writer" "$(history "Writer \"$writer\"")" "$block: Writer: this writer cannot take old values: \"$writer\""
  done
  refused "a writer twice" "$(history 'Writer "csv"' 'Writer "CSV"')" "$block: Writer: is named twice"
  refused "a writer without a name" "$(history 'Writer ""')" "$block: Writer: is not the name of a writer"
  refused "two writers in one line" "$(history 'Writer "csv" "write_http/a"')" "$block: Writer: needs exactly one value"
  refused "a window of a second" "$(history 'Window 1')" "$block: Window: must be between"
  refused "a window of a year" "$(history 'Window 31536000')" "$block: Window: must be between"
  refused "a window as text" "$(history 'Window "1d"')" "$block: Window: is not a number of seconds"
  refused "unknown option in <Backfill>" "$(history 'Colour "blue"')" "$block: Colour: unknown option"
  refused "backfill with a name" $'<Plugin cemm>\n<Backfill "x">\n</Backfill>\n</Plugin>' "$block: takes no name"
  refused "backfill twice" "$(history 'Window 60')"$'\n'"$(history 'Window 60')" "$block: a second"
}

discovery_mistakes() {
  local block='<Discovery>'
  refused "discovery that is off, and no block" "$(discovery 'Interval 60')" "there is no <Cloud>"
  refused "Enabled that is neither on nor off" "$(discovery 'Enabled "perhaps"')" "$block: Enabled: "
  refused "invalid broadcast address" "$(discovery 'Broadcast "garage"')" "$block: Broadcast: "
  refused "two addresses in one line" "$(discovery 'Broadcast "10.0.0.255" "10.0.1.255"')" "$block: Broadcast: needs exactly one value"
  refused "search without a pause" "$(discovery 'Interval 0')" "$block: Interval: "
  refused "search once a month" "$(discovery 'Interval 2592000')" "$block: Interval: "
  refused "option of a source" "$(discovery 'Host "x"')" "$block: Host: does not belong"
  refused "unknown option in <Discovery>" "$(discovery 'Colour "blue"')" "$block: Colour: unknown option"
  refused "option of discovery in a source" "$(lan 'Address "127.0.0.1"' 'Broadcast "10.0.0.255"')" '<Local "garage">: Broadcast: does not belong'
  refused "discovery with a name" $'<Plugin cemm>\n<Discovery "lan">\nEnabled false\n</Discovery>\n</Plugin>' "$block: takes no name"
  refused "discovery twice" "$(discovery 'Interval 60')"$'\n'"$(discovery 'Interval 60')" "$block: a second"
}

# ---- running -----------------------------------------------------------------

values() {
  run=$scratch/values
  conf "$run" <<END
<Plugin cemm>
  TimeZone "Europe/Amsterdam"
  <Cloud "home">
    URL "$sim_cloud"
    ApiKeyFile "$key_file"
    Interval 0.5
  </Cloud>
  <Local garage>
    Address "${sim_lan[0]}"
    Interval 0.5
    Timeout 5
  </Local>
</Plugin>
END
  check "collectd -t accepts a good configuration" run_collectd -t -C "$run/collectd.conf"
  check "collectd -T exits 0" run_collectd -T -C "$run/collectd.conf"
  rm -rf "$run/csv" "$run/log"
  knows_gas "$first" "$second"
  start_collectd "$run"
  wait_for 40 has_lines 6 "$first" power-p1-electric_power || true
  wait_for 20 has_lines 6 "$second" power-s01-electric_power || true
  stop_collectd "during normal operation" "$run"
  compare_device "$first"
  compare_device "$second"
  check "no reading is left out" without_gaps "$second" power-p1-electric_power
  has "power fed in is negative" "$(tail -n1 "$(csv "$second" power-p1-electric_power)")" ",-"
  is "a channel that was never read has no file" "" "$(find "$run/csv" -name '*switch*')"
  is "only these series" 22 "$(find "$run/csv" -type f | sed 's/-[0-9-]*$//' | grep -vE '/(gauge-age|derive-errors|response_time-.*)$' | sort -u | wc -l)"
  own_state
  is "the writer never saw an old value" 0 "$(grep -ci 'too old' "$run/log" || true)"
  is "there are no messages" "" "$(grep -E 'cemm plugin' "$run/log" | grep -v 'successfully loaded' || true)"
}

# After a restart, the plugin dispatches only new values: not gas, which has not changed, and no values
# that a device repeats.
restarted() {
  local before
  before=$(lines "$(csv "$second" power-p1-electric_power)")
  start_collectd "$run"
  check "collectd goes on after a restart" wait_for 20 has_lines $((before + 3)) "$second" power-p1-electric_power
  stop_collectd "after a restart" "$run"
  compare_device "$first"
  compare_device "$second"
  is "gas did not change" 1 "$(lines "$(csv "$second" gauge-p1-gas)")"
}

# `collectd -T` drops the values that it gets, so they must not be recorded as dispatched, and earlier
# records must not be lost. A slow plugin is read first, so that there is time for an answer.
tried() {
  local old=$run before
  run=$scratch/tried
  sim_faults 'delay=4000@*/tarry*' || not_ok "the simulator delays an answer"
  conf "$run" <<END
LoadPlugin curl
<Plugin curl>
  <Page "tarry">
    URL "${sim_cloud}tarry"
    MeasureResponseTime true
    Timeout 20000
  </Page>
</Plugin>
LoadPlugin cemm
$(sed -n '/^<Plugin cemm>/,/^<.Plugin>/p' "$old/collectd.conf")
END
  sed -i -e '/^PluginDir/d' -e "/^LoadPlugin cemm/i PluginDir \"$plugin\"" "$run/collectd.conf"
  : >"$sim_log"
  check "collectd -T with a plugin that is slow" run_collectd -T -C "$run/collectd.conf"
  check "there was time for an answer" test "$(requests "$second/p1/realtime.* 200")" -gt 0
  refute "nothing is recorded as dispatched" test -e "$run/cemm.state"
  cp "$old/cemm.state" "$run/cemm.state"
  before=$(stat -c '%i %y' "$run/cemm.state")
  check "collectd -T with a state file" run_collectd -T -C "$run/collectd.conf"
  is "the state file is not changed" "$before" "$(stat -c '%i %y' "$run/cemm.state")"
  cat "$run/log" >>"$scratch/all-logs"
}

# The plugin's own state is dispatched for each device and source. The simulator's clock differs from
# ours, so an age is either 0 or very large.
own_state() {
  is "errors are counted: none" "" "$(cat $(csv "$first" derive-errors) $(csv "$second" derive-errors) | awk -F, '!/^epoch/ && $2 != 0 && $2 != "nan"')"
  check "each device has an age" test -n "$(csv "$first" gauge-age)" -a -n "$(csv "$second" gauge-age)"
  check "each device has the time that each of its sources takes" test -n "$(csv "$second" response_time-cloud-home)" -a -n "$(csv "$first" response_time-local-garage)"
  is "the time of the cloud includes the promise of 200 ms" "" \
    "$(awk -F, '!/^epoch/ && !($2 >= 0.2 && $2 < 15)' "$(csv "$second" response_time-cloud-home)")"
}

# Runs examples/collectd.conf with the simulator's addresses and without discovery.
example() {
  local dir=$scratch/example
  mkdir "$dir"
  sed -e "s|^\( *\)ApiKeyFile .*|\1ApiKeyFile \"$key_file\"|" -e "s|^\( *\)#URL .*|\1URL \"$sim_cloud\"|" \
    -e "s|^\( *\)Address .*|\1Address \"${sim_lan[0]}\"|" -e "s|^\( *\)Enabled .*|\1Enabled false|" \
    "$(dirname "$0")/../../examples/collectd.conf" |
    conf "$dir"
  has "the example uses only the simulator" "$(<"$dir/collectd.conf")" "    URL \"$sim_cloud\""
  is "the example has discovery, which the test disables" "    Enabled false" "$(grep Enabled "$dir/collectd.conf")"
  check "the example is valid" run_collectd "$test_option" -C "$dir/collectd.conf"
  sed -i 's|^  *Address .*|Adress "x"|' "$dir/collectd.conf"
  refute "the example with a typo is refused" run_collectd "$test_option" -C "$dir/collectd.conf"
}

# ---- failures -------------------------------------------------------------------

stalled() {
  run=$scratch/stalled
  conf "$run" <<END
<Plugin cemm>
  <Cloud "home">
    URL "$sim_cloud"
    ApiKeyFile "$key_file"
    Device "$second"
    Alias "p1"
    Timeout 3600
    Interval 0.5
    Host "elsewhere"
  </Cloud>
  <Local "garage">
    Address "${sim_lan[0]}"
    Timeout 3600
    Interval 0.5
    Alias s01
  </Local>
</Plugin>
END
  start_collectd "$run"
  check "Host and Device and Alias are used" wait_for 15 has_lines 1 "$second" power-p1-electric_power elsewhere
  check "the options of the other block are used, too" wait_for 15 has_lines 1 "$first" power-s01-electric_power
  sim_faults 'stall@*realtime*' || not_ok "the simulator stalls"
  wait_for 10 grep -q ' realtime.* 0$\|/realtime/.* 0$' "$sim_log" || true
  sleep 1
  stop_collectd "while requests are stalled" "$run"
  is "nothing else was dispatched" "$(printf '%s\n' "elsewhere/cemm-$second" "$host/cemm-$first")" \
    "$(cd "$run/csv" && find . -mindepth 2 -maxdepth 2 | sed 's/^..//' | sort)"
  sim_faults || not_ok "the simulator goes on"
}

# If a device does not answer whether it has a certain meter, its known meters are read.
half_known() {
  local before
  run=$scratch/half-known
  before=$(requests '/s02/ .* [1-9]')
  sim_faults 'stall@*/s02/' || not_ok "the simulator stalls"
  conf "$run" < <(cloud "URL \"$sim_cloud\"" "ApiKeyFile \"$key_file\"" 'Interval 0.5' 'Timeout 3600')
  start_collectd "$run"
  check "known meters are read while the search for another one waits" wait_for 20 has_lines 2 "$second" power-p1-electric_power
  stop_collectd "while a meter is searched for" "$run"
  is "the search got no answer" "$before" "$(requests '/s02/ .* [1-9]')"
  sim_faults || not_ok "the simulator goes on"
}

refused_key() {
  run=$scratch/refused-key
  write_key "$scratch/wrong.key" wrong-key-77
  conf "$run" < <(cloud "URL \"$sim_cloud\"" "ApiKeyFile \"$scratch/wrong.key\"" 'Interval 0.2')
  start_collectd "$run"
  check "a refused key is logged" wait_for 10 grep -q 'cemm plugin: cloud home: list of devices' "$run/log"
  sleep 2
  is "the refused key is logged once, not at every sweep" 1 "$(log_lines 'list of devices')"
  stop_collectd "with a refused key" "$run"
  is "no values" "" "$(find "$run" -path '*/csv/*' -type f)"
}

# One of two devices does not answer for a while.
outage() {
  local before
  run=$scratch/outage
  conf "$run" < <(cloud "URL \"$sim_cloud\"" "ApiKeyFile \"$key_file\"" 'Interval 0.1' 'Timeout 5')
  start_collectd "$run"
  check "both devices have values" wait_for 15 both_have_values
  sim_faults "drop@*$second*" || not_ok "the simulator fails"
  check "a device that fails is logged" wait_for 10 grep -q "cemm plugin: .*$second" "$run/log"
  before=$(lines "$(csv "$first" power-p1-electric_power)")
  check "the other device goes on" wait_for 15 has_lines $((before + 2)) "$first" power-p1-electric_power
  is "one line says that the device fails" 1 "$(log_lines "cemm plugin: .*$second")"
  before=$(lines "$(csv "$second" power-p1-electric_power)")
  sim_faults || not_ok "the simulator goes on"
  check "the device that failed comes back" wait_for 60 has_lines $((before + 2)) "$second" power-p1-electric_power
  is "one more line says that the device is back" 2 "$(log_lines "cemm plugin: .*$second")"
  is "the other device is not mentioned" 0 "$(log_lines "cemm plugin: .*$first")"
  flutter
  before=$(lines "$(csv "$first" power-p1-electric_power)")
  check "nothing is stuck after several short outages" wait_for 15 has_lines $((before + 2)) "$first" power-p1-electric_power
  stop_collectd "after an outage" "$run"
}

# Many short outages interrupt sweeps at different points.
flutter() {
  local i
  for i in {1..10}; do
    sim_faults "drop@*$second*" || not_ok "the simulator fails, $i"
    sleep 0.3
    sim_faults || not_ok "the simulator goes on, $i"
    sleep 0.1
  done
}

both_have_values() {
  has_lines 1 "$first" power-p1-electric_power && has_lines 1 "$second" power-p1-electric_power
}

# If a meter disappears, one line says so, and another line when it is back.
meter_gone() {
  local home='cemm plugin: <Cloud "home">:'
  run=$scratch/gone
  conf "$run" < <(cloud "URL \"$sim_cloud\"" "ApiKeyFile \"$key_file\"" "Device \"$second\"" 'Interval 0.2')
  start_collectd "$run"
  check "a meter is there" wait_for 20 has_lines 1 "$second" power-p1-electric_power
  sim_faults "status=412@*$second/p1/realtime*" || not_ok "the meter is gone"
  check "the disappearance of the meter is logged" wait_for 20 grep -q "$home $second p1: .*no such meter" "$run/log"
  sim_faults || not_ok "the meter is there again"
  check "the return of the meter is logged" wait_for 20 grep -q "$home $second is back" "$run/log"
  stop_collectd "after a meter had disappeared" "$run"
  is "the disappearance and the return of the meter are logged once each" "1 1" "$(log_lines "$home $second p1: ") $(log_lines "$home $second is back")"
}

# collectd needs no other files than those that `meson install` installs.
installed() {
  local root=$scratch/root plugin
  run=$scratch/installed
  check "meson install" env DESTDIR="$root" meson install -C "$build" --no-rebuild
  plugin=$(dirname "$(find "$root" -path '*/lib/collectd/cemm.so' -type f)") # collectd refuses links
  sim_faults
  conf "$run" <<END
<Plugin cemm>
  TimeZone "Europe/Amsterdam"
  <Cloud "home">
    URL "$sim_cloud"
    ApiKeyFile "$key_file"
    Interval 1
  </Cloud>
</Plugin>
END
  LD_LIBRARY_PATH=$(dirname "$(find "$root" -name 'libcemm.so.0' | head -n 1)")
  export LD_LIBRARY_PATH
  start_collectd "$run"
  check "the installed plugin has values" wait_for 20 has_lines 1 "$first" power-p1-electric_power
  check "the installed plugin uses the installed library" grep -q "$root.*/libcemm.so" "/proc/$daemon/maps"
  stop_collectd "as installed" "$run"
  unset LD_LIBRARY_PATH
}

choose_test_option
start_sim --devices 2 --lan 1 --promise 200 --since "$since" --now "$noon" --speed 5 --gas-stamp hour
on_lan[$first]=
mistakes
discovery_mistakes
history_mistakes
is "no refused configuration has sent a request" 0 "$(requests .)"
example
values
restarted
tried
stalled
half_known
outage
meter_gone
refused_key
installed
hasnt "the key is in no log" "$(<"$scratch/all-logs")" "$sim_key"
hasnt "the wrong key is in no log" "$(<"$scratch/all-logs")" "wrong-key-77"
finish
