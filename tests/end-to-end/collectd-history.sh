#!/usr/bin/env bash
# Tests backfill in a real collectd: minutes that were missed while collectd or the device was down
# reach only the named writers, once, oldest first, with their own times.
#
#   collectd-history.sh BUILD_DIR
#
# Time is not simulated, because collectd uses the real time. Downtime is simulated by removing its
# minutes from the state file. The oracle is `cemm-sim --print`.
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
since=$(date -u -d '-3 days' +%F)
meters=p1,p1-gas,s01,pulse-1

# history_conf DIRECTORY WINDOW [LINE…]: writes a collectd.conf with one account, with Backfill for csv,
# and with these lines after the <Plugin cemm> block.
history_conf() {
  local dir=$1 window=$2
  shift 2
  conf "$dir" <<END
<Plugin cemm>
  TimeZone "Europe/Amsterdam"
  <Cloud "home">
    URL "$sim_cloud"
    ApiKeyFile "$key_file"
    Interval 1
  </Cloud>
  <Local garage>
    Address "${sim_lan[0]}"
    Interval 1
  </Local>
  <Backfill>
    ${writers:-Writer csv}
    Window $window
  </Backfill>
</Plugin>
$(printf '%s\n' "$@")
END
}

# ---- the values -------------------------------------------------------------

# values UID SERIES: prints "TIME VALUE" lines in the order in which they were written. TIME is in
# seconds.
values() {
  local file
  file=$(csv "$1" "$2")
  [[ -z $file ]] || awk -F, '!/^epoch/ { printf "%d %s\n", $1, $2 }' "$file"
}

# covered UID SERIES FROM UNTIL: whether each minute from FROM to UNTIL (seconds) has a value.
covered() {
  values "$1" "$2" | awk -v from="$3" -v until="$4" '
    { seen[int($1 / 60)] = 1 }
    END { for (m = int((from + 59) / 60); m < int(until / 60); m++) if (!(m in seen)) exit 1 }'
}

# once UID SERIES: prints each value that is in the wrong place or is repeated. A value is live (of now) or old (sent by
# backfill). The first value must be live. Each kind must be in order of time, no value may be there
# twice, and no minute may have both kinds.
once() {
  values "$1" "$2" | awk '
    NR == 1 { live = old = first = $1; minute[int($1 / 60)] = "live"; next }
    $1 == live || $1 == old { print "twice: " $1; next }
    $1 > live { live = $1; if (minute[int($1 / 60)] == "old") print "old before live: " $1; minute[int($1 / 60)] = "live"; next }
    { if (old != first && $1 < old) print "out of order: " $1 " after " old
      if (int($1 / 60) in minute) print "minute written twice: " $1
      if ($1 % 60) print "not the time of a minute: " $1
      minute[int($1 / 60)] = "old"; old = $1 }'
}

# right UID SERIES ALIAS CHANNEL: compares every seventh old value of the series with the oracle, and
# prints the values that are wrong.
right() {
  local time value wanted begun
  begun=$(values "$1" "$2" | sed -n 1p | cut -d' ' -f1)
  values "$1" "$2" | awk -v begun="$begun" '$1 < begun' | sed -n '1~7p' | while read -r time value; do
    wanted=$("$sim" ${zone:+--zone "$zone"} --since "$since" --meters "$meters" --print "$1" "$3" "${on_lan[$1]+lan:}day:$4" "$((time * 1000))" | awk '{ printf "%.6f", $1 }')
    [[ $value == "$wanted" ]] || echo "at $time: $value, not $wanted"
  done
}

