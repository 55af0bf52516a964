# shellcheck shell=bash disable=SC2034,SC2154
# Shared by the benchmarks, in addition to end-to-end/mount-lib.sh: records the figures. Source it:
#
#   bench_begin BUILD_DIR RESULTS [ROUNDS]        # sets $rounds, and what begin_mount sets
#   row ID WHAT UNIT GOAL PEER LIMIT              # a line of the table; - for none
#   figure ID ours|peer|limit VALUE               # one measurement of it
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

# since BEGUN: the seconds since that $EPOCHREALTIME.
since() {
  awk -v a="$1" -v b="$EPOCHREALTIME" 'BEGIN { printf "%.4f\n", b - a }'
}

# seconds COMMAND…: the duration of a command.
seconds() {
  local begun=$EPOCHREALTIME
  "$@" >/dev/null
  since "$begun"
}
