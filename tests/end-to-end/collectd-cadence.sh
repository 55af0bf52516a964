#!/usr/bin/env bash
# Tests meters that measure less often than they are polled, with collectd's rrdtool, write_prometheus
# and threshold plugins. The interval of a value must be the meter's, so that nothing expires between two
# readings and RRDs have no unknown points. The interval is learned before the first value is
# dispatched, and is remembered.
#
#   collectd-cadence.sh BUILD_DIR
#
# There are three devices: "ten" measures every 10 s of real time, "thirty" every 30 s by a clock that
# runs ten times as fast, and the clock of "asleep" is stopped.
# shellcheck disable=SC2317 # functions that check and wait_for call
set -euo pipefail
# shellcheck source=tests/end-to-end/lib.sh
. "$(dirname "$0")/lib.sh"
# shellcheck source=tests/end-to-end/collectd-lib.sh
. "$(dirname "$0")/collectd-lib.sh"
# shellcheck source=tests/end-to-end/servers.sh
. "$(dirname "$0")/servers.sh"
begin "$@"
collectd_begin
needs rrdtool curl

ten=00-1E-C0-00-00-01
thirty=00-1E-C0-00-00-02
asleep=00-1E-C0-00-00-03
power=power-p1-electric_power
since=$(date -u -d '-2 days' +%F)

# device NUMBER OPTION…: starts a device on the LAN; its address is in $sim_lan.
device() {
  start_sim --devices 1 --first "$1" --lan 1 --meters p1,s01 --since "$since" "${@:2}"
}

write_conf() {
  conf "$run" <<END
<Plugin cemm>
  <Local "ten">
    Address "$ten_at"
  </Local>
  <Local "thirty">
    Address "$thirty_at"
  </Local>
  <Local "asleep">
    Address "$asleep_at"
  </Local>
</Plugin>
<Plugin rrdtool>
  DataDir "$run/rrd"
</Plugin>
<Plugin write_prometheus>
  Host "127.0.0.1"
  Port "$exporter_port"
</Plugin>
<Plugin threshold>
  <Plugin "cemm">
    <Type "power">
      WarningMax 1000000
    </Type>
  </Plugin>
</Plugin>
END
  sed -i '/^PluginDir/i LoadPlugin rrdtool\nLoadPlugin write_prometheus\nLoadPlugin threshold' "$run/collectd.conf"
}

# Polls the exporter. Adds a line to $scratch/looks each time: the power of "ten", or "missing".
watch_exporter() {
  while :; do
    curl -s "http://127.0.0.1:$exporter_port/metrics" >"$scratch/metrics" &&
      { grep '^collectd_cemm_power{.*p1-electric_power' "$scratch/metrics" | grep -F "$ten" || echo missing; } >>"$scratch/looks"
    sleep 0.3
  done
}

rrd() { # UID SERIES
  echo "$run/rrd/$host/cemm-$1/$2.rrd"
}

step() {
  rrdtool info "$1" | sed -n 's/^step = //p'
}

# unknown UID SERIES: prints the unknown points of the RRD between the second value that was dispatched
# and the last but one. csv has the values and their times.
unknown() {
  local times
  mapfile -t times < <(awk -F. '/^[0-9]/ { print $1 }' "$(csv "$1" "$2")")
  rrdtool fetch "$(rrd "$1" "$2")" AVERAGE --start "${times[1]}" --end "${times[-2]}" |
    awk -v from="${times[1]}" -v to="${times[-2]}" '/^[0-9]+:/ && $1 + 0 > from && $1 + 0 <= to { n++; if ($2 ~ /nan/) print }
      END { if (n < 3) print "there are only " n " points" }'
}

learned() {
  wait_for 20 has_lines 1 "$asleep" power-s01-electric_power
  asleep_begun=$(now_ms)
  check 'the first value of a pulse meter is not held back' has_lines 1 "$asleep" power-s01-electric_power
  refute 'the first value of another meter is held back' has_lines 1 "$asleep" "$power"
  check 'a meter of 10 s has values' wait_for 70 has_lines 6 "$ten" "$power"
  check 'a meter of 30 s has values' wait_for 30 has_lines 6 "$thirty" "$power"
  is 'an RRD has the step of its meter: 10 s' 10 "$(step "$(rrd "$ten" "$power")")"
  is 'an RRD has the step of its meter: 30 s' 30 "$(step "$(rrd "$thirty" "$power")")"
  is 'the RRD of readings from totals has the step of its meter: 30 s' 30 "$(step "$(rrd "$thirty" energy_wh-p1-electric_energy)")"
  is 'the step of a pulse meter is the poll interval' 1 "$(step "$(rrd "$asleep" power-s01-electric_power)")"
  is 'write_prometheus shows power all the time' 0 "$(sed '1,/^collectd/d' "$scratch/looks" | grep -c missing)"
  check 'write_prometheus was polled' test "$(grep -c '^collectd' "$scratch/looks")" -gt 20
  is 'the threshold plugin misses nothing' '' "$(grep 'has not been updated' "$run/log" | grep -F "$power")"
}

# The value of the meter of "asleep" is held back for two minutes, then dispatched.
given_in_the_end() {
  check 'the value of a meter that is asleep is held back for two minutes at most' wait_for 130 has_lines 1 "$asleep" "$power"
  check 'the value of a meter that is asleep is held back for almost two minutes' test $(($(now_ms) - asleep_begun)) -gt 110000
}

points() {
  is 'the RRD of a meter of 10 s has no unknown points' '' "$(unknown "$ten" "$power")"
  is 'the RRD of a meter of 30 s has no unknown points' '' "$(unknown "$thirty" "$power")"
  is 'each value is dispatched once, the first ones included' '' "$(sort "$(csv "$thirty" "$power")" | uniq -d)"
}

# The clock of "thirty" is stopped, so there is one more value and no second value from which the
# interval could be learned.
remembered() {
  check 'the interval is in the state file' grep -qP "\t$thirty\tp1\telectric_power\t(.* )?/30\$" "$run/cemm.state"
  stop "$thirty_sim"
  rm -r "$run/rrd" "$run/csv"
  device 2 --lan-port "${thirty_at#*:}" --speed 0
  start_collectd "$run"
  check 'after a restart, the first value is not held back' wait_at_most 100 has_lines 1 "$thirty" "$power"
  check 'after a restart, rrdtool has written the first value' wait_for 10 test -e "$(rrd "$thirty" "$power")"
  is 'a new RRD has the step of the meter' 30 "$(step "$(rrd "$thirty" "$power")")"
  stop_collectd 'after a restart' "$run"
}

free_ports 1
exporter_port=${ports[0]}
run=$scratch/cadence
device 1
ten_at=${sim_lan[0]}
device 2 --speed 10 --read-every 30 --now "$(($(date +%s) - 36000))"
thirty_at=${sim_lan[0]} thirty_sim=$sim_pid
device 3 --speed 0
asleep_at=${sim_lan[0]}
write_conf
watch_exporter &
started $!
start_collectd "$run"
learned
given_in_the_end
stop_collectd 'while it learns' "$run"
points
remembered
finish
