# shellcheck shell=bash disable=SC2034
# For every end-to-end test: provides a scratch directory, simulators, processes and mounts, all of
# which are removed at the end, and prints results as in TAP (Test Anything Protocol). Source it, then:
#
#   set -euo pipefail
#   . "$(dirname "$0")/lib.sh"
#   begin BUILD_DIR               # scratch directory $scratch, $build, traps
#   start_sim --devices 2         # sets $sim_pid $sim_cloud $sim_lan (array) $sim_log $sim_key
#   is 'what' "$expected" "$got"  # or: check 'what' command…; ok 'what'; not_ok 'what' [why]
#   finish                        # the plan, and exit 1 if anything failed
#
# A test that mounts or makes networks first calls: enter_namespaces "$@".
#
# A test only ends processes that it has started, by their process id.

tap_count=0
tap_failed=0
own_pids=()
own_mounts=()
declare -A own_sims=() # process id → directory, of the simulators that have not been stopped
cleanup_hooks=()
readonly skipped=77 # the exit code that means "skipped" to meson

# The prefix of a command that runs as root in its own mount namespace.
as_root_of_mounts=(unshare --mount)
((EUID == 0)) || as_root_of_mounts+=(--map-root-user)

# enter_namespaces ARGUMENT…: starts the test again, with these arguments, in its own mount namespace
# and, if it does not run as root, in its own user namespace. Skips the test if that is forbidden.
enter_namespaces() {
  local why
  if [[ ${CEMM_TEST_NAMESPACES-} != "$$" ]]; then
    why=$("${as_root_of_mounts[@]}" true 2>&1) || skip "needs root, or user namespaces: $why"
    export CEMM_TEST_NAMESPACES=$$
    ((EUID == 0)) || exec "${as_root_of_mounts[@]}" bash "$(dirname "$0")/own-root.sh" bash "$0" "$@"
    exec "${as_root_of_mounts[@]}" bash "$0" "$@"
  fi
  # Otherwise the copies in our namespace would keep the mounts of other tests alive.
  umount -a -l -t fuse.cemmfs 2>/dev/null || true
}

