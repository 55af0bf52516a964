# shellcheck shell=bash disable=SC2034,SC2154
# A real collectd with the plugin and its csv writer, and comparisons of its values with the oracle,
# `cemm-sim --print`. Source it after lib.sh, then:
#
#   begin BUILD_DIR
#   collectd_begin                   # or ends the test as skipped
#   conf "$run" <<<'<Plugin cemm>…'  # $run/collectd.conf; values go to $run/csv
#   start_collectd "$run"            # sets $daemon
#   has_lines 6 UID power-p1-electric_power
#   stop_collectd 'when' "$run"
#
# To run collectd with a command prefix, such as the array `asker` of netns.sh, copy the prefix to the
# array `world`. If `world` is empty, collectd is in the networks of the machine, which no configuration
# may search.

world=()
host=test-host
since=2025-01-01 # when the data begins, for both the simulator and the oracle

collectd_begin() {
  collectd=$(PATH=$PATH:/usr/sbin:/usr/local/sbin command -v collectd) || skip "collectd is not installed"
  plugin=$build/plugin/collectd
  sim=$build/tests/simulator/cemm-sim
  # A plugin built with ASan needs ASan's runtime in collectd from the start. collectd itself has no
  # leaks that the leak checker finds.
  preload=$(ldd "$plugin/cemm.so" | sed -n 's/.*=> \(.*libasan[^ ]*\) .*/\1/p')
  export ASAN_OPTIONS=detect_leaks=1:exitcode=99
}

run_collectd() {
  "${world[@]}" env ${preload:+LD_PRELOAD=$preload} "$collectd" "$@"
}

# ---- configuration -----------------------------------------------------------

# silent BODY: prints BODY, with discovery disabled unless BODY has a <Discovery> block. Ends the test
# if the configuration would still search.
silent() {
  local body=$1 off=$'<Discovery>\nEnabled false\n</Discovery>'
  [[ $body == *"<Discovery"* ]] || body=${body/"<Plugin cemm>"/"<Plugin cemm>"$'\n'"$off"}
  if [[ $body != *"Enabled false"* ]]; then
    echo "Bail out! this would search the networks of the machine: $body" >&2
    return 1
  fi
  echo "$body"
}

