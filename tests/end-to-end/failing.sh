#!/usr/bin/env bash
# failing.sh BUILD_DIR PRELOADED_LIBRARY PART: makes memory allocations, writes and other disk
# operations fail, a single call in each run. No program may crash or hang, failures must be reported,
# and no file may be left incomplete. PART is cemm, stream, discover, mount, notice or collectd; the
# parts can run in parallel.
# shellcheck disable=SC1091,SC2154
set -euo pipefail
. "$(dirname "$0")/mount-lib.sh"
. "$(dirname "$0")/netns.sh"
. "$(dirname "$0")/collectd-lib.sh"
part=$3
[[ $part != discover ]] || enter_namespaces "$@"
if [[ $part == mount || $part == notice ]]; then begin_mount "$1"; else begin "$1"; fi
failing=$(realpath "$2")
# With CEMM_E2E_LONG, every call fails in turn. Otherwise each of the first `singly` calls fails, and then
# fewer and fewer: after call n comes call n + 1 + n/stride. A mount starts with many calls, each of which
# can fail in its own way.
stride=5
singly=0
case $part in
  discover | collectd) stride=1 ;; # each run takes seconds
  mount) singly=100 ;;
esac
[[ -z ${CEMM_E2E_LONG-} ]] || stride=100000
ulimit -c 0

cemm=$build/plugin/exec/cemm
dev=00-1E-C0-00-00-01
conf=$scratch/cemm.conf
export LC_ALL=C TZ=Europe/Amsterdam FAIL_MARK=$scratch/mark CEMM_CONFIG=$conf
files=$scratch/files # the output and the state file, and any temporary files that are left over
run=$scratch/run     # collectd's directory
known=$'\t00-1E-C0-00-00-09\tp1\tt1\t@1700000000000' # an entry of the state file at the start

# ---- invariants, whatever fails ---------------------------------------------------

complain() {
  wrong+="$kind $n: $1"$'\n'
}

# ended CODE: complains if the exit status is not allowed, has no message, or files are incomplete.
ended() {
  (($1 < 3)) || complain "exit $1: $(head -n 3 "$scratch/err")"
  (($1 == 0)) || [[ -s $scratch/err ]] || complain "exit $1 without a message"
  whole || complain 'an incomplete file'
}

# whole: whether each document in the archive is valid, the state file still has the old entries and
# only complete lines, and no temporary file is left over. Files that the archive puts aside have other
# names.
whole() {
  local state=$files/state minutes='[0-9]+\+[0-9]+'
  [[ ! -d $conf.archive ]] || find "$conf.archive" -name '*.json' -exec jq -e . {} + >/dev/null || return 1
  [[ ! -e $files/output || -z $(tail -c 1 "$files/output") ]] || return 1
  [[ -z $(find "$files" -type f ! -name state ! -name state.lock ! -name output) && -z $(tail -c 1 "$state") ]] &&
    [[ $(head -n 1 "$state") == 'cemm minutes 2' && $(grep -cx end "$state") == 1 ]] && grep -qxF "$known" "$state" && ! tail -n +2 "$state" |
    grep -qvE $'^[^\t]*\t([0-9A-F]{2}-){5}[0-9A-F]{2}\t[^\t]+\t[^\t]+\t'"($minutes|@[0-9]+|/[0-9]+)( $minutes)*( @[0-9]+)?( /[0-9]+)?\$|^end\$"
}

# ---- programs ----------------------------------------------------------------------

# shape: prints the output of a program without numbers and without the units of ages.
shape() {
  find "$scratch/out" "$files" -name 'out*' -exec cat {} + | sed -E 's/ (s|min|h|d)( |$)//g' | tr -d '0-9. -'
}

# one_program COMMAND…: runs the program, which must print the same as without a failure or report the
# failure.
one_program() {
  local code=0
  timeout 60 "${world[@]}" env FAIL="$kind:$n" LD_PRELOAD="$failing" "$@" >"$scratch/out" 2>"$scratch/err" || code=$?
  ended "$code"
  if ((n == 0)); then
    expected=$(shape)
  elif ((code == 0)); then
    [[ $(shape) == "$expected" ]] || complain "exit 0, but some of the output is missing: $(shape | diff - <(echo "$expected") | head -n 3)"
  fi
}

# begin_one COMMAND…: starts the program and sets $pid.
begin_one() {
  : >"$scratch/err" # because the program may create it later
  env FAIL="$kind:$n" LD_PRELOAD="$failing" "$@" <&0 >"$scratch/out" 2>"$scratch/err" &
  pid=$!
  started "$pid"
}

# or_gone COMMAND…: whether the command succeeds or the program has ended, so that no wait is in vain.
or_gone() {
  "$@" || gone_or_zombie "$pid"
}

