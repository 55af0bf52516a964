#!/usr/bin/env bash
# Many devices in one collectd: slow devices are read in parallel, devices that answer with promises
# lose no sample, and dead devices delay no other.
#
#   collectd-fleet.sh BUILD_DIR
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
since=$(date -u -d '-1 day' +%F)

fleet_conf() { # DIRECTORY INTERVAL CONNECTIONS [TIMEOUT]
  conf "$1" <<END
<Plugin cemm>
  <Cloud "home">
    URL "$sim_cloud"
    ApiKeyFile "$key_file"
    Alias "p1"
    Interval $2
    MaxConnections $3
    Timeout ${4-30}
  </Cloud>
</Plugin>
END
}

# with_values COUNT: whether at least COUNT devices have values.
with_values() {
  (($(find "$run/csv" -name 'power-p1-*' 2>/dev/null | wc -l) >= $1))
}

# realtime_answers: prints the log's lines of realtime requests that were answered with 200.
realtime_answers() {
  grep -E ' GET [^ ]*/realtime/ - 200$' "$sim_log" || true
}

# ---- 100 devices that take a second each ------------------------------------------

# sweep_time SKIP: prints how long a sweep takes in milliseconds, ignoring the first SKIP sweeps.
# Answers with short gaps between them belong to one sweep.
sweep_time() {
  realtime_answers | awk -v skip="$1" '{
    if (last && $1 - last > 1500) { n++; if (n > skip && count >= 100) { printf "%d", last - first + 1000; exit } first = $1; count = 0 }
    if (!first) first = $1
    last = $1; count++ }'
}

slow() {
  local took
  run=$scratch/slow
  start_sim --devices 100 --since "$since" --meters p1 --fault 'delay=1000@*/realtime/*'
  fleet_conf "$run" 5 128
  start_collectd "$run"
  check "100 devices that each take a second have values" wait_for 30 with_values 100
  check "three more sweeps" wait_for 40 enough_answers 400
  took=$(sweep_time 1)
  echo "# a sweep of them took ${took:-?} ms"
  stop_collectd "with 100 slow devices" "$run"
  stop "$sim_pid"
}

enough_answers() {
  (($(realtime_answers | wc -l) >= $1))
}

# ---- 1,000 devices with a promise first, some of them dead ------------------------------

# gaps DEAD: prints at most five readings that an answer contained while collectd ran, and that were
# not dispatched. Devices that match DEAD are ignored.
# A reading is current for 10 s. Only answers logged in the last 5 of these seconds count, because an
# answer that was logged earlier may have been made before that reading.
gaps() {
  local dead=$1
  realtime_answers | awk -v dead="$dead" -v csv="$run/csv/$host" '
    $3 "/" !~ dead {
      reading = int($1 / 10000) * 10
      if ($1 / 1000 - reading >= 5)
        answered[$3 " " reading]
      devices[$3]
    }
    END {
      for (uid in devices) {
        split("", came)
        first = last = 0
        list = "echo " csv "/cemm-" uid "/power-p1-*"
        list | getline files
        close(list)
        count = split(files, names, " ")
        for (i = 1; i <= count; i++)
          while ((getline line < names[i]) > 0)
            if (line ~ /^[0-9]/) {
              last = int(line)
              first = first ? first : last
              came[last]
            }
        for (reading = first; reading < last; reading += 10)
          if (!(reading in came) && (uid " " reading) in answered)
            print uid, reading
      }
    }' | head -n 5
}

promised() {
  local dead='-[0-9A-F]7/' healthy
  run=$scratch/promised
  start_sim --devices 1000 --since "$since" --meters p1 --promise 500 --fault 'stall@*-?7/p1/realtime/*'
  fleet_conf "$run" 5 128
  healthy=$((1000 - 63)) # 63 devices are dead: their hexadecimal number ends in 7
  start_collectd "$run"
  check "all devices that are not dead have values" wait_for 60 with_values "$healthy"
  check "the devices that are not dead have more values" wait_for 60 have_lines "$healthy" 4
  is "no sample of an answer is lost" "" "$(gaps "$dead")"
  is "each dead device is logged once" "" "$(grep -o 'cemm plugin: cloud home: 00-1E[^:]*: ' "$run/log" | sort | uniq -c | awk '$1 > 1' | head -n 3)"
  check "no other device is logged" test "$(grep -c 'cemm plugin: cloud home: 00-1E' "$run/log")" -le 63
  is "no value was too old" 0 "$(grep -ci 'too old' "$run/log" || true)"
  stop_collectd "with 1,000 devices" "$run"
  stop "$sim_pid"
}

