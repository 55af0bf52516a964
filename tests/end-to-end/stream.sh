#!/usr/bin/env bash
# stream.sh BUILD_DIR: tests `cemm stream` as Telegraf's execd runs it, but without Telegraf, and
# tests the file that it writes for node_exporter. As Telegraf's documentation says, a newline on stdin starts a sweep, stdout is
# read continuously, and the end of stdin ends the program.
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

# start_stream [ARGUMENT…]: starts `cemm stream` in the background. Sets $stream_pid, $stream_out and
# $stream_err, and opens descriptor 9 on its stdin.
stream_count=0
start_stream() {
  stream_count=$((stream_count + 1))
  stream_out=$scratch/stream$stream_count.out
  stream_err=$scratch/stream$stream_count.err
  mkfifo "$scratch/stream$stream_count.in"
  # A background job of a script ignores SIGINT, but a program that Telegraf runs does not.
  env --default-signal=INT "$cemm" stream --config "$config" "$@" <"$scratch/stream$stream_count.in" \
    >"$stream_out" 2>"$stream_err" 9>&- &
  stream_pid=$!
  started "$stream_pid"
  exec 9>"$scratch/stream$stream_count.in"
}

# end_stream WHAT CODE: ends the stream by closing its stdin, and checks its exit status.
end_stream() {
  exec 9>&-
  if ! wait_for 20 gone_or_zombie "$stream_pid"; then not_ok "$1: it ends"; fi
  stop "$stream_pid"
  is "$1: exit code" "$2" "$stopped"
  cat "$stream_out" "$stream_err" >>"$all_output"
}

has_lines() {
  (($(wc -l <"$2") >= $1))
}

# of_influx: converts influx lines on stdin to "UID ALIAS CHANNEL MS VALUE", one line per sample.
of_influx() {
  awk '{
    split($1, tags, "[,=]"); count = split($2, fields, ",")
    for (i = 1; i <= count; i++) {
      split(fields[i], field, "=")
      print tags[3], tags[5], field[1], substr($3, 1, length($3) - 6), field[2]
    }
  }'
}

# oracle: prints the lines on stdin with the values of the simulator's meters.
oracle() {
  local uid alias channel time
  while read -r uid alias channel time _; do
    echo "$uid $alias $channel $time $("$sim" --since "$since" --print "$uid" "$alias" "$channel" "$time")"
  done
}

# true_once WHAT FILE: checks that every sample is right, and that none is repeated or out of order.
true_once() {
  of_influx <"$2" >"$scratch/samples"
  is "$1: the meters' values and times" '' "$(oracle <"$scratch/samples" | diff "$scratch/samples" - | head -n 4)"
  is "$1: each sample once, none out of order" '' \
    "$(awk '{ k = $1 " " $2 " " $3; if ($4 <= last[k]) print; last[k] = $4 }' "$scratch/samples" | head -n 4)"
}

execd() {
  sim_faults
  start_stream --stdin --format influx
  echo >&9
  check 'a newline starts a sweep' wait_for 10 has_lines 8 "$stream_out"
  : >"$sim_log"
  echo >&9
  check 'the next newline starts another sweep' wait_for 10 eval '(($(requests "s01/realtime") >= 2))'
  sim_faults 'delay=700@*/realtime*'
  : >"$sim_log"
  printf '\n\n\n\n\n' >&9
  wait_for 10 grep -q 'realtime' "$sim_log" || true
  printf '\n\n\n\n' >&9
  end_stream 'execd: end of input' 0
  # The first five newlines start a sweep. The other four arrive during this sweep, and start one more.
  is 'all newlines that arrive during a sweep cause one sweep' '' \
    "$(grep -E '/realtime' "$sim_log" | awk '{ print $5 }' | sort | uniq -c | awk '$1 > 2')"
  is 'the sweeps read all meters' 6 "$(grep -E '/realtime' "$sim_log" | awk '{ print $5 }' | sort -u | wc -l)"
  true_once 'execd' "$stream_out"
  is 'execd: nothing on stderr' '' "$(<"$stream_err")"
  sim_faults

  exits 'end of input without a line' 0 "$cemm" stream --stdin --config "$config" </dev/null
  is 'end of input without a line starts no sweep' '' "$out"
  exits 'one line and the end' 0 "$cemm" stream --stdin --config "$config" <<<''
  is 'one line and the end start a sweep' 8 "$(wc -l <<<"$out")"
  exits 'input without a newline' 0 "$cemm" stream --stdin --config "$config" < <(printf 'x')
  is 'input without a newline starts no sweep' '' "$out"
}

