#!/usr/bin/env bash
# mount-slow.sh BUILD_DIR: a slow device that handles one request at a time. No reader waits longer than
# the source's timeout, however many requests there are, and in the end all files can be read.
# shellcheck disable=SC1091,SC2154,SC2010,SC2012,SC2016
set -euo pipefail
. "$(dirname "$0")/mount-lib.sh"
begin_mount "$@"

since=$(date -d "$(date +%Y-%m-12) - 14 months" +%F)
this_year=$(date +%Y)
years=$(seq -s ' ' "${since:0:4}" "$this_year")
late='Connection timed out'
p1=$m/$dev/p1

start_sim --devices 1 --lan 1 --meters p1,p1-gas --since "$since"
{
  printf 'time-zone = Europe/Amsterdam\n[discovery]\nenabled = no\n'
  printf '[archive]\ndirectory = %s\n' "$scratch/archive"
  printf '[local garage]\naddress = %s\ntimeout = 8\n' "${sim_lan[0]}"
} >"$conf"
mount_fs
ls "$m/$dev" >/dev/null
sim_faults 'delay=1200@*/data/*'

# asked_years ALIAS: prints the number of requests for years, and the number of different years.
asked_years() {
  local all
  all=$(grep "/$1/data/year/" "$sim_log" | awk '{ print $6 }')
  echo "$(wc -w <<<"$all") $(tr ' ' '\n' <<<"$all" | sort -u | wc -w)"
}

# ---- the first day with data -----------------------------------------------------

ls "$p1/data/day" >/dev/null 2>&1 || true
asked=$(asked_years p1 | cut -d' ' -f1)
check "the first listing ends when its time is over ($asked years of 1.2 s)" test "$asked" -le 12
has 'user.cemm.error says that the listing was late' "$(getfattr --only-values -n user.cemm.error "$p1/data/day" 2>/dev/null)" 'within 8 s'
has 'status says that the listing was late' "$(<"$m/status")" 'within 8 s'

# Meanwhile another reader reads a file. Its request takes precedence over the requests for the
# remaining years.
today=$p1/data/day/$(date +%Y/%m/%Y-%m-%d).csv
is 'a file does not wait for the remaining years' time,electric_power "$(head -n1 "$today" 2>&1 || true)"
check 'the search for the remaining years goes on meanwhile' test "$(asked_years p1 | cut -d' ' -f1)" -lt $((this_year - 2010 + 1))
hasnt 'the first day is not in the archive yet' "$(ls "$scratch/archive/$dev/p1" 2>/dev/null)" "first"

whole() {
  [[ $(ls "$p1/data/day" 2>/dev/null | grep -E '^[0-9]{4}$' | xargs) == "$years" ]] &&
    [[ $(ls "$p1/data/day/${since:0:4}/${since:5:2}" 2>/dev/null | head -n1) == "$since.csv" ]]
}
check 'at the end everything is listed' wait_for 60 whole
is 'the listings cost one request for each year' "$((this_year - 2010 + 1)) $((this_year - 2010 + 1))" "$(asked_years p1)"
is 'user.cemm.error is gone' '' \
  "$(getfattr --only-values -n user.cemm.error "$p1/data/day" 2>/dev/null || true)"

# ---- more readers than the device can serve in time ----------------------------------

month=$(date -d "$since + 2 months" +%Y/%m)
next=$(date -d "$since + 3 months" +%Y/%m)
files=("$p1/data/day/$month/${month/\//-}"-{01,04,07,10,13,16,19,22,25,28}.csv
  "$p1/data/day/$next/${next/\//-}"-{01,04,07,10,13,16,19,22,25,28}.csv)
answered() { requests '/p1/data/day/.* 200$'; }
before=$(answered)
pids=()
for i in "${!files[@]}"; do
  head -n1 "${files[i]}" >"$scratch/read.$i" 2>&1 &
  pids+=("$!")
done
wait "${pids[@]}" || true
files_answered=$(($(answered) - before))
check "twenty readers at once: all end when their time is over ($files_answered files of 1.2 s)" \
  test "$files_answered" -le 12
has 'some of the twenty readers were too late' "$(cat "$scratch"/read.*)" "$late"
has 'some of the twenty readers were in time' "$(cat "$scratch"/read.*)" 'time,'
all_read() {
  head -qn1 "${files[@]}" >/dev/null 2>&1
}
check 'the files of the twenty readers can be read later' wait_for 30 all_read
is 'the files of interrupted readers cost one request each' '' "$(awk '$5 ~ "p1/data/day/" { print $6 }' "$sim_log" | sort | uniq -d)"

unmount_fs

# ---- a search that failed is repeated, for what is missing -------------------------------------

sim_faults "status=502@*/p1-gas/data/year/*"
mount_fs
fails_with 'a search fails' 'Input/output error' ls "$m/$dev/p1-gas/data/day"
sim_faults "status=502@*/data/month/*" # the month of the first year is requested last
gas_years() {
  ls "$m/$dev/p1-gas/data/day" 2>/dev/null | grep -E '^[0-9]{4}$' | xargs
}
check 'the failed search is soon repeated, and finds the years' wait_for 30 eval '[[ $(gas_years) == "$years" ]]'
begun=$(requests p1-gas/data/year/)
sim_faults
gas_day() {
  [[ $(ls "$m/$dev/p1-gas/data/day/${since:0:4}/${since:5:2}" | head -n1) == "$since.csv" ]]
}
check 'the search then finds the first day' wait_for 30 gas_day
last=$(($(requests p1-gas/data/year/) - begun))
check "years that have answered are not requested again ($last)" test "$last" -le 1
unmount_fs

# ---- read-ahead and other readers -------------------------------------------------------

# Read-ahead must not interrupt the request of the reader that caused it.
sed -i 's/^timeout = .*/timeout = 10/' "$conf"
sim_faults 'delay=3300@*/data/*'
mount_fs
check 'two neighbours can be read' cat "${files[0]/%01.csv/02.csv}" "${files[0]/%01.csv/03.csv}"
# Read-ahead must not interrupt the request of another reader of the same device, either.
sim_faults 'delay=4500@*/data/*'
cat "$p1/realtime.csv" "${files[0]/%01.csv/20.csv}" >"$scratch/slow" 2>&1 &
slow=$!
wait_for 10 asked '/p1/realtime/' || not_ok 'the first reader begins'
check 'another reader has to wait' head -n1 "$m/$dev/p1-gas/realtime.csv"
status=0
wait "$slow" || status=$?
is 'no slow answer is aborted' 0 "$status$(grep "$late" "$scratch/slow" || true)"
unmount_fs
finish
