#!/usr/bin/env bash
# Runs all tests: installs the packages that they need, builds with gcc and clang (warnings are errors),
# runs every suite without and with the sanitizers, and runs the unit tests under valgrind. The last
# line has the counts. --long adds the tests that take minutes each; --no-install installs nothing.
set -euo pipefail

usage() {
  cat <<'TEXT'
usage: tests/run.sh [--long] [--no-install]

Builds cemm in a scratch directory and runs its tests there. Takes about 15 minutes on two
cores.

  --long         also run the long tests
  --no-install   do not install Debian packages; those of .ci/packages must be installed
TEXT
}

long=no
install=yes
for option in "$@"; do
  case $option in
    --long) long=yes ;;
    --no-install) install=no ;;
    --help) usage && exit 0 ;;
    *) usage >&2 && exit 2 ;;
  esac
done

top=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
cd "$top"
[[ $install == no ]] || .ci/install

scratch=$(mktemp -d "${TMPDIR:-/tmp}/cemm-tests.XXXXXX")
chmod 711 "$scratch" # because in one test, other users read a mount in this directory
export TMPDIR=$scratch # also identifies all processes that are started from here on

# ours: prints the processes that this run has started, directly or indirectly.
ours() (
  unset TMPDIR # excludes the processes that search
  grep -lszF "TMPDIR=$scratch" /proc/[0-9]*/environ | cut -d / -f 3
)