# complete WHAT FROM UNTIL: checks that no minute is missing in the series that have backfill. If FROM
# is "gap", each series is checked from the minute until which it was sent, according to the state file
# that `forget` has written.
complete() {
  local what=$1 series uid alias from
  while read -r uid series; do
    from=$2 alias=${series#*-}
    [[ $from != gap ]] || from=$(state_until "$uid" "${alias%-*}" "${series##*-}" "$scratch/state")
    check "$what: $uid $series: no minute is missing" wait_for 60 covered "$uid" "$series" "$from" "$3"
    is "$what: $uid $series: each value once, oldest first, after the first live value" "" "$(once "$uid" "$series")"
  done <<END
$first power-p1-electric_power
$first power-s01-electric_power
$first flow-pulse-1-flow
$second power-p1-electric_power
$second power-s01-electric_power
END
}

# ---- without a state file ------------------------------------------------------

fresh() {
  local begun
  run=$scratch/fresh
  history_conf "$run" 3600
  begun=$(date +%s)
  start_collectd "$run"
  complete "no state file" $((begun - 3540)) $((begun - 60))
  is "values are right" "" "$(right "$first" power-p1-electric_power p1 electric_power)"
  is "values of another meter are right" "" "$(right "$first" power-s01-electric_power s01 electric_power)"
  is "values of flow are right" "" "$(right "$first" flow-pulse-1-flow pulse-1 flow)"
  is "nothing is older than the window" "" "$(values "$first" power-p1-electric_power | awk -v oldest=$((begun - 3600)) '$1 < oldest')"
  is "counters have no history" "" "$(values "$first" energy_wh-p1-t1 | awk -v begun=$((begun - 60)) '$1 < begun')"
  is "a message says that there was no state file" 1 "$(log_lines "there is no state file $run/cemm.state yet")"
  rm "$run/cemm.state"
  check "a state file that is removed is written again" wait_for 30 test -s "$run/cemm.state"
  is "the new state file has everything that the old one had" "$(values "$first" power-p1-electric_power | sort -n | sed -n 1p | cut -d' ' -f1)" \
    "$(state_from "$first" p1 electric_power)"
  stop_collectd "after backfill" "$run"
  check "minutes of live values count as sent, too" test "$(state_until "$first" p1 electric_power)" -ge $((begun - 30))
}

# ---- with a state file ------------------------------------------------------------------

# forget MINUTES: changes the state file as if collectd had been down for MINUTES before the newest
# minute that was sent.
forget() {
  awk -F'\t' -v OFS='\t' -v minutes="$1" '
    $1 == "csv" {
      n = split($5, stretches, " "); split(stretches[n], part, "+")
      end = part[1] + 60 * (part[2] - minutes); $5 = ""
      for (i = 1; i <= n; i++) {
        split(stretches[i], part, "+")
        if (part[1] >= end) break
        count = (end - part[1]) / 60
        $5 = $5 (i > 1 ? " " : "") part[1] "+" (count < part[2] ? count : part[2])
      }
    }
    { print }' "$run/cemm.state" >"$scratch/state"
  cp "$scratch/state" "$run/cemm.state"
}

# state_until UID ALIAS CHANNEL [FILE]: prints the end of what was sent according to the state file, in
# seconds.
state_until() {
  awk -F'\t' -v uid="$1" -v alias="$2" -v channel="$3" '
    $1 == "csv" && $2 == uid && $3 == alias && $4 == channel {
      n = split($5, stretches, " "); split(stretches[n], part, "+"); print part[1] + 60 * part[2] }' "${4-$run/cemm.state}"
}

# state_from: does the same for the beginning of what was sent.
state_from() {
  awk -F'\t' -v uid="$1" -v alias="$2" -v channel="$3" '
    $1 == "csv" && $2 == uid && $3 == alias && $4 == channel { print $5 + 0; exit }' "$run/cemm.state"
}

offline() {
  local begun gap
  rm -rf "$run/csv"
  forget 30
  gap=$(state_until "$first" p1 electric_power)
  begun=$(date +%s)
  start_collectd "$run"
  complete "collectd was down" gap $((begun - 60)) # each series has its own gap
  is "only what was missing is sent" "" "$(values "$first" power-p1-electric_power | awk -v gap="$gap" '$1 < gap')"
  is "values are right" "" "$(right "$first" power-p1-electric_power p1 electric_power)"
  stop_collectd "after half an hour's backfill" "$run"
}

# The window is widened between two runs: values that were sent in the narrower window are not sent
# again.
widened() {
  local begun
  rm -rf "$run/csv"
  sed -i 's/Window 3600/Window 7200/' "$run/collectd.conf"
  begun=$(date +%s)
  start_collectd "$run"
  check "a wider window is filled" wait_for 30 covered "$first" power-p1-electric_power $((begun - 7140)) $((begun - 3700))
  is "what was sent in the narrower window is not sent again" "" "$(values "$first" power-p1-electric_power |
    awk -v from=$((begun - 3500)) -v until=$((begun - 300)) '$1 > from && $1 < until')"
  stop_collectd "with a wider window" "$run"
}

# After the state file was lost, the whole window is sent again.
lost() {
  local begun
  rm -rf "$run/csv" "$run/cemm.state"
  sed -i 's/Window 7200/Window 600/' "$run/collectd.conf"
  begun=$(date +%s)
  start_collectd "$run"
  complete "lost state file" $((begun - 540)) $((begun - 60))
  stop_collectd "with a lost state file" "$run"
}

damaged() {
  local begun
  rm -rf "$run/csv"
  printf 'cemm minutes 2\n\0\0\0\0\n' >"$run/cemm.state"
  begun=$(date +%s)
  start_collectd "$run"
  complete "damaged state file" $((begun - 540)) $((begun - 60))
  is "one line says that it is damaged" 1 "$(log_lines 'cemm.state is damaged')"
  stop_collectd "with a damaged state file" "$run"
}

# ---- kill -9 --------------------------------------------------------------------