# The simulator's clock runs fast: the meters have a new sample twice a second.
paced() {
  start_stream --interval 0.25 --format influx
  check 'interval: samples are printed' wait_for 30 has_lines 40 "$stream_out"
  local before
  before=$(awk '{ print $3 }' "$stream_out" | sort -u | wc -l)
  check 'interval: the samples have different times' test "$before" -ge 5
  exec 9>&-
  local now
  now=$(wc -l <"$stream_out")
  check 'interval: the end of stdin does not end the stream' wait_for 20 has_lines $((now + 4)) "$stream_out"
  stop "$stream_pid"
  is 'interval: SIGTERM ends the stream' 143 "$stopped"
  is 'interval: whole lines only' '' "$(grep -vE '^cemm,uid=[^ ]+ [^ ]+ [0-9]{19}$' "$stream_out" || true)"
  true_once 'interval' "$stream_out"
}

# One device hangs; samples of the other device are still printed.
hanging() {
  local config=$scratch/patient.conf
  write_config "$config" 'timeout = 3600'
  sim_faults "stall@*$two/*realtime*"
  : >"$sim_log"
  start_stream --interval 0.25 --format influx
  is_going() { (($(grep -c "$one,alias=s01" "$stream_out") >= 6)); }
  check 'a hanging device does not delay the other' wait_for 14 is_going
  is 'no sample of the hanging device is printed' 0 "$(grep -c "$two" "$stream_out" || true)"
  is 'the hanging device is not requested again' 1 "$(requests "$two .*s01/realtime")"
  # The stream ends, although it is waiting for a device.
  kill -s INT "$stream_pid"
  ends 'SIGINT ends the stream' "$stream_pid"
  stop "$stream_pid"
  is 'the stream was ended by SIGINT' 130 "$stopped"
  exec 9>&-
  cat "$stream_out" "$stream_err" >>"$all_output"
  true_once 'beside a hanging device' "$stream_out"

  # Other sweeps begin before the first one has ended.
  sim_faults "delay=1500@*$two/*realtime*"
  start_stream --interval 0.25 --format influx s01 s07
  check 'a METER that matches nothing is reported beside a slow device' wait_for 20 grep -q '^W! cemm: s07: ' "$stream_err"
  stop "$stream_pid"
  exec 9>&-
  is 'a METER that matches nothing is reported once' 1 "$(grep -c s07 "$stream_err")"
  sim_faults
}

# intervals ALIAS CHANNEL: prints the intervals in the PUTVAL lines so far.
intervals() { sed -nE "s/^PUTVAL .*-$1-$2\" interval=([0-9.]+) .*/\1/p" "$stream_out"; }
has_intervals() { (($(intervals "$1" "$2" | wc -l) >= 3)); }

# The meters measure every 10 s and are polled more often. As soon as two samples show the meters'
# interval, this interval is printed, or a longer one if polls miss some samples.
putval_intervals() {
  start_stream --interval 0.25 --format putval "$one"
  check 'putval: values come' wait_for 20 has_intervals p1 electric_power
  check 'putval: values of a pulse meter come, too' wait_for 20 has_intervals s01 electric_power
  stop "$stream_pid"
  exec 9>&-
  cat "$stream_out" "$stream_err" >>"$all_output"
  is 'putval: the first value has the poll interval' 0.25 "$(intervals p1 electric_power | head -n 1)"
  is 'putval: the other values have the interval of the meter' '' "$(intervals p1 electric_power | awk 'NR > 1 && $1 < 10')"
  is 'putval: a pulse meter has the poll interval' 0.25 "$(intervals s01 electric_power | sort -u)"
  is 'putval: gas comes once an hour' 3600 "$(intervals p1 gas | sort -u)"
}

