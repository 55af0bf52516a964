#!/usr/bin/env bash
# Memory, room on the disk and the disk itself fail, one call after the other: no program crashes or
# hangs, what is wrong is said, and no file in the archive is ever a torn one. Called as:
# failing.sh BUILD_DIR PRELOADED_LIBRARY
# shellcheck disable=SC1091,SC2154
set -euo pipefail
. "$(dirname "$0")/mount-lib.sh"
begin_mount "$1"
failing=$(realpath "$2")
# Each call, or (there are thousands) the first ones, and then each that is some hundredths further.
if [[ -n ${CEMM_E2E_LONG-} ]]; then stride=100000; else stride=${CEMM_E2E_STRIDE:-5}; fi
ulimit -c 0

start_sim --devices 1 --meters p1 --since 2025-01-01
write_config "$conf"
export CEMM_CONFIG=$conf FAIL_MARK=$scratch/mark

# whole_archive: every document in there is one. What is put aside or half written has other names.
whole_archive() {
  [[ -d $conf.archive ]] || return 0
  find "$conf.archive" -name '*.json' -exec jq -e . {} + >/dev/null
}

# one_program KIND N COMMAND…: what is wrong with it, if anything is. It may fail, in words.
one_program() {
  local kind=$1 n=$2 code=0
  shift 2
  FAIL=$kind:$n LD_PRELOAD=$failing timeout 60 "$@" >"$scratch/out" 2>"$scratch/err" || code=$?
  ((code < 3)) || echo "$kind $n: exit $code: $(head -n 3 "$scratch/err")"
  ((code == 0)) || [[ -s $scratch/err ]] || echo "$kind $n: exit $code without a word"
  whole_archive || echo "$kind $n: a torn file in the archive"
}

# one_mount KIND N: it comes up and its files can be read, at the second attempt at the latest, or
# it ends with a word.
one_mount() {
  local kind=$1 n=$2 file=$m/$dev/p1/data/day/2025/03/2025-03-05.csv pid code=0
  FAIL=$kind:$n LD_PRELOAD=$failing "$build/fs/cemmfs" "$conf" "$m" -f >"$scratch/out" 2>"$scratch/err" &
  pid=$!
  started "$pid"
  wait_for 20 mounted_or_gone "$pid"
  if ! gone_or_zombie "$pid"; then
    cat "$file" "$m/$dev/p1/realtime.csv" >/dev/null 2>&1 || true
    ls "$m" "$m/$dev/p1" >/dev/null 2>&1 || true
    wait_for 30 cat "$file" "$m/$dev/p1/realtime.csv" || echo "$kind $n: it does not come back: $(<"$scratch/err")"
    fusermount3 -u "$m"
  fi
  stop "$pid"
  code=$stopped
  ((code < 3)) || echo "$kind $n: exit $code: $(head -n 3 "$scratch/err")"
  ((code == 0)) || [[ -s $scratch/err ]] || echo "$kind $n: exit $code without a word"
  whole_archive || echo "$kind $n: a torn file in the archive"
}

mounted_or_gone() {
  gone_or_zombie "$1" || grep -qF " $m " /proc/self/mounts
}

# one_by_one WHAT KIND COMMAND…: until it runs through.
one_by_one() {
  local what=$1 kind=$2 n=1 count=0 wrong=''
  shift 2
  while :; do
    rm -rf "$conf.archive" "$FAIL_MARK"
    if [[ $1 == mount ]]; then wrong+=$(one_mount "$kind" "$n"); else wrong+=$(one_program "$kind" "$n" "$@"); fi
    [[ -e $FAIL_MARK ]] || break
    count=$((count + 1))
    n=$((n + 1 + n / stride))
  done
  if [[ -z $wrong ]]; then ok "$what: $kind fails, $count times among $((n - 1))"; else not_ok "$what: $kind fails" "$wrong"; fi
  ((count > 0)) || [[ $kind == sync || $what == read* ]] || not_ok "$what: $kind" 'it never failed'
}

cemm=$build/plugin/exec/cemm
mkdir "$m"
one_by_one read memory "$cemm" read
one_by_one 'read as a table' memory "$cemm" read --format table
for kind in memory write rename open mkdir; do
  one_by_one history "$kind" "$cemm" history --from 2025-03-01 --to 2025-03-02
done
for kind in write rename sync open; do
  one_by_one 'read --output' "$kind" "$cemm" read --output "$scratch/output"
done
for kind in memory write rename open mkdir; do
  one_by_one cemmfs "$kind" mount
done
finish
