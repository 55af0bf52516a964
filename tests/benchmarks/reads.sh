#!/usr/bin/env bash
# Measures the speed of the mounted file system. Files of closed periods are compared with tmpfs,
# realtime with a minimal libfuse file system and with owfs and a simulated sensor, and a file that is
# not cached with curl. There is no comparison with httpdirfs, because it needs HEAD and ranges, which
# the API does not have.
#
#   reads.sh BUILD_DIR RESULTS [ROUNDS]
set -euo pipefail
# shellcheck source=tests/benchmarks/bench-lib.sh
. "$(dirname "$0")/bench-lib.sh"
bench_begin "$@"
bench=$build/tests/benchmarks
batches=60
year=$(($(date +%Y) - 1))

start_sim --devices 1 --since "$year-01-01"
write_config "$conf"
say "reads: fetching $year"
"$build/plugin/exec/cemm" history --config "$conf" --from "$year-01-01" --to "$year-12-31" --format csv \
  "$dev/p1" >/dev/null
mount_fs -o realtime_ttl=3600
memory=$(mktemp -d /dev/shm/cemm-bench.XXXXXX)
at_cleanup "rm -rf $memory"
closed_csv=$(day_file "$dev" p1 "$year-06-10" csv)
closed_json=$(day_file "$dev" p1 "$year-06-10" json)
realtime=$m/$dev/p1/realtime.csv
# The files are at the same depth as in the mount, so that looking up their paths takes as long.
mkdir -p "$memory/${closed_csv%/*}"
cp "$closed_csv" "$closed_json" "$memory/${closed_csv%/*}"

mkdir "$scratch/least" "$scratch/owfs"
"$bench/least" "$scratch/least" 3600 "$(stat -c %s "$realtime")" &
started "$!"
mounted "$scratch/least"
wait_for 5 test -e "$scratch/least/file"

owfs=/usr/libexec/owfs/owfs # Debian's wrapper is not used, because it needs a server
sensor=
if [[ -x $owfs ]]; then
  "$owfs" --fake=DS18S20 --foreground -m "$scratch/owfs" >"$scratch/owfs.log" 2>&1 &
  started "$!"
  mounted "$scratch/owfs"
  wait_for 10 compgen -G "$scratch/owfs/10.*/temperature" || true
  sensor=$(compgen -G "$scratch/owfs/10.*/temperature" || true)
fi

# side_by_side ID LIMIT OURS READERS [PEER]: records the time in µs to open, read and close each file,
# with READERS readers at the same time.
side_by_side() {
  local id=$1 limit=$2 ours=$3 readers=$4 peer=${5:-} reader
  for ((round = 0; round < rounds; round++)); do
    for ((reader = 0; reader < readers; reader++)); do
      "$bench/opens" "$((batches / readers + 1))" "$ours" "$limit" >"$scratch/opens-$reader" &
      pids[reader]=$!
    done
    wait "${pids[@]:0:readers}"
    sort -n "$scratch"/opens-* | awk '{ a[NR] = $1; b[NR] = $2 } END { print a[int((NR + 1) / 2)], b[int((NR + 1) / 2)] }' \
      >"$scratch/both"
    read -r a b <"$scratch/both"
    figure "$id" ours "$a"
    figure "$id" limit "$b"
    [[ -z $peer ]] || figure "$id" peer "$("$bench/opens" "$batches" "$peer" | tr -d " ")"
    rm -f "$scratch"/opens-*
  done
}
pids=()

for readers in 1 16; do
  say "reads: warm, $readers at a time"
  row "warm-csv-$readers" "a closed day's CSV, warm, readers: $readers" µs 'limit<=1.2' - tmpfs
  side_by_side "warm-csv-$readers" "$memory$closed_csv" "$closed_csv" "$readers"
  row "warm-json-$readers" "a closed day's JSON, warm, readers: $readers" µs 'limit<=1.2' - tmpfs
  side_by_side "warm-json-$readers" "$memory$closed_json" "$closed_json" "$readers"
  row "realtime-$readers" "realtime.csv, warm, readers: $readers" µs 'limit<=1.2' \
    "$([[ -z $sensor || $readers != 1 ]] && echo - || echo 'owfs')" 'least libfuse file'
  side_by_side "realtime-$readers" "$scratch/least/file" "$realtime" "$readers" "$([[ $readers != 1 ]] || echo "$sensor")"
done

say 'reads: cold, from the source'
row cold-source 'a cold day, first byte, from the source' ms 'limit+2.5' - curl
ls "$m/$dev/s01/data/day" >/dev/null
for ((day = 1; day <= rounds * 4; day++)); do
  # The days are not neighbours, so that read-ahead does not fetch them.
  date=$(date -d "$year-12-20 - $((day * 3)) days" +%F)
  figure cold-source ours "$("$bench/first" "$(day_file "$dev" s01 "$date" json)")"
  date=$(date -d "$date - 1 day" +%F)
  figure cold-source limit "$(curl -s -o /dev/null -w '%{time_starttransfer}\n' \
    "${sim_cloud}cemm/$dev/s01/data/day/?api_key=$sim_key&time=$(midnight "$date")" | awk '{ print $1 * 1000 }')"
done

say 'reads: cold, from the archive'
row cold-archive 'a cold day, first byte, from the archive' ms - - 'the archive file itself'
for ((round = 0; round < rounds; round++)); do
  unmount_fs
  mount_fs -o realtime_ttl=3600
  figure cold-archive ours "$("$bench/first" "$closed_csv")"
  figure cold-archive limit "$("$bench/first" "$conf.archive/$dev/p1/data/day/$year/06/$year-06-10.json")"
done

say 'reads: a year by grep and tar'
days=$m/$dev/p1/data/day/$year
cp -r "$days" "$memory"
row grep 'grep -r over a year of days, warm' s - - tmpfs
row tar 'tar of a year of days, warm' s - - tmpfs
grep_year() { grep -r 'no such text' "$1" || true; }
tar_year() { tar cf - -C "$1" . | cat; }
for ((round = 0; round < rounds; round++)); do
  figure grep ours "$(seconds grep_year "$days")"
  figure grep limit "$(seconds grep_year "$memory/$year")"
  figure tar ours "$(seconds tar_year "$days")"
  figure tar limit "$(seconds tar_year "$memory/$year")"
done
unmount_fs