# old_lines COUNT: whether COUNT old values have been written.
old_lines() {
  (($(values "$first" power-p1-electric_power | awk -v limit="$begun" '$1 < limit - 120' | wc -l) >= $1))
}

# collectd is killed three times while it sends the minutes of two days. A value that the writer has
# got before the kill and that is not yet in the state file is sent twice. This is rare, and concerns
# at most one value for each kill.
killed() {
  local begun last round uid series doubles=0
  run=$scratch/killed
  history_conf "$run" 172800
  begun=$(date +%s)
  for round in 1 2 3; do
    start_collectd "$run"
    check "backfill sends values, round $round" wait_for 150 old_lines $((round * 250))
    kill -KILL "$daemon"
    wait "$daemon" 2>/dev/null || true
    refute "killed before the end, round $round" old_lines 2800
  done
  last=$(date +%s) # the window of a series without values ends here, not at $begun
  start_collectd "$run"
  while read -r uid series; do
    check "after kill -9: $uid $series: no minute is missing" wait_for 120 covered "$uid" "$series" $((last - 172680)) $((begun - 60))
    doubles=$((doubles + $(values "$uid" "$series" | awk '$1 % 60 == 0 && seen[$1]++' | wc -l)))
  done <<END
$first power-p1-electric_power
$first power-s01-electric_power
$first flow-pulse-1-flow
$second power-p1-electric_power
END
  if ((doubles <= 3)); then ok "after three kills, $doubles values were written twice"; else not_ok "written twice" "$doubles values"; fi
  is "values are right after kill -9" "" "$(right "$first" power-p1-electric_power p1 electric_power)"
  stop_collectd "after kill -9" "$run"
}

# ---- writers ----------------------------------------------------------------------

# An unknown writer is logged once and delays no other writer. collectd still stops quickly.
unknown_writer() {
  local begun
  run=$scratch/unknown
  writers=$'Writer "write_graphite/nowhere"\nWriter "csv"' history_conf "$run" 7200
  begun=$(date +%s)
  start_collectd "$run"
  check "the other writer gets everything" wait_for 60 covered "$first" power-p1-electric_power $((begun - 7140)) $((begun - 60))
  check "an unknown writer is logged" wait_for 10 grep -q 'there is no writer "write_graphite/nowhere"' "$run/log"
  sleep 3
  is "the unknown writer is logged once" 1 "$(log_lines 'there is no writer')"
  stop_collectd "with an unknown writer" "$run"
  hasnt "nothing is recorded as sent to it" "$(grep -P '^write_graphite/nowhere\t' "$run/cemm.state" | head -n 1 | cut -f5 | sed 's/+.*//')" "$((begun / 60 * 60 - 7200))"
}

stopped_in_the_middle() {
  local begun
  run=$scratch/middle
  history_conf "$run" 172800
  begun=$(date +%s)
  start_collectd "$run"
  check "backfill sends values" wait_for 150 old_lines 100
  stop_collectd "in the middle of backfill" "$run"
  refute "backfill was not finished" old_lines 2800
}

# If no state file can be written, that is logged once, and everything else works.
unwritable() {
  local begun
  run=$scratch/unwritable
  history_conf "$run" 600
  sed -i "s|<Backfill>|StateFile \"$scratch/none/cemm.state\"\n<Backfill>|" "$run/collectd.conf"
  begun=$(date +%s)
  start_collectd "$run"
  check "backfill without a state file that can be written" wait_for 30 covered "$first" power-p1-electric_power $((begun - 540)) $((begun - 60))
  is "one line says that the state file can't be written" 1 "$(log_lines 'none/cemm.state can.t be written')"
  stop_collectd "without a directory for the state file" "$run"
}

# ---- no live values ---------------------------------------------------------------

# asked COUNT: whether the realtime of s01 was requested COUNT times.
asked() {
  (($(requests ' GET [^ ]*/s01/realtime') >= $1))
}

# After a restart, a device repeats values that it sent before. They are not dispatched, so collectd
# has no live value of the series, and old values wait until there is one.
not_live() {
  local begun gap ports
  run=$scratch/not-live
  start_sim --devices 1 --lan 1 --since "$since" --meters s01
  ports=(--cloud-port "$(sed -E 's|.*:([0-9]+)/.*|\1|' <<<"$sim_cloud")" --lan-port "${sim_lan[0]#*:}")
  history_conf "$run" 3600
  begun=$(date +%s)
  start_collectd "$run"
  check "first, the window is filled" wait_for 60 covered "$first" power-s01-electric_power $((begun - 3540)) $((begun - 60))
  stop_collectd "before its meter stops" "$run"
  stop "$sim_pid"
  forget 30
  gap=$(state_until "$first" s01 electric_power)
  rm -rf "$run/csv"
  start_sim --devices 1 --lan 1 --since "$since" --meters s01 "${ports[@]}" --now "$begun" --speed 0.001
  start_collectd "$run"
  check "the meter is read while its clock stands still" wait_for 30 asked 8
  is "no old value comes before a live one" "" "$(values "$first" power-s01-electric_power)"
  stop "$sim_pid"
  start_sim --devices 1 --lan 1 --since "$since" --meters s01 "${ports[@]}"
  check "the old values are sent when the clock runs again" wait_for 90 covered "$first" power-s01-electric_power "$gap" $((begun - 60))
  is "the old values come after the first live value, each once" "" "$(once "$first" power-s01-electric_power)"
  stop_collectd "after its meter stopped" "$run"
}

