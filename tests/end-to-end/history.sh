#!/usr/bin/env bash
# history.sh BUILD_DIR: tests `cemm history` with the simulator, whose data is a function of time, so
# every row can be compared with the expected one. No row may be missing.
set -euo pipefail
# shellcheck source=tests/end-to-end/lib.sh
. "$(dirname "$0")/lib.sh"
begin "$@"

cemm=$build/plugin/exec/cemm
sim=$build/tests/simulator/cemm-sim
one=00-1E-C0-00-00-01
two=00-1E-C0-00-00-02
since=2025-01-01
config=$scratch/cemm.conf
all_output=$scratch/all_output
: >"$all_output"
export TZ=Europe/Amsterdam # for the command date; cemm has its own setting

# history_exits WHAT CODE [ARGUMENT…]: as `exits`, for `cemm history` with the configuration $config.
history_exits() {
  local what=$1 code=$2
  shift 2
  exits "$what" "$code" "$cemm" history --config "$config" "$@"
  cat "$scratch/stderr" >>"$all_output"
}

forget() {
  rm -rf "$config.archive"
}

# rows UID ALIAS CHANNEL: prints "MS VALUE" for the influx lines on stdin.
rows() {
  awk -v meter="uid=$1,alias=$2" -v channel="$3" '
    index($1, "cemm," meter) == 1 && substr($1, length("cemm," meter) + 1) ~ /^(,period=[a-z]+)?$/ {
      count = split($2, fields, ",")
      for (i = 1; i <= count; i++)
        if (index(fields[i], channel "=") == 1)
          print substr($3, 1, length($3) - 6), substr(fields[i], length(channel) + 2)
    }'
}

# grid FIRST LAST SECONDS: prints the times of rows from local day FIRST to LAST, in milliseconds, for
# rows at an interval of SECONDS.
grid() {
  seq "$(date -d "$1" +%s)" "$3" $(($(date -d "$2" +%s) - 1)) | sed 's/$/000/'
}

# wanted SPAN UID ALIAS CHANNEL: prints the expected "MS VALUE" for the times on stdin.
wanted() {
  local times
  mapfile -t times
  paste -d ' ' <(printf '%s\n' "${times[@]}") \
    <("$sim" --since "$since" --zone Europe/Amsterdam --print "$2" "$3" "$1:$4" "${times[@]}")
}

# is_file WHAT WANTED GOT: ok if two files are the same.
is_file() {
  local differences
  if differences=$(diff "$2" "$3" 2>&1); then ok "$1"; else not_ok "$1" "$differences"; fi
}

# Reads three days, one of which has 25 hours. One device answers later than the other.
days() {
  local uid
  sim_faults "delay=150@*$two/*"
  history_exits 'three days' 0 --from 2025-10-25 --to 2025-10-27
  sim_faults
  cp "$scratch/stdout" "$scratch/days.influx"
  is 'three days: there is no message' '' "$err"
  for uid in "$one" "$two"; do
    grid 2025-10-25 2025-10-28 60 | wanted day "$uid" p1 electric_power >"$scratch/wanted"
    is "$uid: 73 hours" 4380 "$(wc -l <"$scratch/wanted")"
    rows "$uid" p1 electric_power <"$scratch/days.influx" >"$scratch/got"
    is_file "$uid p1: each minute, once, in order" "$scratch/wanted" "$scratch/got"
    grid 2025-10-25 2025-10-28 60 | wanted day "$uid" s01 electric_power >"$scratch/wanted"
    rows "$uid" s01 electric_power <"$scratch/days.influx" >"$scratch/got"
    is_file "$uid s01: each minute, once, in order" "$scratch/wanted" "$scratch/got"
    grid 2025-10-25 2025-10-28 3600 | wanted day "$uid" p1-gas gas >"$scratch/wanted"
    rows "$uid" p1-gas gas <"$scratch/days.influx" | grep -v '99[0-9][0-9][0-9] 0$' |
      awk '$1 % 3600000 == 0' >"$scratch/got"
    is_file "$uid p1-gas: each hour" "$scratch/wanted" "$scratch/got"
  done
  check 'oldest first, across all meters' sort -c -n <(awk '{ print $NF }' "$scratch/days.influx")
  is 'influx: gas has the tag period=day' '' "$(grep ' gas=' "$scratch/days.influx" | grep -v ,period=day || true)"
  is 'influx: power has no tag period' '' "$(grep electric_power= "$scratch/days.influx" | grep ,period= || true)"

  : >"$sim_log"
  history_exits 'the same days again' 0 --from 2025-10-25 --to 2025-10-27
  is_file 'the same days again: the output is the same' "$scratch/days.influx" "$scratch/stdout"
  is 'the same days again: no request for data' 0 "$(requests /data/)"
}

