# shellcheck shell=bash disable=SC2034,SC2154
# Records the figures of the benchmarks. Source it, then (it sources end-to-end/mount-lib.sh):
#
#   bench_begin BUILD_DIR RESULTS [ROUNDS]        # sets $rounds, and what begin_mount sets
#   row ID WHAT UNIT GOAL PEER LIMIT              # adds a line to the table; - means none
#   figure ID ours|peer|limit VALUE               # adds a measurement to that line
#
# GOAL is one or more of peer<=X, limit<=X (a ratio) and limit+X (a difference), separated by spaces.

bench_begin() {
  # shellcheck source=tests/end-to-end/mount-lib.sh
  . "$(dirname "$0")/../end-to-end/mount-lib.sh"
  begin_mount "$1"
  results=$2
  rounds=${3:-5}
}

row() {
  printf 'row\t%s\t%s\t%s\t%s\t%s\t%s\n' "$@" >>"$results"
}

figure() {
  printf 'figure\t%s\t%s\t%s\n' "$@" >>"$results"
}

# say TEXT…: prints the progress.
say() {
  echo "$*" >&2
}

# since BEGUN: prints the seconds since BEGUN, a value of $EPOCHREALTIME.
since() {
  awk -v a="$1" -v b="$EPOCHREALTIME" 'BEGIN { printf "%.4f\n", b - a }'
}

# seconds COMMAND…: prints the duration of a command in seconds.
seconds() {
  local begun=$EPOCHREALTIME
  "$@" >/dev/null
  since "$begun"
}