# If a meter fails, one message says so, and another one says when it works again.
outage() {
  start_stream --interval 0.25 --format influx
  wait_for 10 has_lines 8 "$stream_out" || true
  sim_faults "status=502@*$two/s01/realtime*"
  check 'the failure of a meter is logged' wait_for 10 grep -q '^W! .*502' "$stream_err"
  sim_faults
  check 'the end of the failure is logged' wait_for 20 grep -qE '^I! .*s01 works again' "$stream_err"
  stop "$stream_pid"
  exec 9>&-
  is 'the failure and its end are logged once' 2 "$(wc -l <"$stream_err")"
  cat "$stream_out" "$stream_err" >>"$all_output"
}

formats() {
  local status
  exits 'csv' 0 "$cemm" stream --stdin --config "$config" --format csv <<<''
  is 'csv: one header' 1 "$(grep -c '^uid,alias,' <<<"$out")"
  is 'csv: the header is the first line' 'uid,alias,channel,value,unit,time,type' "${out%%$'\n'*}"
  is 'csv: seven columns, none empty except the unit' '' "$(awk -F, 'NF != 7 || $4 == "" || $6 == "" || $7 == "" && NR > 1' <<<"$out")"
  exits 'json' 0 "$cemm" stream --stdin --config "$config" --format json <<<''
  is 'json: one object per line' '["object"]' "$(jq -c 'type' <<<"$out" | sort -u | jq -sc .)"
  exits 'table' 0 "$cemm" stream --stdin --config "$config" --format table p1 <<<''
  is 'table: titles, once' 1 "$(grep -c '^TIME  *DEVICE' <<<"$out")"
  exits 'putval' 0 env COLLECTD_HOSTNAME='a"b/c' COLLECTD_INTERVAL=7.5 "$cemm" stream --stdin \
    --config "$config" --format putval p1-gas <<<''
  check 'putval: host of collectd, quoted; time of the sample, interval of gas' \
    grep -qxE "PUTVAL \"a\\\\\"b_c/cemm-$one/gauge-p1-gas-gas\" interval=3600 [0-9]{10}\.[0-9]{3}:[0-9.]+" <<<"$out"
  exits 'putval, power' 0 env COLLECTD_HOSTNAME=house COLLECTD_INTERVAL=7.5 "$cemm" stream --stdin \
    --config "$config" --format putval "$one/s01" <<<''
  check 'putval: interval of collectd' \
    grep -qxE "PUTVAL \"house/cemm-$one/power-s01-electric_power\" interval=7.5 [0-9]{10}\.[0-9]{3}:-?[0-9.]+" <<<"$out"
  exits 'a METER that does not exist' 0 "$cemm" stream --stdin --config "$config" s02 s01 <<<''
  has 'a METER that does not exist is reported' "$err" 'W! cemm: s02: '
  is 'the other METER is printed' 2 "$(wc -l <<<"$out")"

  set +e
  "$cemm" stream --interval 0.25 --config "$config" 2>"$scratch/stderr" | head -n 1 >"$scratch/first"
  status=${PIPESTATUS[0]}
  set -e
  is 'a closed pipe ends the stream' 141 "$status"
  is 'a closed pipe causes no message' '' "$(<"$scratch/stderr")"
}

# The reader closes the pipe while there are no new samples.
idle_reader() {
  local status
  set +e
  "$cemm" stream --stdin --config "$config" 2>"$scratch/stderr" < <(
    echo
    exec sleep 20 # keeps stdin open
  ) | head -n 1 >"$scratch/first"
  status=${PIPESTATUS[0]}
  set -e
  is 'a pipe that is closed while there are no samples ends the stream, too' 141 "$status"
}