spans() {
  history_exits 'months' 0 --from 2025-03-01 --to 2025-04-10 --period month --format influx "$one/s01" "$one/p1-gas"
  cp "$scratch/stdout" "$scratch/months.influx"
  local day
  for day in $(seq 0 60); do
    echo "$(date -d "2025-03-01 +$day days" +%s)000"
  done >"$scratch/days"
  wanted month "$one" s01 electric_energy_high <"$scratch/days" >"$scratch/wanted"
  rows "$one" s01 electric_energy_high <"$scratch/months.influx" >"$scratch/got"
  is_file 'two whole months: each day' "$scratch/wanted" "$scratch/got"
  wanted month "$one" p1-gas gas <"$scratch/days" >"$scratch/wanted"
  rows "$one" p1-gas gas <"$scratch/months.influx" >"$scratch/got"
  is_file 'two whole months: each day of gas' "$scratch/wanted" "$scratch/got"
  is 'months: each row has the tag period=month' '' "$(grep -v ,period=month "$scratch/months.influx" || true)"

  history_exits 'a year' 0 --from 2025-05-05 --to 2025-06-06 --period=year --format influx "$two/p1"
  for day in 01 02 03 04 05 06 07 08 09 10 11 12; do
    echo "$(date -d "2025-$day-01" +%s)000"
  done | wanted year "$two" p1 electric_energy_low >"$scratch/wanted"
  rows "$two" p1 electric_energy_low <"$scratch/stdout" >"$scratch/got"
  is_file 'a year: its twelve months' "$scratch/wanted" "$scratch/got"

  history_exits 'up to today' 0 --from "$(date -d yesterday +%F)" "$one/s01"
  check 'up to today: the newest row is not in the future' test "$(tail -n 1 <<<"$out" | awk '{ print substr($NF, 1, 10) }')" -le "$(date +%s)"
  check 'up to today: the newest row is at most five minutes old' test "$(tail -n 1 <<<"$out" | awk '{ print substr($NF, 1, 10) }')" -ge $(($(date +%s) - 300))
}