# begin BUILD_DIR: sets $build and $scratch, and cleans up when the test ends.
begin() {
  if [[ $# -lt 1 || ! -d $1 ]]; then
    echo "usage: $0 BUILD_DIR" >&2
    exit 2
  fi
  build=$(cd "$1" && pwd)
  scratch=$(mktemp -d "${TMPDIR:-/tmp}/cemm-e2e.XXXXXX")
  # The user's configuration must not affect a test.
  export XDG_CONFIG_HOME="$scratch/xdg-config" XDG_DATA_HOME="$scratch/xdg-data" STATE_DIRECTORY="$scratch/state"
  unset CEMM_CONFIG NOTIFY_SOCKET CREDENTIALS_DIRECTORY
  unset http_proxy https_proxy HTTP_PROXY HTTPS_PROXY ALL_PROXY all_proxy
  trap cleanup EXIT
  trap 'exit 130' INT
  trap 'exit 143' TERM HUP
  if day_ends; then
    echo '# waits until midnight is over, because the test compares data of one day'
    while day_ends; do sleep 1; done
  fi
}

# day_ends: whether in UTC, in the meters' zone or in the machine's, the day ends within two minutes,
# or began so recently that it has no row yet.
day_ends() {
  local now
  for now in "$(date -u +%H%M)" "$(TZ=Europe/Amsterdam date +%H%M)" "$(date +%H%M)"; do
    [[ $now > 2357 || $now < 0003 ]] && return
  done
  return 1
}

# skip WHY…: ends the test as skipped, because it can't run or continue here.
skip() {
  ((tap_failed == 0)) || finish
  echo "1..0 # SKIP $*"
  exit "$skipped"
}

# ---- TAP ---------------------------------------------------------------------

ok() {
  tap_count=$((tap_count + 1))
  echo "ok: $1"
}

# not_ok WHAT [WHY]: counts a failed check, and prints the first lines of WHY as a comment.
not_ok() {
  tap_count=$((tap_count + 1))
  tap_failed=$((tap_failed + 1))
  echo "not ok: $1"
  [[ -z ${2-} ]] || head -n 12 <<<"$2" | cut -c1-300 | sed 's/^/#   /'
}

# left_out WHAT WHY: reports a check that can't be done here. tests/run.sh counts it as skipped.
left_out() {
  tap_count=$((tap_count + 1))
  echo "skipped: $1 ($2)"
}

# check WHAT COMMAND…: ok if the command succeeds; otherwise shows its output.
check() {
  local what=$1 out
  shift
  if out=$("$@" 2>&1); then ok "$what"; else not_ok "$what" "failed ($?): $* ${out:+: $out}"; fi
}

# refute WHAT COMMAND…: ok if the command fails.
refute() {
  local what=$1 out
  shift
  if out=$("$@" 2>&1); then not_ok "$what" "succeeded: $* ${out:+: $out}"; else ok "$what"; fi
}

# is WHAT EXPECTED GOT: ok if both texts are the same.
is() {
  if [[ $2 == "$3" ]]; then ok "$1"; else not_ok "$1" "expected: $2"$'\n'"got: $3"; fi
}

# has WHAT TEXT PART: ok if TEXT contains PART.
has() {
  if [[ $2 == *"$3"* ]]; then ok "$1"; else not_ok "$1" "no \"$3\" in: $2"; fi
}

# hasnt WHAT TEXT PART: ok if TEXT does not contain PART.
hasnt() {
  if [[ $2 != *"$3"* ]]; then ok "$1"; else not_ok "$1" "\"$3\" in: $2"; fi
}

# exits WHAT CODE COMMAND…: ok if the command ends with the exit status CODE. Sets $out and $err.
exits() {
  local what=$1 code=$2 got=0
  shift 2
  "$@" >"$scratch/stdout" 2>"$scratch/stderr" || got=$?
  out=$(<"$scratch/stdout")
  err=$(<"$scratch/stderr")
  if [[ $got == "$code" ]]; then ok "$what"; else not_ok "$what" "exit $got, not $code: $* "$'\n'"$out$err"; fi
}

finish() {
  local pid
  for pid in "${!own_sims[@]}"; do sim_ended_well "$pid"; done
  echo "1..$tap_count"
  if ((tap_failed > 0)); then
    echo "# $tap_failed of $tap_count failed"
    exit 1
  fi
  exit 0
}

# ---- time and processes ------------------------------------------------------

# Time limits are multiplied by this for busy machines.
readonly patience=${CEMM_TEST_PATIENCE:-10}

# wait_for SECONDS COMMAND…: repeats the command until it succeeds; false after SECONDS × $patience.
wait_for() {
  wait_at_most $(($1 * patience)) "${@:2}"
}

# wait_at_most SECONDS COMMAND…: the same, but false after SECONDS.
wait_at_most() {
  local end=$((${EPOCHREALTIME/[.,]/} + $1 * 1000000))
  shift
  until "$@" >/dev/null 2>&1; do
    ((${EPOCHREALTIME/[.,]/} < end)) || return 1
    sleep 0.05
  done
}

# now_ms: prints the time in milliseconds since 1970.
now_ms() {
  echo $((${EPOCHREALTIME/[.,]/} / 1000))
}

# To check that something does not wait for an answer, tests do not compare times. Instead, the answer never
# comes, and the timeout of its source is an hour.

# within SECONDS COMMAND…: runs the command, and fails if that takes longer than SECONDS × $patience.
within() {
  timeout -s KILL $(($1 * patience)) "${@:2}"
}

# ends WHAT PID: ok if the child process PID ends before its event loop would wake up by itself, which happens
# once a minute.
ends() {
  check "$1" wait_at_most 30 gone_or_zombie "$2"
}

alive() {
  ! gone_or_zombie "$1"
}

# ours PID: whether PID is still a child of this script. The number may have been reused.
ours() {
  local stat
  read -r stat 2>/dev/null <"/proc/$1/stat" || return 1
  stat=${stat##*) }
  read -r _ stat _ <<<"$stat"
  [[ $stat == "$$" ]]
}

# started PID: registers a process that cleanup ends.
started() {
  own_pids+=("$1")
}

# stop PID [SIGNAL]: ends a child process and waits for its end. Sets $stopped to its exit status.
stop() {
  local signal=${2:-TERM}
  stopped=0
  if [[ -n ${own_sims[$1]-} ]]; then
    sim_ended_well "$1"
    return
  fi
  kill -s "$signal" "$1" 2>/dev/null || true
  if ! wait_for 10 gone_or_zombie "$1"; then
    kill -s KILL "$1" 2>/dev/null || true
  fi
  wait "$1" 2>/dev/null || stopped=$?
}

# gone_or_zombie PID: whether the process has ended. A child that has ended is a zombie until the
# shell waits for it.
gone_or_zombie() {
  local stat
  read -r stat 2>/dev/null <"/proc/$1/stat" || return 0
  [[ ${stat##*) } == [ZX]* ]]
}

# mounted DIRECTORY: registers a mount that cleanup unmounts.
mounted() {
  own_mounts+=("$1")
}

# at_cleanup COMMAND: registers a command that cleanup runs before it ends processes and removes
# $scratch.
at_cleanup() {
  cleanup_hooks+=("$1")
}

cleanup() {
  local status=$? item
  trap - EXIT INT TERM HUP
  set +e
  for item in "${cleanup_hooks[@]}"; do eval "$item"; done
  for item in "${own_pids[@]}"; do
    ours "$item" && kill -s CONT "$item" 2>/dev/null && kill -s TERM "$item" 2>/dev/null
  done
  for item in "${own_mounts[@]}"; do
    wait_at_most 2 not_mounted "$item" || fusermount3 -u -z "$item" 2>/dev/null || umount -l "$item" 2>/dev/null
  done
  for item in "${own_pids[@]}"; do
    ours "$item" || continue
    wait_at_most 5 gone_or_zombie "$item" 2>/dev/null || kill -s KILL "$item" 2>/dev/null
    wait "$item" 2>/dev/null
  done
  if [[ -n ${CEMM_E2E_KEEP-} ]]; then
    echo "# kept: $scratch" >&2
  else
    remove "$scratch"
  fi
  exit "$status"
}

# remove DIRECTORY: removes a directory with its content, which may be read-only if it was copied from
# a mount.
remove() {
  find "$1" -xdev -type d ! -perm -u+w -exec chmod u+w {} +
  rm -rf --one-file-system "$1"
}

not_mounted() {
  ! grep -qF " $1 " /proc/self/mounts
}

# ---- the simulator -----------------------------------------------------------

sim_key=test-key-4e4f657
sim_count=0

# start_sim [OPTION…]: starts another simulator. Sets $sim_pid, $sim_cloud (URL with its prefix),
# $sim_lan (array of host:port), $sim_log and $sim_control. Copy these if you start several simulators.
start_sim() {
  local line word dir
  sim_count=$((sim_count + 1))
  dir=$scratch/sim$sim_count
  mkdir "$dir"
  sim_log=$dir/log
  sim_control=$dir/control
  : >"$sim_log"
  : >"$sim_control"
  "$build/tests/simulator/cemm-sim" --log "$sim_log" --control "$sim_control" --key "$sim_key" "$@" \
    >"$dir/ready" 2>"$dir/stderr" &
  sim_pid=$!
  started "$sim_pid"
  own_sims[$sim_pid]=$dir
  if ! wait_for 10 grep -q '^ready ' "$dir/ready"; then
    echo "Bail out! the simulator did not start: $(<"$dir/stderr")"
    exit 1
  fi
  line=$(grep -m1 '^ready ' "$dir/ready")
  sim_lan=()
  for word in $line; do
    case $word in
      cloud=*) sim_cloud=${word#cloud=} ;;
      lan=-) ;;
      lan=*) IFS=, read -r -a sim_lan <<<"${word#lan=}" ;;
    esac
  done
}

# sim_ended_well PID: stops a simulator. A check fails if it had already ended or ends with an error,
# because that explains other failures.
sim_ended_well() {
  local dir=${own_sims[$1]} what=
  unset "own_sims[$1]"
  gone_or_zombie "$1" && what='early, '
  stop "$1"
  if [[ -n $what || $stopped != 0 ]]; then
    not_ok "the simulator $(basename "$dir") runs until it is stopped" "it ended ${what}with $stopped; $(tail -n 20 "$dir/stderr")"
  fi
}

# sim_faults [SPEC…]: replaces the faults of the simulator started last. Returns when the simulator
# uses the new ones, which its answer to a probe shows.
sim_faults() {
  local probe="status=$((sim_probe = 418 + (sim_probe + 1) % 30))@*/probe-$sim_pid*"
  printf '%s\n' "$@" "$probe" | sed '/^$/d' >"$sim_control"
  kill -s HUP "$sim_pid"
  wait_for 20 sim_probed "$sim_probe"
}
sim_probe=0

sim_probed() {
  [[ $(curl -s -o /dev/null -w '%{http_code}' "${sim_cloud}probe-$sim_pid/?api_key=$sim_key") == "$1" ]]
}

# cloud_get PATH [QUERY]: prints the answer of the simulator's cloud. Repeats the request while the
# answer is a promise.
cloud_get() {
  local url="$sim_cloud$1?api_key=$sim_key${2:+&$2}" code tries=0
  while :; do
    code=$(curl -s -o "$scratch/cloud-answer" -w '%{http_code}' "$url")
    [[ $code == 202 && $tries -lt 200 ]] || break
    tries=$((tries + 1))
    sleep 0.1
  done
  [[ $code == 200 ]] && cat "$scratch/cloud-answer"
}

# requests PATTERN: prints how many lines of the request log match an extended regular expression.
requests() {
  grep -cE -- "$1" "$sim_log" || true
}

# ---- configuration -----------------------------------------------------------

# write_key FILE [KEY]: writes a key file, by default with the simulator's key.
write_key() {
  (umask 077 && printf '%s\n' "${2:-$sim_key}" >"$1")
}

# write_config FILE [LINE…]: writes a configuration with one cloud account, [cloud home], for the
# simulator started last. The lines are added to that section.
write_config() {
  local file=$1
  shift
  write_key "$file.key"
  {
    echo 'time-zone = Europe/Amsterdam'
    echo
    echo '[discovery]'
    echo 'enabled = no' # broadcasts would leave this machine
    echo
    echo '[archive]'
    echo "directory = $file.archive"
    echo
    echo '[cloud home]'
    echo "url = $sim_cloud"
    echo "api-key-file = $file.key"
    [[ $# -eq 0 ]] || printf '%s\n' "$@"
  } >"$file"
}
