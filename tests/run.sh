#!/usr/bin/env bash
# All tests: installs what they need, builds with gcc and clang (warnings are errors), and runs
# every suite plain, with the sanitizers, and the unit tests under valgrind. The last line is the
# count. --long adds what takes more than some minutes; --no-install installs nothing.
set -euo pipefail

usage() {
  cat <<'TEXT'
usage: tests/run.sh [--long] [--no-install]

Builds cemm in a scratch directory and runs its tests there. Takes some minutes.

  --long         also the tests that take longer than that
  --no-install   do not install Debian packages; those of .ci/packages must be there
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
chmod 711 "$scratch" # other users read a mount in there, in one test
export TMPDIR=$scratch # what a test that was killed leaves goes with it
child=
# The tests clean up their own mounts and processes when they are told to end.
cleanup() {
  trap - EXIT INT TERM HUP
  if [[ -n $child ]] && kill -TERM "$child" 2>/dev/null; then
    wait "$child" || true
  fi
  rm -rf --one-file-system "$scratch"
}
trap cleanup EXIT
trap 'exit 130' INT
trap 'exit 143' TERM HUP

side_by_side=4 # most end-to-end tests wait most of the time
passed=0
failed=0
skipped=0

# run COMMAND…: in the background, so that a signal to us is answered at once.
run() {
  "$@" &
  child=$!
  local status=0
  wait "$child" || status=$?
  child=
  return "$status"
}

# step NAME COMMAND…: one test that is a command; its output is shown if it fails.
step() {
  local name=$1 status=0
  shift
  run "$@" >"$scratch/step.log" 2>&1 || status=$?
  if [[ $status -eq 0 ]]; then
    passed=$((passed + 1))
    echo "ok   $name"
  else
    failed=$((failed + 1))
    echo "FAIL $name" | tee -a "$scratch/failures"
    tail -n 60 "$scratch/step.log"
  fi
  return "$status"
}

# configure NAME OPTION…: a build directory of that name.
configure() {
  local name=$1
  shift
  step "$name: build" bash -c 'meson setup "$@" && meson compile -C "$1"' - \
    "$scratch/$name" -Dwerror=true "$@"
}

# suites NAME OPTION…: meson test in that build directory; counts what its log says.
suites() {
  local name=$1 status=0 log
  shift
  echo "==== $name"
  run meson test -C "$scratch/$name" --no-rebuild --print-errorlogs --num-processes "$side_by_side" \
    "$@" || status=$?
  log=$(find "$scratch/$name/meson-logs" -name 'testlog*.json' -newer "$scratch/stamp" | sed -n 1p)
  if [[ -z $log ]]; then
    failed=$((failed + 1))
    return 0
  fi
  # Checks, not programs: cmocka's cases and the lines of the end-to-end tests. A program that
  # failed without a failed check (it crashed, it hung) counts as one.
  local ok bad skip
  ok=$(jq -r '.stdout // ""' "$log" | grep -cE '^(ok: |\[ +OK \])' || true)
  bad=$(jq -r 'select(.result != "OK" and .result != "SKIP") |
    [(.stdout // "") | scan("(?m)^not ok: |^\\[  FAILED  \\] [a-z]")] | length | if . == 0 then 1 else . end' \
    "$log" | awk '{ n += $1 } END { print n + 0 }')
  jq -r --arg build "$name" 'select(.result != "OK" and .result != "SKIP") |
    "FAIL \($build): \(.name): \(.result)",
    ((.stdout // "") | scan("(?m)^(?:not ok: |\\[  FAILED  \\] [a-z]).*(?:\n#.*)*") | "  " + .)' "$log" >>"$scratch/failures"
  skip=$(jq -r 'select(.result == "SKIP") | .name' "$log" | wc -l)
  passed=$((passed + ok))
  failed=$((failed + bad))
  skipped=$((skipped + skip))
  # Not even a list of tests: something is wrong with the build directory.
  [[ $status -eq 0 || $bad -gt 0 ]] || failed=$((failed + 1))
  touch "$scratch/stamp"
}

touch "$scratch/stamp"
mapfile -t sources < <(git ls-files '*.c' '*.h')
step "style: clang-format" clang-format --dry-run -Werror "${sources[@]}" || true

if configure plain; then
  suites plain
fi
# Built without warnings: that is the test.
CC=clang configure clang || true
configure release --buildtype=release || true
if configure sanitized -Db_sanitize=address,undefined -Db_lundef=false; then
  # A small quarantine: some tests look at how much memory a program takes.
  export ASAN_OPTIONS=detect_leaks=1:abort_on_error=1:quarantine_size_mb=16
  export UBSAN_OPTIONS=halt_on_error=1:print_stacktrace=1
  suites sanitized --timeout-multiplier 3
  unset ASAN_OPTIONS UBSAN_OPTIONS
fi
if [[ -d $scratch/plain ]]; then
  suites plain --setup valgrind --suite unit --suite golden
fi
if [[ $long == yes ]]; then
  suites plain --setup long --suite long
  # The threads that there are: the engine's resolvers and wake-ups, the helper of cemmfs. Collectd
  # can't load a plugin that was built so.
  if configure threads -Db_sanitize=thread -Db_lundef=false; then
    export TSAN_OPTIONS=exitcode=66
    suites threads --timeout-multiplier 5 archive cemm collectors discovery endpoints engine \
      filters fleet history libcemm mount mount-archive mount-attack mount-history mount-slow \
      resolver source-change sources stream systemd
    unset TSAN_OPTIONS
  fi
fi

# In CI a test that can't run is a test that is missing.
if [[ ${CI:-} == true && $skipped -gt 0 ]]; then
  failed=$((failed + skipped))
  skipped=0
fi
# Once more, where a long log is read first.
[[ ! -s $scratch/failures ]] || head -n 60 "$scratch/failures"
echo "$passed passed, $failed failed, $skipped skipped"
[[ $failed -eq 0 ]]