formats() {
  local range=(--from 2025-10-26 --to 2025-10-27)
  history_exits 'influx' 0 "${range[@]}" "$one"
  cp "$scratch/stdout" "$scratch/influx"
  history_exits 'csv' 0 "${range[@]}" --format csv "$one"
  is 'csv: a header, once' 'uid,alias,channel,value,unit,time,type 1' \
    "$(head -n 1 <<<"$out") $(grep -c ^uid, <<<"$out")"
  tail -n +2 "$scratch/stdout" | awk -F, '{ print $2, $3, $4 }' >"$scratch/csv"
  sed -E 's/^cemm,uid=[^,]*,alias=([^ ,]*)(,period=day)? ([a-z_]*)=([^ ]*) .*/\1 \3 \4/' "$scratch/influx" >"$scratch/wanted"
  is_file 'csv: the same values in the same order' "$scratch/wanted" "$scratch/csv"
  is 'csv: the repeated hour' '02:30:00+02:00 02:30:00+01:00' \
    "$(grep -oE '2025-10-26T02:30:00.*' <<<"$out" | cut -c12- | cut -d, -f1 | uniq | paste -sd ' ')"
  history_exits 'json' 0 "${range[@]}" --format json "$one"
  jq -r '.[] | "\(.alias) \(.channel)"' "$scratch/stdout" >"$scratch/json"
  cut -d' ' -f1,2 "$scratch/wanted" >"$scratch/names"
  is_file 'json: one array, the same rows' "$scratch/names" "$scratch/json"
  grep -o '"value": [^,]*' "$scratch/stdout" | cut -d' ' -f2 >"$scratch/json"
  cut -d' ' -f3 "$scratch/wanted" >"$scratch/values"
  is_file 'json: the values as the API writes them' "$scratch/values" "$scratch/json"
  history_exits 'table' 0 "${range[@]}" --format table "$one"
  is 'table: titles, once' 1 "$(grep -c '^TIME' <<<"$out")"
  is 'table: all rows' "$(($(wc -l <"$scratch/influx") + 1))" "$(wc -l <<<"$out")"
  is 'table: columns do not move' 1 "$(awk '{ print index($0, "00-1E") }' <<<"${out#*$'\n'}" | sort -u | wc -l)"
  COLLECTD_HOSTNAME=house history_exits 'putval' 0 "${range[@]}" --format putval "$one"
  is 'putval: a line for each sample' "$(wc -l <"$scratch/influx")" "$(wc -l <<<"$out")"
  is 'putval: amounts of gas have another name than meter readings' "gauge-p1-gas-gas-day power-p1-electric_power power-s01-electric_power" \
    "$(grep -oE '/[a-z0-9_-]*"' <<<"$out" | tr -d '/"' | sort -u | paste -sd ' ')"
}

# Even if our clock is ahead, today and the current year are not archived, because they have not closed
# by the meters' clock.
clock_ahead() {
  local today past later span
  local -x ASAN_OPTIONS=${ASAN_OPTIONS:+$ASAN_OPTIONS:}verify_asan_link_order=0
  today=$(date +%F)
  past=$(date -d '-9 days' +%F)
  forget
  for later in +3d +400d; do
    for span in day year; do
      exits "$later, a $span" 0 faketime -f "$later" "$cemm" history --config "$config" --from "$today" --to "$today" --period "$span" "$one/s01"
    done
    exits "$later, a day that has closed" 0 faketime -f "$later" "$cemm" history --config "$config" --from "$past" --to "$past" "$one/s01"
  done
  is 'a clock that is ahead archives closed periods, not the current ones' "$past.json" \
    "$(find "$config.archive" -name '*.json' -printf '%f\n')"
}

# Tests what is printed if there is no data or some of it is missing, and if requests fail.
failures() {
  history_exits 'before the first day' 1 --from 2024-12-01 --to 2024-12-31 "$one/p1"
  has 'the message says that there is no data' "$err" 'E! cemm: there is no data for these dates'
  # A wrong time zone, too, may be the reason why there is no data. So the message has the time in the
  # configured zone.
  sed 's|^time-zone = .*|time-zone = Asia/Tokyo|' "$config" >"$scratch/tokyo.conf"
  exits 'in a wrong zone' 1 "$cemm" history --config "$scratch/tokyo.conf" --from 2024-12-01 --to 2024-12-31 "$one/p1"
  has 'the message says that the zone may be wrong' "$(grep 'E! cemm: there is no data' <<<"$err")" 'the time zone is probably not the meter'
  check 'the message has the time in the configured zone' grep -qE "E! cemm: there is no data.* it is now $(TZ=Asia/Tokyo date +%F)T[0-9:]+\\+09:00 in the configured zone" <<<"$err"
  sed 's|^time-zone = .*|time-zone = Pacific/Pago_Pago|' "$config" >"$scratch/pago.conf"
  exits 'today, in a zone where it is still yesterday' 2 "$cemm" history --config "$scratch/pago.conf" --from "$(date -d '+14 hours' +%F)"
  check 'the message about the future has the time in the configured zone' grep -qE 'E! cemm: these dates are in the future.*-11:00 in the configured zone' <<<"$err"
  history_exits 'a range that begins before the first day' 0 --from 2024-12-30 --to 2025-01-02 "$one/p1"
  is 'two days are printed' 2880 "$(wc -l <<<"$out")"
  history_exits 'a meter that does not exist' 1 --from 2025-05-05 --to 2025-05-05 s02 "$one/p1"
  is 'the other METER is printed' 1440 "$(wc -l <<<"$out")"
  has 'the message names the meter that does not exist' "$err" 'E! cemm: s02: '

  forget
  sim_faults "status=502@*$two/s01/data*"
  history_exits 'a meter that fails' 1 --from 2025-05-05 --to 2025-05-14 s01
  is 'the meter of the other device is printed' 14400 "$(wc -l <<<"$out")"
  is 'a failed meter is reported once for all its days' 1 "$(grep -c '^E!' <<<"$err")"
  has 'the report of a failed meter names the days' "$err" "E! cemm: $two/s01 2025-05-05 to 2025-05-14: "
  sim_faults
  history_exits 'the meter works again' 0 --from 2025-05-05 --to 2025-05-14 s01
  is 'both meters are printed' 28800 "$(wc -l <<<"$out")"

  # The answers of one device are longer than their Content-Length, and the remaining bytes are sent
  # on the connection that all devices share.
  forget
  sed 's/^\[cloud home\]/&\nmax-connections = 1/' "$config" >"$scratch/narrow.conf"
  sim_faults "length-short@*$two/s01/data*"
  exits 'a meter with a wrong length' 1 "$cemm" history --config "$scratch/narrow.conf" --from 2025-05-05 --to 2025-05-14 s01
  is 'a wrong length does not damage the answers of the other meter' 14400 "$(wc -l <<<"$out")"
  hasnt 'no message names the other meter' "$err" "$one"
  sim_faults

  # If the source is down for some seconds in the middle, no day is lost.
  sed 's/^\[cloud home\]/&\ntimeout = 2/' "$config" >"$scratch/hasty.conf"
  sim_faults 'stall@*/data/*'
  : >"$scratch/stderr"
  "$cemm" history --config "$scratch/hasty.conf" --from 2025-06-01 --to 2025-06-20 "$one/s01" \
    >"$scratch/outage" 2>"$scratch/stderr" &
  local pid=$! status
  started "$pid"
  check 'an outage is reported' wait_for 20 grep -q '^W! ' "$scratch/stderr"
  sim_faults
  check 'cemm goes on after the outage, and ends' wait_for 30 gone_or_zombie "$pid"
  stop "$pid"
  is 'all rows are printed in spite of the outage' "0 28800" "$stopped $(wc -l <"$scratch/outage")"

  # One device is down. Its requests can't be repeated yet, because the requests to the other device occupy
  # all connections.
  sed -i 's/^timeout = 2/&\nmax-connections = 2/' "$scratch/hasty.conf"
  sim_faults "stall@*$one/s01/data*" "delay=1800@*$two/s01/data*"
  status=0
  { TIMEFORMAT='%U %S' && time timeout 9 "$cemm" history --config "$scratch/hasty.conf" --from 2025-07-01 --to 2025-07-20 s01 >"$scratch/outage" 2>&1 || status=$?; } 2>"$scratch/cpu"
  sim_faults
  is 'a history that waits for a connection is still under way after 9 s' 124 "$status"
  check "a wait for a connection takes no CPU ($(<"$scratch/cpu") s)" awk '{ exit $1 + $2 > 0.6 }' "$scratch/cpu"
}

# `cemm history` is stopped in the middle and run again.
interrupted() {
  local name pid status fetched range=(--from 2025-02-01 --to 2025-04-30 "$one/p1")
  history_exits '89 days' 0 "${range[@]}"
  cp "$scratch/stdout" "$scratch/whole"
  forget
  for name in INT TERM; do
    # Each day takes a while, and cemm is stopped after some days.
    sim_faults 'delay=2000@*/data/*'
    : >"$scratch/part"
    env --default-signal=INT "$cemm" history --config "$config" "${range[@]}" >"$scratch/part" 2>"$scratch/stderr" &
    pid=$!
    started "$pid"
    some() { (($(wc -l <"$scratch/part") >= 4000)); }
    check "$name: cemm prints rows while it requests more" wait_for 20 some
    kill -s "$name" "$pid"
    ends "$name: cemm ends" "$pid"
    stop "$pid"
    is "$name: ended by that signal" $((128 + $(kill -l "$name"))) "$stopped"
    check "$name: before all days were printed" test "$(wc -l <"$scratch/part")" -lt "$(wc -l <"$scratch/whole")"
    head -n "$(wc -l <"$scratch/part")" "$scratch/whole" >"$scratch/wanted"
    is_file "$name: the output is whole lines, and right" "$scratch/wanted" "$scratch/part"
  done
  sim_faults
  : >"$sim_log"
  fetched=$(find "$config.archive" -name '2025-??-??.json' | wc -l)
  check 'interrupted runs have archived some days' test "$fetched" -ge 3
  history_exits 'run again' 0 "${range[@]}"
  is_file 'run again: the output is complete' "$scratch/whole" "$scratch/stdout"
  is 'run again: archived days are not requested' $((89 - fetched)) "$(requests /data/)"

  forget
  sim_faults 'delay=500@*/data/*'
  mkdir "$scratch/out"
  env --default-signal=INT "$cemm" history --config "$config" "${range[@]}" --output "$scratch/out/file" 2>"$scratch/stderr" &
  pid=$!
  started "$pid"
  beside() { [[ -n $(find "$scratch/out" -size +100k) ]]; }
  check '--output: a temporary file in the same directory grows' wait_for 20 beside
  refute '--output: the file itself does not exist' test -e "$scratch/out/file"
  stop "$pid" INT
  is '--output: ended by the signal' 130 "$stopped"
  is '--output: nothing is left' '' "$(ls -A "$scratch/out")"
  sim_faults
  history_exits '--output' 0 "${range[@]}" --output "$scratch/out/file"
  is_file '--output: the complete output' "$scratch/whole" "$scratch/out/file"
  is '--output: there is no other file' file "$(ls -A "$scratch/out")"
  # Before the program starts, TSan itself writes to $TMPDIR if that directory exists, which the limit
  # does not allow. So it does not exist.
  (export TMPDIR=$scratch/none && ulimit -f 0 &&
    "$cemm" history --config "$config" "${range[@]}" --format csv --output "$scratch/out/file" 2>&1 || echo "exit $?") |
    cat >"$scratch/full"
  is '--output: no room for the first line: exit code 1' 'exit 1' "$(tail -n 1 "$scratch/full")"
  is '--output: no other file is left' file "$(ls -A "$scratch/out")"
  is_file '--output: the file does not change' "$scratch/whole" "$scratch/out/file"
  set +e
  "$cemm" history --config "$config" "${range[@]}" 2>"$scratch/stderr" | head -n 1 >"$scratch/first"
  status=${PIPESTATUS[0]}
  set -e
  is 'a reader that closes the pipe ends cemm without a message' '141 ' "$status $(<"$scratch/stderr")"
}

# peak ARGUMENT…: prints the peak memory of cemm in KiB, without freed memory that ASan would keep in
# quarantine.
peak() {
  ASAN_OPTIONS=${ASAN_OPTIONS:+$ASAN_OPTIONS:}quarantine_size_mb=1:thread_local_quarantine_size_kb=16 python3 -c '
import resource, subprocess, sys
subprocess.run(sys.argv[1:], check=True, stdout=subprocess.DEVNULL)
print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)' "$cemm" history --config "$config" "$@"
}