whole_file() {
  [[ -s $1 && $(tail -n 1 "$1") == cemm_up\{* ]]
}

prometheus() {
  local file=$scratch/prom/cemm.prom inode
  mkdir "$scratch/prom"
  start_stream --interval 0.25 --format prometheus --output "$file"
  check 'prometheus: the file is written' wait_for 10 whole_file "$file"
  inode=$(stat -c %i "$file")
  is_another() { [[ $(stat -c %i "$file") != "$inode" ]]; }
  check 'prometheus: the file is replaced' wait_for 10 is_another
  for _ in 1 2 3 4 5 6 7 8; do
    whole_file "$file" || not_ok 'prometheus: the file is always complete' "$(<"$file")"
    sleep 0.1
  done
  ok 'prometheus: the file was read eight times'
  is 'prometheus: the file has the mode of a new file' "$(printf '%o' $((0666 & ~0$(umask) & 0644)))" "$(stat -c %a "$file")"
  is 'prometheus: stdout is empty' '' "$(<"$stream_out")"
  is 'prometheus: all meters are up' '6 1' "$(grep '^cemm_up{' "$file" | awk '{ print $2 }' | sort | uniq -c | sed 's/^ *//')"
  is 'prometheus: samples have no times' '' "$(grep -v '^#' "$file" | awk 'NF != 2' || true)"

  sim_faults "status=502@*$two/p1/realtime*"
  is_down() { grep -qxF "cemm_up{uid=\"$two\",alias=\"p1\"} 0" "$file"; }
  check 'a meter that fails is down' wait_for 10 is_down
  is 'samples of the failed meter are gone' 0 "$(grep -vE '^(#|cemm_up|cemm_meter_info|cemm_last_sample)' "$file" | grep -cF "{uid=\"$two\",alias=\"p1\"" || true)"
  has 'the time of its last sample stays' "$(<"$file")" "cemm_last_sample_timestamp_seconds{uid=\"$two\",alias=\"p1\"} "
  has 'its type stays' "$(<"$file")" "cemm_meter_info{uid=\"$two\",alias=\"p1\",type=\"p1\"} 1"
  has 'samples of the other meters stay' "$(<"$file")" "cemm_electric_power_watts{uid=\"$two\",alias=\"s01\"}"
  sim_faults
  is_back() { grep -qF "cemm_electric_power_watts{uid=\"$two\",alias=\"p1\"}" "$file"; }
  check 'samples of the failed meter come back' wait_for 10 is_back

  sim_faults "stall@*$two/*realtime*"
  inode=$(stat -c %i "$file")
  check 'a device that hangs does not delay the file' wait_for 10 is_another
  sim_faults
  if command -v promtool >/dev/null; then
    check 'promtool finds no error' promtool check metrics <"$file"
    is 'promtool prints no remark' '' "$(promtool check metrics <"$file" 2>&1)"
  fi
  stop "$stream_pid"
  exec 9>&-
  is 'prometheus: no other file is left' 'cemm.prom' "$(ls -A "$scratch/prom")"

  # A METER argument with uid and alias needs no search. The meter's type is requested once.
  rm "$file"
  : >"$sim_log"
  start_stream --interval 0.25 --format prometheus --output "$file" "$one/s01"
  is_typed() { grep -qxF "cemm_meter_info{uid=\"$one\",alias=\"s01\",type=\"solar_energy\"} 1" "$file"; }
  check 'the type of a METER with uid and alias is in the file' wait_for 10 is_typed
  is_read() { (($(requests "s01/realtime") >= 4)); }
  wait_for 10 is_read || not_ok 'the METER is read again'
  is 'the type is requested once' 1 "$(grep -v realtime "$sim_log" | grep -c "$one/" || true)"
  sim_faults "status=502@*$one/s01/realtime*"
  is_down_typed() { grep -qxF "cemm_up{uid=\"$one\",alias=\"s01\"} 0" "$file" && is_typed; }
  check 'the type stays if the meter fails' wait_for 10 is_down_typed
  sim_faults
  stop "$stream_pid"
  exec 9>&-
}

# once FILE: runs one sweep with the state file, and writes its lines to FILE and its messages to
# $stream_err.
once() {
  stream_err=$scratch/once.err
  "$cemm" stream --stdin --config "$config" --state "$scratch/state" <<<'' >"$1" 2>"$stream_err"
}

# minutes UID ALIAS FILE: prints the times of electric_power in seconds, except for the newest one, which
# is live.
minutes() {
  grep "uid=$1,alias=$2 .*electric_power=" "$3" | awk '{ print substr($NF, 1, 10) }' | head -n -1
}

# long_ago UID FILE: prints the minutes of s01 until two hours after $missing. Whether the newest
# minutes are in the file depends on the moment.
long_ago() {
  minutes "$1" s01 "$2" | awk -v limit=$((missing + 7200)) '$1 < limit'
}

slow() { # copies stdin to stdout, about 40 kB a second
  python3 -c '
import os, time
while chunk := os.read(0, 4096):
    os.write(1, chunk)
    time.sleep(0.1)'
}

# Tests --state: missed minutes are printed once, before newer samples. The clock of these meters is
# right.
state() {
  local uid times missing pid size twice
  start_sim --devices 2 --meters p1,p1-gas,s01 --since "$since"
  write_config "$config" 'timeout = 10'
  once "$scratch/first"
  for uid in "$one" "$two"; do
    minutes "$uid" s01 "$scratch/first" >"$scratch/times"
    check "$uid: without a state file, a whole day is printed" test "$(wc -l <"$scratch/times")" -ge 1437
    is "$uid: minute by minute, oldest first" '' \
      "$(awk 'last && $1 != last + 60; { last = $1 }' "$scratch/times" | head -n 4)"
    mapfile -t times < <(sed 's/$/000/' "$scratch/times")
    is "$uid: the values of the meter" "$("$sim" --since "$since" --print "$uid" s01 day:electric_power "${times[@]}" | cksum)" \
      "$(grep "uid=$uid,alias=s01 " "$scratch/first" | head -n -1 | sed -E 's/.*electric_power=([^ ]*) .*/\1/' | cksum)"
  done
  is 'without a state file, there is no message' '' "$(<"$stream_err")"
  is 'gas has only live samples' 4 "$(grep -c gas= "$scratch/first")"

  : >"$sim_log"
  once "$scratch/second"
  is 'the next run repeats nothing' '' \
    "$(LC_ALL=C comm -12 <(of_influx <"$scratch/first" | LC_ALL=C sort) <(of_influx <"$scratch/second" | LC_ALL=C sort))"

  # Removes half an hour of one meter from the state file. A run that prints nothing does not change
  # the file.
  sleep_past_sample
  once "$scratch/third"
  awk -v uid="$one" -F'\t' 'BEGIN { OFS = FS }
    $2 == uid && $3 == "s01" && $4 == "electric_power" && split($5, part, "[+ ]") > 1 && part[2] > 600 {
      sub(/^[^ ]*/, part[1] "+300 " (part[1] + 330 * 60) "+" (part[2] - 330), $5)
      print part[1] + 300 * 60 > "'"$scratch/hole"'"
    }
    { print }' "$scratch/state" >"$scratch/state.new"
  check 'the state file has stretches of minutes' test -s "$scratch/hole" || return 0
  mv "$scratch/state.new" "$scratch/state"
  missing=$(<"$scratch/hole")
  sleep_past_sample
  once "$scratch/fourth"
  is 'the half hour that was missed is printed' "$(seq "$missing" 60 $((missing + 29 * 60)))" "$(long_ago "$one" "$scratch/fourth")"
  is 'it is printed before newer samples' '' "$(grep "uid=$one,alias=s01 " "$scratch/fourth" | awk '{ print $NF }' | sort -c -n 2>&1)"
  is 'no earlier minute of the other meter is printed' '' "$(long_ago "$two" "$scratch/fourth")"
  once "$scratch/fifth"
  is 'missed minutes are printed once' '' "$(long_ago "$one" "$scratch/fifth")"

  # The stream is killed in the middle and run again.
  rm "$scratch/state"
  "$cemm" stream --interval 0.5 --config "$config" --state "$scratch/state" >"$scratch/killed" 2>"$scratch/killed.err" &
  pid=$!
  started "$pid"
  all_came() { (($(grep -c "alias=s01 " "$scratch/killed") >= 2874)); }
  check 'the whole day is printed again' wait_for 20 all_came
  kept() { # whether the state file has the whole day of both meters
    (($(awk '$2 == "s01" && /\+/ { split($NF, part, "+"); sum[$1] += part[2] }
      END { for (uid in sum) if (sum[uid] >= 1437) n++; print n + 0 }' "$scratch/state") == 2))
  }
  check 'the whole day is in the state file' wait_for 20 kept
  stop "$pid" KILL
  sleep_past_sample
  once "$scratch/after"
  is 'after kill -9 nothing is printed twice' '' \
    "$(LC_ALL=C comm -12 <(of_influx <"$scratch/killed" | LC_ALL=C sort) <(of_influx <"$scratch/after" | LC_ALL=C sort))"
  has 'after kill -9 newer samples are printed' "$(<"$scratch/after")" "uid=$one,alias=s01 "

  # Three times, the stream is killed while a slow reader reads a day, and run again.
  rm "$scratch/state"
  for size in 3000 30000 70000; do
    mkfifo "$scratch/slow$size"
    slow <"$scratch/slow$size" >"$scratch/slowly$size" &
    started $!
    "$cemm" stream --interval 0.5 --config "$config" --state "$scratch/state" >"$scratch/slow$size" 2>"$scratch/killed.err" &
    pid=$!
    started "$pid"
    is_big() { (($(stat -c %s "$scratch/slowly$size") >= size)); }
    check "a part was read: $size bytes" wait_for 30 is_big
    stop "$pid" KILL
    wait_for 30 gone_or_zombie "${own_pids[-2]}" || not_ok 'the slow reader ends'
  done
  sleep_past_sample
  once "$scratch/rest"
  cat "$scratch"/slowly* "$scratch/rest" | grep "alias=s01 " | LC_ALL=C sort >"$scratch/pieces"
  twice=$(uniq -d "$scratch/pieces" | wc -l)
  check "killed three times: at most one write each is repeated ($twice)" test "$twice" -le 150
  is 'killed three times: no minute is lost' '' "$(for uid in "$one" "$two"; do
    grep "uid=$uid," "$scratch/pieces" | awk '{ print int(substr($NF, 1, 10) / 60) }' | sort -nu |
      awk 'NR > 1 && $1 != last + 1; { last = $1 }'
  done)"

  # If the state file was truncated between two lines, the remaining lines are used.
  { head -n 1 "$scratch/state" && grep "$two" "$scratch/state"; } >"$scratch/state.cut"
  cp "$scratch/state.cut" "$scratch/state"
  once "$scratch/again"
  is 'a state file that is truncated is reported' 1 "$(grep -c '^W! .*state is truncated' "$stream_err")"
  check 'a truncated state file is kept' cmp "$scratch/state.cut" "$scratch/state.damaged"
  is 'minutes that the truncated file has are not repeated' '' "$(long_ago "$two" "$scratch/again")"
  check 'minutes that the truncated file lacks are printed' test "$(minutes "$one" s01 "$scratch/again" | wc -l)" -ge 1437
  once "$scratch/again"
  is 'minutes that the truncated file lacks are printed once' '' "$(long_ago "$one" "$scratch/again")$(grep 'truncated' "$stream_err")"

  echo nonsense >"$scratch/state"
  once "$scratch/again"
  is 'a damaged state file is reported' 1 "$(grep -c '^W! .*state' "$stream_err")"
  check 'a damaged state file is not used' test "$(minutes "$one" s01 "$scratch/again" | wc -l)" -ge 1437

  # If the history of one device can't be fetched, other meters do not wait for it, and its live samples
  # are printed later.
  rm "$scratch/state"
  sim_faults "stall@*$two/s01/data/*"
  start_stream --stdin --state "$scratch/state"
  echo >&9
  check 'a hanging request delays no other meter' wait_for 10 grep -q "uid=$one,alias=s01 .*[0-9]0000000000$" "$stream_out"
  exits 'a second process with the same state file is refused' 2 \
    "$cemm" stream --config "$config" --state "$scratch/state"
  has 'a message says that the state file is in use' "$err" "$scratch/state is used by another process"
  end_stream 'the history hangs' 0
  is 'the live sample of the meter whose history hangs is printed at the end' 1 "$(grep -c "uid=$two,alias=s01 " "$stream_out")"
  sim_faults
  local as=()
  ((EUID != 0)) || as=(setpriv --bounding-set=-all) # without capabilities, root is bound by file modes, too
  chmod 0 "$scratch/state.lock"
  exits 'a state file whose lock may not be opened is refused' 2 \
    "${as[@]}" "$cemm" stream --stdin --config "$config" --state "$scratch/state" <<<''
  has 'a message says that the lock may not be opened' "$err" "$scratch/state.lock: Permission denied"
  chmod 640 "$scratch/state.lock"
  exits 'a state file in a missing directory is refused' 2 "$cemm" stream --config "$config" --state "$scratch/none/state"
  exits 'prometheus with --state is refused' 2 "$cemm" stream --config "$config" --state "$scratch/state" --format prometheus
}

# power UID: prints the times of the samples of s01 so far, in seconds.
power() {
  grep "uid=$1,alias=s01 .*[0-9]000000000$" "$stream_out" | awk '{ print substr($NF, 1, 10) }'
}

newest() {
  power "$1" | sort -n | tail -n 1
}

# reaches UID SECONDS: whether the device has a sample of that time or later.
reaches() {
  local time
  time=$(newest "$1")
  ((${time:-0} >= $2))
}

# offline FAULT…: s01 of the first device fails for some minutes of the meters' time, then works again.
# FAULT… are further faults, which are set during that time and after it.
offline() {
  local until
  until=$(($(newest "$two") + 150))
  sim_faults "status=502@*$one/s01/realtime*" "$@"
  wait_for 60 reaches "$two" "$until" || not_ok 'the other device goes on'
  until=$(newest "$two")
  sim_faults "$@"
  wait_for 60 reaches "$one" "$until" || not_ok 'it is back' "$(tail -n 3 "$stream_out")"
}

days_asked() {
  requests "$one .*s01/data/day"
}

# One outage follows soon after another; the clock of these meters runs fast. Missed minutes are printed
# before newer samples, and minutes that can't be fetched are not requested again and again.
outages() {
  local asked times
  start_sim --devices 2 --meters s01 --since "$since" --now $(($(date +%s) - 43200)) --speed 30
  write_config "$config"
  start_stream --interval 0.25 --format influx --state "$scratch/outages.state" s01
  check 'a day that was missed is printed, and newer samples' wait_for 60 has_lines 2890 "$stream_out"
  asked=$(days_asked)
  offline
  offline
  offline
  is 'three outages in a row: all sorted by time' '' "$(power "$one" | sort -c -n -u 2>&1)"
  power "$one" | awk '{ print int($1 / 60) }' | uniq >"$scratch/times"
  is 'three outages in a row: no minute is missing' '' "$(awk 'NR > 1 && $1 != last + 1; { last = $1 }' "$scratch/times")"
  asked=$(($(days_asked) - asked))
  check "three outages in a row: one request for each, or a few more ($asked)" test "$asked" -ge 3 -a "$asked" -le 6

  offline "status=502@*$one/s01/data/*"
  asked=$(days_asked)
  times=$(newest "$one")
  wait_for 60 reaches "$one" $((times + 120)) || not_ok 'the stream goes on'
  asked=$(($(days_asked) - asked))
  check "a gap that can't be fetched delays nothing, and is not requested again soon ($asked)" test "$asked" -le 2
  asked=$(days_asked)
  times=$(newest "$one")
  offline
  power "$one" | awk -v from="$times" '$1 > from' >"$scratch/times"
  asked=$(($(days_asked) - asked))
  check "the next gap is requested at once ($asked)" test "$asked" -ge 1 -a "$asked" -le 2
  # Minutes of the earlier gap may be printed at any time, so they are not in the file.
  is 'samples after that gap are sorted by time' '' "$(sort -c -n -u "$scratch/times" 2>&1 | head -n 4)"
  stop "$stream_pid"
  exec 9>&-
  power "$one" | sort -n | awk '{ print int($1 / 60) }' | uniq >"$scratch/times"
  is 'all outages: no minute is missing' '' "$(awk 'NR > 1 && $1 != last + 1; { last = $1 }' "$scratch/times")"
  is 'all outages: no sample was printed twice' '' "$(power "$one" | sort | uniq -d)"
  cat "$stream_out" "$stream_err" >>"$all_output"
}

# sleep_past_sample: waits until the meters have a newer sample.
sleep_past_sample() {
  local before
  before=$("$cemm" read --config "$config" --format csv s01 | tail -n 1)
  newer() { [[ $("$cemm" read --config "$config" --format csv s01 | tail -n 1) != "$before" ]]; }
  wait_for 15 newer || not_ok 'the meters go on'
}

start_sim --devices 2 --meters p1,p1-gas,s01 --gas-stamp hour --since "$since" --now $((($(date +%s) - 86400) / 3600 * 3600 + 600)) --speed 20
write_config "$config"
execd
paced
hanging
outage
putval_intervals
formats
idle_reader
prometheus
outages
state
is 'the key is nowhere in the output' 0 "$(grep -cF "$sim_key" "$all_output" || true)"
finish
