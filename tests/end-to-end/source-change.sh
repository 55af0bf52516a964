#!/usr/bin/env bash
# source-change.sh BUILD_DIR: a device is read on the LAN and in a cloud that rounds meter readings
# down. The device leaves the LAN in the middle of a stream. The cloud's readings are withheld while
# they are lower than the last printed reading by less than 1; greater steps back are printed.
set -euo pipefail
# shellcheck source=tests/end-to-end/lib.sh
. "$(dirname "$0")/lib.sh"
begin "$@"

cemm=$build/plugin/exec/cemm
sim=$build/tests/simulator/cemm-sim
uid=00-1E-C0-00-00-01
since=2025-01-01
speed=600
config=$scratch/cemm.conf
counters=(t1 t2 t3 t4)

# house STEP: starts two simulators: the cloud, which rounds to STEP, and then the device on the LAN. The
# cloud's clock is a little ahead, so that its values are newer. The cloud lists its devices late,
# because on a busy machine it might otherwise be read before the LAN is known.
house() {
  local now=$(($(date +%s) - 86400)) cloud
  start_sim --devices 1 --meters p1 --since "$since" --now "$now" --speed "$speed" --cloud-round "$1" --fault 'delay=2000@*/v1/cemm/'
  write_config "$config"
  cloud=$sim_log
  start_sim --devices 1 --meters p1 --since "$since" --now "$now" --speed "$speed" --lan 1
  printf '\n[local garage]\naddress = %s\n' "${sim_lan[0]}" >>"$config"
  lan_pid=$sim_pid
  sim_log=$cloud
}

# begin_stream ARGUMENT…: starts `cemm stream` and sets $stream_pid.
begin_stream() {
  : >"$scratch/out" # because it may be read before the background job creates it
  "$cemm" stream --config "$config" --interval 0.1 "$@" p1 >"$scratch/out" 2>"$scratch/err" &
  stream_pid=$!
  started "$stream_pid"
}

lines_more() { # COUNT: waits for COUNT more lines
  local count=$(($(wc -l <"$scratch/out") + $1))
  wait_for 30 has_lines "$count"
}

has_lines() {
  (($(wc -l <"$scratch/out") >= $1))
}

# field NAME: prints "MS VALUE" for each line that has the field.
field() {
  sed -nE "s/^[^ ]* ([^ ]*,)?$1=([^, ]*)[^ ]* ([0-9]*)000000\$/\\3 \\2/p" "$scratch/out"
}

# backwards: prints the steps back in "X VALUE" lines.
backwards() {
  awk 'NR > 1 && $2 + 0 < last + 0 { print last, $0 } { last = $2 }'
}

# last_of_lan: prints the time of the last line with a counter that the cloud would have rounded.
last_of_lan() {
  awk '{ n = split($2, fields, ",")
    for (i = 1; i <= n; i++) if (fields[i] ~ /^t[1-4]=/ && (substr(fields[i], 4) * 4) % 1) last = substr($NF, 1, 13)
  } END { print last }' "$scratch/out"
}

by_lan() {
  [[ -n $(last_of_lan) ]]
}