# conf DIRECTORY: writes DIRECTORY/collectd.conf, with the <Plugin cemm> block from standard input.
conf() {
  local body
  body=$(cat)
  if [[ ${#world[@]} -eq 0 ]]; then body=$(silent "$body"); fi
  mkdir -p "$1"
  {
    cat <<END
Hostname "$host"
FQDNLookup false
BaseDir "$1"
PIDFile "$1/pid"
Interval 1
LoadPlugin logfile
<Plugin logfile>
  File "$1/log"
  LogLevel info
</Plugin>
LoadPlugin csv
<Plugin csv>
  DataDir "$1/csv"
</Plugin>
PluginDir "$plugin"
END
    # A second LoadPlugin would make collectd leak some bytes.
    [[ $body == *"LoadPlugin cemm"* ]] || echo "LoadPlugin cemm"
    echo "$body"
  } >"$1/collectd.conf"
}

# refused WHAT BLOCK WORDS [DIRECTORY]: ok if the <Plugin cemm> block BLOCK is refused and the log
# contains WORDS. If DIRECTORY is given, BaseDir contains a directory of that name.
# Debian's collectd 5.12.0 ends `-t` before it has read anything (collectd issue 3216). `-T` also begins
# with that check, and ends if there is an error.
refused() {
  local dir=$scratch/refused code=0
  rm -rf "$dir"
  conf "$dir" <<<"$2"
  [[ -z ${4-} ]] || mkdir "$dir/$4"
  run_collectd "$test_option" -C "$dir/collectd.conf" >"$dir/out" 2>&1 || code=$?
  if ((code == 0)) || [[ -d $dir/csv ]]; then
    not_ok "refused: $1" "exit $code"
  elif ! grep -qF -- "cemm plugin: $3" "$dir/log" "$dir/out"; then
    not_ok "refused: $1" "no \"$3\" in:"$'\n'"$(cat "$dir/log" "$dir/out" 2>/dev/null)"
  else
    ok "refused: $1 ($3)"
  fi
  cat "$dir/log" "$dir/out" >>"$scratch/all-logs" 2>/dev/null || true
}

# choose_test_option: sets $test_option to -t, or to -T if this collectd's -t reads nothing.
choose_test_option() {
  test_option=-t
  if run_collectd -t -C "$scratch/there-is-no-such-file" >"$scratch/out" 2>&1; then
    test_option=-T
    echo "# this collectd's -t checks nothing (collectd issue 3216): configurations are checked with -T"
  fi
}

# ---- running -----------------------------------------------------------------

# start_collectd DIRECTORY: starts collectd with the configuration there, and sets $daemon.
start_collectd() {
  local before
  before=$(initializations "$1")
  # run_collectd is not used, because $! must be collectd itself and not a subshell.
  "${world[@]}" env ${preload:+LD_PRELOAD=$preload} "$collectd" -f -C "$1/collectd.conf" >"$1/out" 2>&1 &
  daemon=$!
  started "$daemon"
  wait_for 60 initialized "$1" $((before + 1)) || not_ok "collectd starts" "$(cat "$1/log" "$1/out")"
}

# knows SECONDS UID ALIAS CHANNEL…: writes the channels' intervals to the state file ($state, or the
# plugin's default), so that their first values are not held back.
knows() {
  local file=${state:-$run/cemm.state} channel
  [[ -e $file ]] || printf 'cemm minutes 2\nend\n' >"$file"
  for channel in "${@:4}"; do printf '\t%s\t%s\t%s\t/%d\n' "$2" "$3" "$channel" "$1" >>"$file"; done
}

# knows_gas UID…: writes to the state file that gas is measured once an hour. Otherwise its first value
# would be held back for two minutes, because there is no second reading in that time.
knows_gas() {
  local uid
  for uid; do
    knows 3600 "$uid" p1 gas
    knows 3600 "$uid" p1-gas gas
  done
}

# initialized DIRECTORY TIMES: whether collectd has started TIMES times, according to its log, to which
# a restarted collectd appends.
initialized() {
  local times
  times=$(initializations "$1")
  ((times >= $2))
}

initializations() {
  grep -sc 'Initialization complete' "$1/log" || true
}

# stop_collectd WHAT DIRECTORY: stops collectd.
stop_collectd() {
  stop "$daemon"
  is "$1: it stops" 0 "$stopped"
  cat "$2/log" "$2/out" >>"$scratch/all-logs"
  is "$1: the sanitizers found nothing" "" "$(grep -E 'ERROR: .*Sanitizer|runtime error' "$2/out" || true)"
}

# lines FILE…: prints the number of lines in all files, without csv's headers.
lines() {
  cat "$@" 2>/dev/null | grep -vc '^epoch' || true
}

# csv UID TYPE-INSTANCE [HOST]: prints the names of the files of a series (two after midnight).
csv() {
  find "$run/csv" -path "$run/csv/${3:-$host}/cemm-$1/$2-????-??-??" -type f 2>/dev/null
}

# has_lines COUNT UID SERIES [HOST]: whether the series has at least COUNT values.
has_lines() {
  local file
  file=$(csv "$2" "$3" "${4-}")
  [[ -n $file ]] && (($(lines "$file") >= $1))
}

# ---- the values -------------------------------------------------------------

# Devices that are read on the LAN: their values have two decimals, and they also have totals.
declare -A on_lan=()

# compare UID TYPE ALIAS CHANNEL FACTOR [totals:]: compares every value of the series with the oracle's
# value times FACTOR.
compare() {
  local file time value wanted wrong='' count=0 last=0
  file=$(csv "$1" "$2-$3-$4")
  if [[ -z $file ]]; then
    not_ok "$1 $2-$3-$4" "there is no such file"
    return
  fi
  while IFS=, read -r time value; do
    [[ $time != epoch ]] || continue
    time=${time/./}
    count=$((count + 1))
    ((time > last)) || wrong+="time $time after $last"$'\n'
    last=$time
    wanted=$("$sim" --since "$since" --print "$1" "$3" "${on_lan[$1]+lan:}${6-}$4" "$time" | awk -v factor="$5" '{ printf "%.6f", $1 * factor }')
    [[ $value == "$wanted" ]] || wrong+="at $time: $value, not $wanted"$'\n'
    is_reading_time "${6-}$4" "$time" || wrong+="no reading was made at $time"$'\n'
  done <"$file"
  if [[ -n $wrong ]]; then not_ok "$1 $2-$3-$4" "$wrong"; else ok "$1 $2-$3-$4: $count values, each once, with its own time"; fi
}

# is_reading_time CHANNEL MS: whether a reading can have that time. The meters are read every ten
# seconds, and gas every full hour (--gas-stamp hour). Totals have times some seconds later.
is_reading_time() {
  local every=10000
  [[ $1 != totals:* ]] || { (($2 % every == 5000 || $2 % every == 6000)); return; }
  [[ $1 != gas ]] || every=3600000
  (($2 % every == 0))
}

# without_gaps UID SERIES: whether every reading from the first to the last was dispatched.
without_gaps() {
  awk -F, '/^epoch/ { next } last && $1 - last != 10 { exit 1 } { last = $1 }' "$(csv "$1" "$2")"
}

compare_device() {
  local channel
  for channel in t1 t2 t3 t4; do compare "$1" energy_wh p1 "$channel" 1000; done
  compare "$1" power p1 electric_power 1
  compare "$1" gauge p1 rate 1
  compare "$1" gauge p1 gas 1
  compare "$1" gauge p1-gas gas 1
  compare "$1" power s01 electric_power 1
  [[ -n ${on_lan[$1]+x} ]] || return 0
  for channel in electric_energy electric_energy_high; do
    compare "$1" energy_wh p1 "$channel" 1000 totals:
    compare "$1" energy_wh s01 "$channel" 1000 totals:
  done
}

# log_lines TEXT: prints the number of lines of the log that contain TEXT.
log_lines() {
  grep -c -- "$1" "$run/log" || true
}
