#!/usr/bin/env bash
# How fast the mounted file system is, in ratios to what could at best be: files of closed periods
# to tmpfs, realtime to the least that libfuse can do, a cold file to curl. Figures, no verdicts.
# Called as: mount.sh BUILD_DIR [ROUNDS]
# shellcheck disable=SC1091,SC2154
set -euo pipefail
. "$(dirname "$0")/../end-to-end/mount-lib.sh"
begin_mount "$@"
rounds=${2:-300}
bench=$build/tests/benchmarks

# The median of numbers on stdin.
median() {
  sort -n | awk '{ a[NR] = $1 } END { print a[int((NR + 1) / 2)] }'
}

start_sim --devices 1 --promise 0 --since "$(date -d '1 year ago' +%F)"
write_config "$conf"
mount_fs -o realtime_ttl=3600
month=$(date -d "$(date +%Y-%m-01) - 3 months" +%Y-%m)
closed=$(day_file "$dev" p1 "$month-10" csv)
tmpfs=$(mktemp /dev/shm/cemm-bench.XXXXXX)
at_cleanup "rm -f $tmpfs"

cat "$closed" >"$tmpfs"
echo "a closed day ($(stat -c %s "$closed") bytes), open + read + close, µs: cemmfs, tmpfs, ratio"
"$bench/opens" "$rounds" "$closed" "$tmpfs"

realtime=$m/$dev/p1/realtime.csv
least=$scratch/least
mkdir "$least"
"$bench/least" "$least" 3600 "$(stat -c %s "$realtime")" &
started "$!"
mounted "$least"
wait_for 5 test -e "$least/file"
echo "realtime ($(stat -c %s "$realtime") bytes), open + read + close, µs: cemmfs, least of libfuse, ratio"
"$bench/opens" "$rounds" "$realtime" "$least/file"

echo 'a cold day, ms until its first byte, median of 21: cemmfs, curl, difference'
ls "$m/$dev/s01/data/day" >/dev/null
url="${sim_cloud}cemm/$dev/s01/data/day/?api_key=$sim_key"
for day in {1..21}; do
  date=$month-$(printf %02d "$day")
  # Days apart, or read-ahead would have been there first.
  python3 -c '
import sys, time
begun = time.perf_counter()
open(sys.argv[1]).read(1)
print((time.perf_counter() - begun) * 1000)' "$(day_file "$dev" s01 "$(date -d "$date - $((day * 2)) days" +%F)" json)" >>"$scratch/cemmfs"
  curl -s -o /dev/null -w '%{time_starttransfer}\n' "$url&time=$(midnight "$date")" |
    awk '{ print $1 * 1000 }' >>"$scratch/curl"
done
paste <(median <"$scratch/cemmfs") <(median <"$scratch/curl") |
  awk '{ printf "%.2f %.2f %.2f\n", $1, $2, $1 - $2 }'
unmount_fs