# one_stream OPTION…: runs two sweeps of `cemm stream`. It must go on if its files can't be written, but
# may end if there is no memory or no reader.
one_stream() {
  show_clock "$noon"
  exec 9<>"$scratch/in"
  begin_one "$cemm" stream --stdin "$@" <"$scratch/in" 9>&-
  echo >&9
  wait_for 60 swept "$@" || complain 'no request, no message'
  show_clock $((noon + 10000))
  echo >&9
  exec 9>&-
  wait_for 60 gone_or_zombie "$pid" || complain 'it does not end'
  stop "$pid"
  ended "$stopped"
  if [[ $kind == memory ]]; then # stdout itself may be full
    grep -qvE '^cemm,uid=[^ ]+ ([a-z0-9_]+=[0-9.-]+,?)+ [0-9]+$' "$scratch/out" && complain 'half a line'
  fi
  if ((stopped > 0)); then
    [[ $kind == memory ]] || grep -q stdout "$scratch/err" || complain "it ends: $(<"$scratch/err")"
  elif [[ $1 == --output ]]; then
    [[ -s $2 ]] || complain 'no output'
  elif [[ ! -s $scratch/out ]]; then # the source is in back-off: libcurl could not connect or send the key
    grep -q ': the account: ' "$scratch/err" || { [[ $kind == memory ]] && grep -q 'HTTP 403' "$scratch/err"; } || complain 'no values'
  else
    grep -qE "@$(tail -n 1 "$scratch/out" | sed -E 's/.* ([0-9]*)000000$/\1/')( /[0-9]+)?\$" "$2" || complain 'what was printed is not in the state file'
  fi
}

# swept OPTION FILE…: whether the first sweep has gone far enough that another line on stdin starts a
# separate sweep, or whether it has failed.
swept() {
  [[ -s $scratch/err ]] || gone_or_zombie "$pid" ||
    if [[ $1 == --output ]]; then [[ -s $2 ]]; else grep -q /realtime "$sim_log"; fi
}

# one_mount: runs cemmfs. Its files must be readable at the second attempt at the latest, or it must end
# with a message.
one_mount() {
  local file=$m/$dev/p1/data/day/2025/03/2025-03-05.csv
  begin_one "$build/fs/cemmfs" "$conf" "$m" -f
  wait_for 20 or_gone grep -qF " $m " /proc/self/mounts || true
  if ! gone_or_zombie "$pid"; then
    cat "$file" "$m/$dev/p1/realtime.csv" >/dev/null 2>&1 || true
    ls "$m" "$m/$dev/p1" >/dev/null 2>&1 || true
    wait_for 30 or_gone cat "$file" "$m/$dev/p1/realtime.csv" || complain "it does not come back: $(<"$scratch/err")"
  fi
  if ! gone_or_zombie "$pid"; then
    if ((n == 0)); then
      cp -f "$file" "$scratch/day" # read-only, as the file
    else
      cmp "$file" "$scratch/day" || complain 'other bytes'
    fi
    fusermount3 -u "$m" || complain "it is gone: $(<"$scratch/err")"
  fi
  stop "$pid"
  ended "$stopped"
}

# one_collectd: runs collectd, which must refuse to start and say why, or have values by the second
# sweep.
one_collectd() {
  rm -rf "$run/csv" "$run/log"
  show_clock "$noon"
  # Of two sweeps, one may fail.
  state=$files/state knows 10 "$dev" p1 t1 t2 t3 t4 electric_power rate
  begin_one "$collectd" -f -C "$run/collectd.conf"
  wait_for 60 or_refused grep -q /realtime "$sim_log" || complain 'it sends no request'
  show_clock $((noon + 10000))
  wait_for 60 or_refused gave || complain "no values: $(<"$run/log")"
  stop "$pid"
  ((stopped < 3)) || complain "exit $stopped: $(tail -n 3 "$run/log")"
  whole || complain 'an incomplete file'
}

# or_refused COMMAND…: whether the command succeeds or the plugin has failed to start. collectd goes on
# without such a plugin.
or_refused() {
  "$@" && return
  or_gone grep -q 'Initialization of plugin .cemm. failed' "$run/log" &&
    grep -q 'cemm plugin: ' "$run/log" "$scratch/out" "$scratch/err"
}

# gave: whether there are live values and, if no call has failed yet, older ones.
gave() {
  local file second=$((noon / 1000))
  file=$(csv "$dev" power-p1-electric_power)
  [[ -n $file ]] && grep -qE "^($second|$((second + 10)))\." "$file" &&
    { [[ -e $FAIL_MARK ]] || grep -q "^$((second - 120))\." "$file"; }
}

# ---- one after the other -------------------------------------------------------------

