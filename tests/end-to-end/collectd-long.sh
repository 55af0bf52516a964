#!/usr/bin/env bash
# A long run of a real collectd: ten thousand sweeps in more than a day of the meters' time, with
# outages. Memory, threads and descriptors must not grow, and no value may be late or be repeated.
#
#   collectd-long.sh BUILD_DIR
#
# A shorter run under valgrind follows.
# shellcheck disable=SC1091,SC2154
set -euo pipefail
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/collectd-lib.sh"
begin "$@"
collectd_begin

readonly sweeps=${CEMM_SWEEPS:-10000}
readonly speed=100 # of the meters' clocks: there is a sample every 100 ms, the shortest interval
readonly blocks=10 # each has one device, and is swept at that interval
run=$scratch/run

# ASan keeps freed memory in quarantine, which would hide growth, so the quarantine is small here.
ASAN_OPTIONS+=:quarantine_size_mb=1:thread_local_quarantine_size_kb=16

# swept COUNT: whether there have been COUNT sweeps. Each sweep requests the meter's realtime once.
swept() {
  (($(cat "$scratch"/sim*/log | grep -cE ' GET [^ ]*/p1/realtime/') >= $1))
}

# meters SECONDS: restarts the devices on the same ports. Their clock is where it would be if it had
# been SECONDS behind ours at $began.
meters() {
  local port
  port=$(sed -E 's|.*:([0-9]+)/.*|\1|' <<<"${sim_cloud-:0/}")
  [[ -z ${sim_pid-} ]] || stop "$sim_pid"
  start_sim --cloud-port "$port" --devices "$blocks" --meters p1 --since "$since" --speed "$speed" \
    --now "$(($(date +%s) - $1 + ($(date +%s) - began) * (speed - 1)))"
}

values() {
  find "$run/csv" -name 'power-p1-electric_power-*' -exec cat {} + | grep -c '^[0-9]'
}

more_values() {
  (($(values) > $1))
}

rss() {
  awk '/^VmRSS/ { print $2 }' "/proc/$collectd_pid/status"
}

threads() {
  find "/proc/$collectd_pid/task" -mindepth 1 -maxdepth 1 | wc -l
}

# descriptors: prints the number of descriptors except for connections, whose number varies.
descriptors() {
  find "/proc/$collectd_pid/fd" -type l -not -lname 'socket:*' | wc -l
}

sockets() {
  find "/proc/$collectd_pid/fd" -type l -lname 'socket:*' | wc -l
}

block() {
  cat <<CONF
  <Cloud "home$1">
    URL "$sim_cloud"
    ApiKeyFile "$scratch/home.key"
    Device "$(printf '00-1E-C0-00-00-%02X' "$1")"
    Timeout 2
    Interval 0.1
  </Cloud>
CONF
}

fetched() {
  (($(requests ' GET [^ ]*/p1/realtime/') >= $1))
}

# memcheck: runs some hundred sweeps of several sources under valgrind, with history and an outage. It
# is not called if the plugin was built with ASan, which has checked all sweeps.
memcheck() {
  local report=$scratch/valgrind
  command -v valgrind >/dev/null || skip "valgrind is not installed"
  run=$scratch/memcheck
  start_sim --devices 4 --lan 2 --promise 50 --since "$since"
  conf "$run" <<CONF
<Plugin cemm>
  TimeZone "Europe/Amsterdam"
  <Cloud "home">
    URL "$sim_cloud"
    ApiKeyFile "$scratch/home.key"
    Interval 0.2
  </Cloud>
  <Local "garage">
    Address "${sim_lan[0]}"
    Interval 0.2
  </Local>
  <Backfill>
    Writer csv
    Window 7200
  </Backfill>
</Plugin>
CONF
  world=(valgrind --trace-children=yes --log-file="$report.%p" --leak-check=full --num-callers=30)
  start_collectd "$run"
  check 'valgrind: sweeps' wait_for 300 fetched 1200
  sim_faults 'drop@*/realtime/*'
  check 'valgrind: an outage' wait_for 60 grep -q 'closed the connection' "$run/log"
  sim_faults
  check 'valgrind: the end of the outage' wait_for 60 grep -q 'answers again' "$run/log"
  stop_collectd 'valgrind' "$run"
  is 'valgrind: no errors, and nothing is lost' 'ERROR SUMMARY: 0 errors definitely lost: 0 bytes' \
    "$(cat "$report".* | grep -oE 'ERROR SUMMARY: [0-9]+ errors|definitely lost: [0-9,]+ bytes' | LC_ALL=C sort | paste -sd' ')"
  cat "$report".* | sed -n '/lost in loss record\|Invalid\|ninitialised/,/== $/p' | head -n 40 | sed 's/^/# /'
}

began=$(date +%s)
meters 300000
write_key "$scratch/home.key"
# There is only one write thread. On a busy machine collectd's five threads would reorder samples that
# arrive this fast, and collectd rejects a sample that is older than the previous one.
conf "$run" <<CONF
Interval 0.1
WriteThreads 1
<Plugin cemm>
  TimeZone "Europe/Amsterdam"
$(for ((i = 1; i <= blocks; i++)); do block "$i"; done)
</Plugin>
CONF
start_collectd "$run"
collectd_pid=$daemon
check 'a tenth of the sweeps' wait_for 60 swept $((sweeps / 10))
rss_then=$(rss) threads_then=$(threads) descriptors_then=$(descriptors)
for fault in 'status=502' 'drop' 'garbage'; do
  sim_faults "$fault@*/realtime/*"
  check "$fault is logged" wait_for 20 eval '(($(log_lines "WARN\|no answer\|502\|closed\|fit") > 0))'
  sim_faults
done
# The clocks go back ten minutes, so samples are repeated, and then forward by more than an hour.
for back in 600 -3600; do # seconds
  meters $((300000 + back))
  before=$(values)
  check "collectd goes on after the meters' clocks were set back by $back s" wait_for 60 more_values "$before"
done
check "all $sweeps sweeps" wait_for 600 swept "$sweeps"
echo "# RSS $rss_then, then $(rss) KiB; threads $threads_then, then $(threads); descriptors $descriptors_then, then $(descriptors)"
check 'memory does not grow' test "$(rss)" -lt $((rss_then + ${preload:+2 * }4096))
is 'the number of threads is the same' "$threads_then" "$(threads)"
is 'the number of descriptors is the same' "$descriptors_then" "$(descriptors)"
check 'no more connections than are allowed' test "$(sockets)" -le $((8 * blocks))
stop_collectd 'after all that' "$run"
start_collectd "$run"
before=$(values)
check 'after a restart, collectd goes on' wait_for 60 more_values "$before"
stop_collectd 'after the restart' "$run"
is 'no value was too old' 0 "$(grep -ci 'too old' "$run/log" || true)"
check "values were dispatched ($(values))" test "$(values)" -gt $((sweeps / 4))
is 'each value was dispatched once, in order' '' "$(find "$run/csv" -name 'power-p1-electric_power-*' | while read -r file; do
  awk -F, '/^epoch/ { next } last >= $1 && last { print $1 " after " last; exit } { last = $1 }' "$file"
done)"
stop "$sim_pid"
[[ -n $preload ]] || memcheck
finish
