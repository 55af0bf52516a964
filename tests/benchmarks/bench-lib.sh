# shellcheck shell=bash disable=SC2034,SC2154
# What every benchmark needs besides end-to-end/mount-lib.sh: where its figures go. To be sourced:
#
#   bench_begin BUILD_DIR RESULTS [ROUNDS]        # sets $rounds, and what begin_mount sets
#   row ID WHAT UNIT GOAL PEER LIMIT              # a line of the table; - where there is none
#   figure ID ours|peer|limit VALUE               # one measurement of it
#
# GOAL is one or more of peer<=X, limit<=X (a ratio) and limit+X (a difference), with a blank between.

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

# say TEXT…: what is being done, for the person who waits.
say() {
  echo "$*" >&2
}

# since BEGUN: seconds since that $EPOCHREALTIME.
since() {
  awk -v a="$1" -v b="$EPOCHREALTIME" 'BEGIN { printf "%.4f\n", b - a }'
}

# seconds COMMAND…: how long it takes.
seconds() {
  local begun=$EPOCHREALTIME
  "$@" >/dev/null
  since "$begun"
}
