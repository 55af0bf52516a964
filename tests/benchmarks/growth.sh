#!/usr/bin/env bash
# Measures how the cost grows with the days of history, the days in the archive, and the readers. It
# should grow linearly or less. (sweep.sh measures growth with the number of devices.)
#
#   growth.sh BUILD_DIR RESULTS [ROUNDS]
set -euo pipefail
# shellcheck source=tests/benchmarks/bench-lib.sh
. "$(dirname "$0")/bench-lib.sh"
bench_begin "$@"
last=$(date -d '3 days ago' +%F)

# days_before DAYS: prints the first of DAYS days, of which $last is the last.
days_before() {
  date -d "$last 12:00 $(($1 - 1)) days ago" +%F
}

history() { # DAYS
  "$build/plugin/exec/cemm" history --config "$conf" --from "$(days_before "$1")" --to "$last" --format csv "$dev/p1"
}

# usage_of COMMAND DAYS: prints the CPU seconds and the peak memory (KiB) of a command for DAYS days.
usage_of() {
  python3 -c '
import resource, subprocess, sys
subprocess.run(sys.argv[1:], stdout=subprocess.DEVNULL, check=True)
usage = resource.getrusage(resource.RUSAGE_CHILDREN)
print(usage.ru_utime + usage.ru_stime, usage.ru_maxrss)' \
    "$build/plugin/exec/cemm" "$1" --config "$conf" --from "$(days_before "$2")" --to "$last" --format csv "$dev/p1"
}

start_sim --devices 1 --since "$(days_before 3660)"
write_config "$conf"
for days in 10 100 1000 3650; do
  say "growth: $days days"
  history "$days" >/dev/null
  usage_of energy "$days" >/dev/null # also puts its readings and months into the archive
  row "growth-history-$days" "cemm history of $days days from the archive" s - - -
  row "growth-memory-$days" "its memory, $days days" KiB - - -
  row "growth-energy-$days" "cemm energy of $days days from the archive, CPU" s - - -
  row "growth-energy-memory-$days" "its memory, $days days" KiB - - -
  row "growth-mount-$days" "cemmfs from its start to a file's first byte, $days days in the archive" s - - -
  for ((round = 0; round < rounds; round++)); do
    figure "growth-history-$days" ours "$(seconds history "$days")"
    figure "growth-memory-$days" ours "$(usage_of history "$days" | cut -d ' ' -f 2)"
    read -r cpu memory < <(usage_of energy "$days")
    figure "growth-energy-$days" ours "$cpu"
    figure "growth-energy-memory-$days" ours "$memory"
    begun=$EPOCHREALTIME
    mount_fs
    head -c 1 "$(day_file "$dev" p1 "$last" csv)" >/dev/null
    figure "growth-mount-$days" ours "$(since "$begun")"
    unmount_fs
  done
done

mount_fs
file=$(day_file "$dev" p1 "$last" csv)
for readers in 1 2 4 8 16 32 64; do
  say "growth: $readers readers"
  row "growth-readers-$readers" "1,000 reads of a closed day by each of $readers readers" s - - -
  for ((round = 0; round < rounds; round++)); do
    begun=$EPOCHREALTIME
    pids=()
    for ((reader = 0; reader < readers; reader++)); do
      "$build/tests/benchmarks/opens" 50 "$file" >/dev/null &
      pids+=("$!")
    done
    wait "${pids[@]}"
    figure "growth-readers-$readers" ours "$(since "$begun")"
  done
done
unmount_fs