# have_lines FILES LINES: whether at least FILES series have at least LINES values.
have_lines() {
  (($(find "$run/csv" -name 'power-p1-*' -exec grep -c '^[0-9]' {} + 2>/dev/null | awk -F: -v lines="$2" '$NF >= lines' | wc -l) >= $1))
}

# ---- one cause that concerns all devices -------------------------------------------------

# swept_three_times: whether three sweeps have found that the meter of each device is gone.
swept_three_times() {
  (($(requests '/p1/realtime/ - 412$') >= 900))
}

one_cause() {
  run=$scratch/one-cause
  start_sim --devices 300 --since "$since" --meters p1 --fault 'status=412@*/p1/realtime/*'
  fleet_conf "$run" 2 128
  start_collectd "$run"
  check "each meter of 300 devices is gone" wait_for 30 swept_three_times
  is "200 of the meters are named" 200 "$(log_lines 'p1: .*no such meter')"
  is "one line says that there are more messages" 1 "$(log_lines '200 messages about individual devices')"
  stop_collectd "while all meters are gone" "$run"
  stop "$sim_pid"
}

# ---- one device that hangs, at a short interval -------------------------------------------

hanging() {
  run=$scratch/hanging
  start_sim --devices 4 --since 2026-06-01 --now 1782036000 --speed 10 --meters p1 --fault 'stall@*-03/p1/realtime/*'
  fleet_conf "$run" 0.2 8
  sed -i 's/Timeout .*/Timeout 3600/' "$run/collectd.conf"
  start_collectd "$run"
  check "three of four have values, while one hangs" wait_for 20 have_lines 3 8
  is "the one that hangs is asked once" 1 "$(requests '00-1E-C0-00-00-03 GET [^ ]*/realtime/')"
  stop_collectd "while one hangs" "$run"
  stop "$sim_pid"
}

# The device that hangs delays the end of the first sweep, but not the values of other devices.
hanging_at_first() {
  run=$scratch/hanging-at-first
  start_sim --devices 4 --since "$since" --meters p1 --fault 'stall@*-03/p1/realtime/*'
  fleet_conf "$run" 3600 8 3600
  start_collectd "$run"
  check "three of four have values from a sweep that is not over" wait_for 20 with_values 3
  is "the sweep that is not over is the first one" 3 "$(realtime_answers | wc -l)"
  # The plugin's thread has nothing to do for an hour.
  kill -s TERM "$daemon"
  ends "the thread is woken up to stop" "$daemon"
  stop_collectd "while one delays the first sweep" "$run"
  stop "$sim_pid"
}

# ---- all of them hang, and collectd has one thread to read with ---------------------------

asked() {
  (($(requests ' GET ') > 0))
}

loads() {
  (($(grep -c '^[0-9]' "$run/csv/$host"/load/* 2>/dev/null) >= $1))
}

all_hang() {
  run=$scratch/all-hang
  start_sim --devices 4 --since "$since" --meters p1 --fault 'stall@*'
  fleet_conf "$run" 0.2 8
  sed -i -e 's/Timeout .*/Timeout 3600/' \
    -e '/^PluginDir/i ReadThreads 1\nLoadPlugin load' "$run/collectd.conf"
  start_collectd "$run"
  check "requests are sent to the devices" wait_for 20 asked
  check "another plugin is read all the time" wait_for 30 loads 10
  is "no request has been answered" 0 "$(requests ' 200$')"
  stop_collectd "while all hang" "$run"
  stop "$sim_pid"
}

hanging
hanging_at_first
all_hang
slow
promised
one_cause
finish