# one_by_one WHAT KIND COMMAND…: runs the command without a failure, then with a failure of the first
# call, of the second call, and so on until there are no more calls.
one_by_one() {
  local what=$1 kind=$2 n=0 count=0 wrong='' pid expected
  shift 2
  while :; do
    rm -rf "$conf.archive" "$FAIL_MARK" "$files"
    mkdir "$files"
    printf 'cemm minutes 2\n%s\nend\n' "$known" >"$files/state"
    : | tee "$sim_log" "$scratch/err" # deletes the lines of the previous run
    "$@"
    if [[ -e $FAIL_MARK ]]; then
      count=$((count + 1))
    elif ((n > 0)); then
      break
    fi
    n=$((n < singly ? n + 1 : n + 1 + n / stride))
  done
  if [[ -z $wrong ]]; then ok "$what: $kind fails in $count runs, up to call $((n - 1))"; else not_ok "$what: $kind fails" "$wrong"; fi
  ((count > 0)) || [[ $kind == sync || $what == read* ]] || not_ok "$what: $kind" 'it never failed'
}

# show_clock MS: sets the meters' clock.
show_clock() {
  local hex bytes='' i
  printf -v hex %016x "$1"
  for ((i = 14; i >= 0; i -= 2)); do bytes+="\\x${hex:i:2}"; done
  printf %b "$bytes" 1<>"$scratch/clock"
}

# young_sim: starts a simulator whose data is only the first 20 minutes of a day. This takes few calls,
# but reaches all code paths.
young_sim() {
  local day
  day=$(date -d '1 hour ago' +%F)
  noon=$(($(midnight "$day") * 1000 + 1200000))
  show_clock "$noon"
  start_sim --devices 1 --meters p1 --since "$day" --clock "$scratch/clock"
}

# half_a_day: tests a file that grows, if the kernel can't be notified. According to the Date
# header of the first answer, the day has not ended; the answer a minute later is complete and closed.
half_a_day() {
  local day noon
  day=$(date -d '3 days ago' +%F)
  noon=$(($(midnight "$day") + 43200))
  show_clock "${noon}000"
  start_sim --devices 1 --meters p1 --since "$day" --clock "$scratch/clock"
  write_config "$conf"
  sim_faults "date=$noon@*/data/*"
  FAIL=notice:1 LD_PRELOAD=$failing mount_fs
  file=$(day_file "$dev" p1 "$day" csv)
  is 'half of a day is read' "${day}T11:59" "$(tail -n1 "$file" | cut -c 1-16)"
  show_clock "$(date +%s)000"
  sim_faults
}

case $part in
  cemm)
    start_sim --devices 1 --meters p1 --since 2025-01-01
    write_config "$conf"
    one_by_one read memory one_program "$cemm" read
    one_by_one 'read as a table' memory one_program "$cemm" read --format table
    one_by_one list memory one_program "$cemm" list
    for kind in memory write rename open mkdir; do
      one_by_one history "$kind" one_program "$cemm" history --from 2025-03-01 --to 2025-03-02
    done
    one_by_one 'history as openmetrics' memory one_program "$cemm" history --from 2025-03-01 --to 2025-03-02 --format openmetrics
    for kind in write rename sync open; do
      one_by_one 'read --output' "$kind" one_program "$cemm" read --output "$files/output"
    done
    ;;
  stream)
    young_sim
    write_config "$conf"
    mkfifo "$scratch/in"
    for kind in memory write rename sync open; do
      one_by_one 'stream --state' "$kind" one_stream --state "$files/state"
      one_by_one 'stream --output' "$kind" one_stream --output "$files/output" --format prometheus
    done
    ;;
  discover)
    net_begin
    world=("${asker[@]}")
    start_sim_in_site --discovery --lan-bind 10.77.0.11 --meters p1
    printf '[archive]\ndirectory = %s\n' "$conf.archive" >"$conf"
    one_by_one discover memory one_program "$cemm" discover
    one_by_one list memory one_program "$cemm" list
    for kind in write rename sync open; do
      one_by_one 'discover --output' "$kind" one_program "$cemm" discover --output "$files/output"
    done
    ;;
  mount)
    start_sim --devices 1 --meters p1 --since 2025-01-01
    write_config "$conf"
    mkdir "$m"
    for kind in memory write rename open mkdir; do
      one_by_one cemmfs "$kind" one_mount
    done
    ;;
  notice)
    half_a_day
    refused() { stat "$file" && [[ -e $FAIL_MARK ]]; }
    check 'the kernel cannot be told that the file has grown' wait_for 90 refused
    whole() { tail -n1 "$file" | grep 'T23:59'; }
    check 'the kernel is told when the attributes of the file are asked for again' wait_for 20 whole
    unmount_fs
    ;;
  collectd)
    collectd_begin
    young_sim
    write_key "$scratch/key"
    conf "$run" <<END
Timeout 1000
<Plugin cemm>
  TimeZone "Europe/Amsterdam"
  StateFile "$files/state"
  <Cloud "home">
    URL "$sim_cloud"
    ApiKeyFile "$scratch/key"
    Interval 0.2
  </Cloud>
  <Backfill>
    Writer "csv"
    Window 172800
  </Backfill>
</Plugin>
END
    for kind in memory write rename sync open; do
      one_by_one collectd "$kind" one_collectd
    done
    ;;
esac
finish