# A longer range takes little more memory, and archived days need no network.
long_range() {
  local short long
  forget
  : >"$sim_log"
  short=$(peak --from 2025-03-01 --to 2025-04-30 "$one/s01")
  long=$(peak --from 2020-01-01 --to 2026-06-30 "$one/s01")
  check "memory does not grow with the range ($short KiB for 61 days, $long KiB for 546)" \
    test "$long" -lt $((short * 3 / 2 + 8192))
  long=$(peak --from 2025-01-01 --to 2026-06-30 --format openmetrics "$one/s01")
  check "memory for openmetrics does not grow with the range, either ($long KiB)" test "$long" -lt $((short * 3 / 2 + 8192))
  check 'days before the first day with data are not requested' test "$(requests /data/day/)" -lt 700
  stop "$sim_pid"
  history_exits 'offline' 0 --from 2025-03-01 --to 2025-04-30 "$one/s01"
  is 'offline: all rows come from the archive' 87780 "$(awk 'END { print NR }' "$scratch/stdout")"
}

# The terminal shows progress while rows are written to a file, but not while they go to the terminal.
progress() {
  command -v script >/dev/null || return 0
  local command
  forget
  command=$(printf '%q ' "$cemm" history --config "$config" --from 2025-02-01 --to 2025-04-30 "$one/p1" --output "$scratch/shown")
  sim_faults 'delay=600@*/data/*'
  TERM=vt100 script -qec "$command" /dev/null </dev/null >"$scratch/screen" || true
  sim_faults
  check 'progress at a terminal' grep -qE '[0-9]+ of 89 days …' "$scratch/screen"
  has 'progress is erased at the end' "$(tr -d '\r\n' <"$scratch/screen")" $'days …\e[K'

  forget
  command=$(printf '%q ' "$cemm" history --config "$config" --from 2025-03-30 --to 2025-03-31 "$one/p1")
  sim_faults 'delay=6000@*/data/*'
  { TIMEFORMAT='%U %S' && time TERM=vt100 script -qec "$command" /dev/null </dev/null >"$scratch/screen" || true; } 2>"$scratch/cpu"
  sim_faults
  check 'rows are printed on a terminal' grep -q 2025-03-31 "$scratch/screen"
  check "a wait that shows no progress takes no CPU ($(<"$scratch/cpu") s)" \
    awk '{ exit $1 + $2 > 1.5 }' "$scratch/cpu"
}

start_sim --devices 2 --meters p1,p1-gas,s01 --since "$since" --next-row # a row that cemm must not print
write_config "$config"
days
spans
formats
clock_ahead
failures
interrupted
progress
long_range
is 'the key is nowhere in the output' 0 "$(grep -cF "$sim_key" "$all_output" || true)"
finish