# Tests small steps back: the LAN's newest readings are less than 1 above the cloud's.
small() {
  local counter left withheld=0 power last
  house 0.25
  begin_stream --format influx
  check 'the device is read on the LAN' wait_for 30 by_lan
  check 'the stream goes on with the LAN' wait_for 30 has_lines 5
  is 'the device is not requested from the cloud' 0 "$(requests "$uid .*p1/realtime")"
  for counter in "${counters[@]}"; do
    is "$counter does not step back on the LAN" '' "$(field "$counter" | backwards)"
  done
  stop "$lan_pid"
  left=$(last_of_lan)
  asks_cloud() { (($(requests "$uid .*p1/realtime.* 200$") >= 1)); }
  check 'the device leaves the LAN, and the cloud is asked' wait_for 30 asks_cloud
  has_passed() { # whether the cloud's reading of one counter is printed; other counters may stand still
    for counter in "${counters[@]}"; do
      if [[ -n $(field "$counter" | awk -v left="$left" '$1 > left') ]]; then return; fi
    done
    return 1
  }
  check 'one counter has passed its last reading on the LAN' wait_for 60 has_passed
  lines_more 5 || true
  stop "$stream_pid"
  is 'the stream ended on SIGTERM' 143 "$stopped"
  left=$(last_of_lan) # again, because the LAN's last answer may have been in transit before
  for counter in "${counters[@]}"; do
    is "$counter does not step back when the cloud takes over" '' "$(field "$counter" | backwards)"
    field "$counter" | awk -v left="$left" '$1 <= left' | tail -n 1 >"$scratch/last"
    field "$counter" | awk -v left="$left" '$1 > left' | sed -n 1p >"$scratch/next"
    read -r _ last <"$scratch/last"
    # If the cloud's first line has power and not this counter, the reading was withheld.
    power=$(field electric_power | awk -v left="$left" '$1 > left' | sed -n 1p | cut -d' ' -f1)
    if ! grep -q "^$power " <(field "$counter"); then withheld=$((withheld + 1)); fi
    if [[ -s $scratch/next ]]; then
      is "$counter is the cloud's reading, once that is higher" 0 \
        "$(awk '{ print ($2 * 4) % 1 }' "$scratch/next")"
    fi
    is "$counter was the LAN's reading before" "$("$sim" --since "$since" --print "$uid" p1 "lan:$counter" "$(cut -d' ' -f1 "$scratch/last")")" "$last"
  done
  check "readings were withheld ($withheld)" test "$withheld" -ge 1
  check 'power is printed while readings are withheld' test "$(field electric_power | awk -v left="$left" '$1 > left' | wc -l)" -ge 5
  is 'one message says that the device left, and there is no other' 1 "$(grep -c . "$scratch/err" || true)"
}

# Tests a great step back, which may mean that the meter was replaced.
great() {
  house 3000
  begin_stream --format influx
  check 'the device is read on the LAN again' wait_for 30 by_lan
  stop "$lan_pid"
  is_clouds() { [[ $(field t1 | tail -n 1 | awk '{ print $2 % 3000 }') == 0 ]]; }
  check 'a greater step back is printed, with the value of the cloud' wait_for 30 is_clouds
  stop "$stream_pid"
  check 'the printed reading is lower' test -n "$(field t1 | backwards)"
}

# prometheus STEP: lets the device leave the LAN while `cemm stream` writes node_exporter's file. The
# file is replaced at each sweep, so its contents are collected.
prometheus() {
  local file=$scratch/cemm.prom
  house "$1"
  rm -f "$file" # of the previous call
  begin_stream --format prometheus --output "$file"
  collect() { # adds the content of the file if it has changed
    cp "$file" "$scratch/now" 2>/dev/null && ! cmp -s "$scratch/now" "$scratch/then" || return 0
    cp "$scratch/now" "$scratch/then"
    grep '^cemm_energy_joules_total' "$scratch/now" | awk '{ print $1, $2 }' >>"$scratch/collected"
    grep '^cemm_up' "$scratch/now" >>"$scratch/up"
  }
  collected() {
    collect
    (($(grep -c . "$scratch/up" 2>/dev/null) >= $1))
  }
  rm -f "$scratch/collected" "$scratch/up" "$scratch/then"
  collected_of_lan() { # whether there are values that the cloud would have rounded
    collected 5 && awk '$2 % 900000 { found = 1 } END { exit !found }' "$scratch/collected"
  }
  wait_for 30 collected_of_lan || not_ok 'prometheus: the file'
  stop "$lan_pid"
  : >"$scratch/up" # a sweep may fail while the device leaves
  wait_for 30 collected 25 || not_ok 'prometheus: it goes on'
  stop "$stream_pid"
}

small
great
prometheus 0.25
is 'prometheus: no counter steps back' '' \
  "$(awk '$2 + 0 < last[$1] + 0 { print } { last[$1] = $2 }' "$scratch/collected" | head -n 4)"
is 'prometheus: all four counters, each time' "$(grep -c . "$scratch/collected")" \
  "$(($(grep -c 'import",tariff="1"' "$scratch/collected") * 4))"
has 'prometheus: the meter is up' "$(tail -n 1 "$scratch/up")" '} 1'
prometheus 3000
check 'prometheus: a greater step back is printed' \
  test -n "$(awk '$2 + 0 < last[$1] + 0 { print } { last[$1] = $2 }' "$scratch/collected")"
finish