# ---- a day of 25 hours -------------------------------------------------------------

# In this zone the clocks went back at three yesterday, whatever the date is.
clock_change() {
  local begun day month zone
  day=$(date -u -d yesterday +%-d)
  month=$(date -u -d yesterday +%-m)
  zone="CET-1CEST,M$(((month + 5) % 12 + 1)).1.0/2,M$month.$(((day - 1) / 7 + 1)).$(date -u -d yesterday +%w)/3"
  run=$scratch/clock
  start_sim --devices 1 --zone "$zone" --since "$since" --meters s01
  unset "on_lan[$first]"
  is "yesterday has 25 hours" 1500 "$(cloud_get "cemm/$first/s01/data/day/" "time=$(date -u -d 'yesterday 12:00' +%s)" | jq '.data.electric_power | length')"
  conf "$run" <<END
<Plugin cemm>
  TimeZone "$zone"
  <Cloud "home">
    URL "$sim_cloud"
    ApiKeyFile "$key_file"
    Interval 1
  </Cloud>
  <Backfill>
    Writer csv
    Window 172800
  </Backfill>
</Plugin>
END
  begun=$(date +%s)
  start_collectd "$run"
  check "two days with a clock change: no minute is missing" \
    wait_for 150 covered "$first" power-s01-electric_power $((begun - 172740)) $((begun - 60))
  is "two days with a clock change: each value once, oldest first" "" "$(once "$first" power-s01-electric_power)"
  is "values are right" "" "$(right "$first" power-s01-electric_power s01 electric_power)"
  stop_collectd "after a clock change" "$run"
}

# ---- real outages ----------------------------------------------------------------------

# The device, collectd, or both are down for some minutes. This takes a quarter of an hour.
outages() {
  local begun ends
  run=$scratch/outages
  history_conf "$run" 3600
  begun=$(date +%s)
  start_collectd "$run"
  complete "before the outages" $((begun - 3540)) $((begun - 60))
  devices_gone
  sleep 200
  sim_faults || not_ok "the devices are back"
  ends=$(date +%s)
  check "the devices are read again" wait_for 330 lived_after "$ends"
  sleep 130 # because minutes that have just ended do not count as missing
  complete "the devices were down" $((begun - 3540)) $((ends - 60))
  stop_collectd "for its own outage" "$run"
  sleep 200
  start_collectd "$run"
  ends=$(date +%s)
  check "collectd is back" wait_for 60 lived_after "$ends"
  complete "collectd was down" $((begun - 3540)) $((ends - 60))
  stop_collectd "for an outage of both" "$run"
  devices_gone
  sleep 100
  start_collectd "$run"
  sleep 60
  sim_faults || not_ok "the devices are back again"
  ends=$(date +%s)
  check "both are back" wait_for 330 lived_after "$ends"
  sleep 130
  complete "both were down" $((begun - 3540)) $((ends - 60))
  stop_collectd "after all that" "$run"
}

devices_gone() {
  sim_faults 'drop@cloud:*/cemm/*' 'drop@lan:*' || not_ok "the devices are gone"
}

# lived_after MOMENT: whether the main meter of each device has a value that is newer than MOMENT.
lived_after() {
  local uid
  for uid in "$first" "$second"; do
    values "$uid" power-p1-electric_power | awk -v after="$1" '$1 > after { found = 1 } END { exit !found }' || return 1
  done
}

start_sim --devices 2 --lan 1 --promise 200 --since "$since" --meters "$meters"
on_lan[$first]=
if [[ -n ${CEMM_E2E_LONG-} ]]; then
  outages
  finish
fi
fresh
offline
widened
lost
damaged
killed
unknown_writer
stopped_in_the_middle
unwritable
clock_change
not_live
is "the writer never saw an old value through the queue" 0 "$(cat "$scratch"/*/log | grep -ci 'too old' || true)"
hasnt "the key is in no log" "$(<"$scratch/all-logs")" "$sim_key"
hasnt "the key is in no state file" "$(cat "$scratch"/*/cemm.state)" "$sim_key"
finish