# end SIGNAL TENTHS: sends the signal to our processes every second until they have ended, or until
# TENTHS tenths of a second have passed.
end() {
  local i pids
  for ((i = 0; i < $2; i++)); do
    mapfile -t pids < <(ours)
    [[ ${#pids[@]} -gt 0 ]] || return 0
    ((i % 10 > 0)) || kill -s "$1" "${pids[@]}" 2>/dev/null || true
    sleep 0.1
  done
}

# cleanup: terminates the tests, which then clean up, and removes what a killed test has left behind.
cleanup() {
  local children mounts mount
  trap - EXIT
  trap '' INT TERM HUP
  mapfile -t children < <(jobs -p)
  [[ ${#children[@]} -eq 0 ]] || kill -s TERM "${children[@]}" 2>/dev/null || true
  end TERM 100
  end KILL 50
  mapfile -t mounts < <(awk -v top="$scratch/" 'index($2, top) == 1 { print $2 }' /proc/self/mounts)
  for mount in "${mounts[@]}"; do
    fusermount3 -u -z "$mount" 2>/dev/null || umount -l "$mount" || true
  done
  find "$scratch" -xdev -type d ! -perm -u+w -exec chmod u+w {} +
  rm -rf --one-file-system "$scratch"
}
trap cleanup EXIT
trap 'exit 130' INT
trap 'exit 143' TERM HUP

side_by_side=4 # number of parallel end-to-end tests; most of them wait most of the time

# count PASSED FAILED SKIPPED: adds to the counts.
count() {
  echo "$*" >>"$scratch/counts"
}

# step NAME COMMAND…: runs a test that is a single command. Its output is shown if it fails.
step() {
  local name=$1 log
  shift
  log=$(mktemp "$scratch/step.XXXXXX")
  if "$@" >"$log" 2>&1; then
    count 1 0 0
    echo "ok   $name"
  else
    count 0 1 0
    echo "FAIL $name" | tee -a "$scratch/failures"
    tail -n 60 "$log"
    return 1
  fi
}

# configure NAME OPTION…: makes a build directory of that name.
configure() {
  local name=$1
  shift
  step "$name: build" bash -c 'meson setup "$@" && meson compile -C "$1"' - \
    "$scratch/$name" -Dwerror=true "$@"
}

# suites NAME SETUP OPTION…: runs meson test in that build directory with that setup (-: none), and
# counts the results in its log. Timeouts are multiplied, so that they end only tests that hang.
suites() {
  local name=$1 setup=$2 status=0 log
  shift 2
  [[ $setup != - ]] || setup=
  echo "==== $setup"
  log=$scratch/$name/meson-logs/testlog${setup:+-$setup}.json
  rm -f "$log"
  meson test -C "$scratch/$name" --no-rebuild --print-errorlogs --num-processes "$side_by_side" \
    --timeout-multiplier 4 ${setup:+--setup "$setup"} "$@" || status=$?
  if [[ ! -e $log ]]; then
    echo "FAIL $name: meson test $setup" >>"$scratch/failures"
    count 0 1 0
    return 1
  fi
  # What is counted are checks, not programs: cmocka's cases and the lines of the end-to-end tests. A
  # program that failed without a failed check, because it crashed or hung, counts as a failed check.
  local ok bad skip
  ok=$(jq -r '.stdout // ""' "$log" | grep -cE '^(ok: |\[ +OK \])' || true)
  bad=$(jq -r 'select(.result != "OK" and .result != "SKIP") |
    [(.stdout // "") | scan("(?m)^not ok: |^\\[  FAILED  \\] [a-z]")] | length | if . == 0 then 1 else . end' \
    "$log" | awk '{ n += $1 } END { print n + 0 }')
  jq -r --arg build "$name" 'select(.result != "OK" and .result != "SKIP") |
    "FAIL \($build): \(.name): \(.result)",
    ([(.stdout // "") | scan("(?m)^(?:not ok: |\\[  FAILED  \\] [a-z]).*(?:\n#.*)*")] as $checks |
      if $checks != [] then $checks else [.stdout, .stderr] | map((. // "") | split("\n")[-6:]) | add end |
      .[] | "  " + .)' "$log" >>"$scratch/failures"
  jq -r --arg build "$name" 'select(.result == "SKIP") |
    "skipped \($build): \(.name): " + ((.stdout // "") | (capture("(?m)# SKIP (?<why>.*)$") // {why: ""}).why)' \
    "$log" >>"$scratch/skips"
  jq -r --arg build "$name" '.name as $test | (.stdout // "") |
    scan("(?m)^skipped: .*$") | "skipped \($build): \($test): " + .[9:]' "$log" >>"$scratch/skips"
  skip=$(jq -r 'if .result == "SKIP" then .name else (.stdout // "") | scan("(?m)^skipped: ") end' "$log" | wc -l)
  # meson itself may fail although no test has failed.
  [[ $status -eq 0 || $bad -gt 0 ]] || bad=1
  count "$ok" "$bad" "$skip"
}

# beside NAME COMMAND…: runs the command in the background. Each line of its output begins with NAME.
beside() {
  local name=$1
  shift
  { "$@" 2>&1 || true; } | sed -u "s/^/$name: /" &
}

plain() {
  configure plain || return
  suites plain -
  suites plain valgrind --suite unit --suite golden
}

sanitized() {
  configure sanitized -Db_sanitize=address,undefined -Db_lundef=false || return
  # The quarantine, in which ASan keeps freed memory, is small, because some tests measure memory.
  export ASAN_OPTIONS=detect_leaks=1:abort_on_error=1:quarantine_size_mb=16
  export UBSAN_OPTIONS=halt_on_error=1:print_stacktrace=1
  suites sanitized -
}

# others: tests that the other build configurations have no warnings.
others() {
  CC=clang configure clang || true
  configure release --buildtype=release
}

# threads: runs ThreadSanitizer for the programs' threads: libcurl's resolvers, callers of cemm_wakeup(),
# and cemmfs's invalidation thread. collectd can't load a plugin that was built with it.
threads() {
  configure threads -Db_sanitize=thread -Db_lundef=false || return
  export TSAN_OPTIONS=exitcode=66
  suites threads - archive cemm collectors discovery endpoints engine filters fleet history libcemm \
    mount mount-archive mount-attack mount-history mount-slow resolver source-change sources stream systemd
}

touch "$scratch/failures" "$scratch/skips"
mapfile -t sources < <(git ls-files '*.c' '*.h')
step "style: clang-format" clang-format --dry-run -Werror "${sources[@]}" || true
beside plain plain
beside sanitized sanitized
beside others others
wait
if [[ $long == yes ]]; then
  [[ ! -d $scratch/plain ]] || beside long suites plain long --suite long
  wait
  beside threads threads
  wait
fi

read -r passed failed skipped < <(awk '{ p += $1; f += $2; s += $3 } END { print p + 0, f + 0, s + 0 }' "$scratch/counts")
# In CI a skipped test is an error.
if [[ ${CI:-} == true && $skipped -gt 0 ]]; then
  failed=$((failed + skipped))
  skipped=0
fi
# Repeats the result at the end of a long log.
sort -u "$scratch/skips" | head -n 60
head -n 60 "$scratch/failures"
echo "$passed passed, $failed failed, $skipped skipped"
[[ $failed -eq 0 ]]
