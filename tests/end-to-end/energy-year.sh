#!/usr/bin/env bash
# energy-year.sh BUILD_DIR: `cemm energy` for a year in which everything happens: both clock changes,
# missing minutes (also in the hour that occurs twice), days without readings, a replaced meter, and
# import and export in the same hour. energy.py calculates every row, and energy-sums.py checks the
# sums.
# shellcheck disable=SC2016,SC2034 # awk programs; variables of energy-lib.sh
set -euo pipefail
here=$(dirname "$0")
# shellcheck source=tests/end-to-end/lib.sh
. "$here/lib.sh"
# shellcheck source=tests/end-to-end/energy-lib.sh
. "$here/energy-lib.sh"
energy_begin "$@"
since=2025-01-01
year=(--from 2025-01-01 --to 2025-12-31)
replaced=2025-08-20
unread=(2025-06-13 2025-11-30) # days without readings, so the next days have no first reading, either

# second TIME: prints TIME in seconds since 1970. It is in the meters' zone unless it names another.
second() { TZ=$zone date -d "$1" +%s; }

gaps=(
  "$(second '2025-03-30 01:40')/$(second '2025-03-30 03:20')" # only 40 minutes, because of the clock change
  "$(second '2025-04-11 10:05')/$(second '2025-04-11 13:20')"
  "$(second '2025-10-26 00:30 UTC')/$(second '2025-10-26 01:05 UTC')" # a part of each of the two hours at 02:00
  "$(second '2025-12-01')/$(second '2025-12-02')"                     # a whole day
  "$(second '2025-12-05 18:00')/$(second '2025-12-05 18:10')"         # so few are missing that the others are scaled
)

# spoil: removes these minutes and readings from the archive, and simulates the replacement of p1.
spoil() {
  local gap day file
  for gap in "${gaps[@]}"; do without_minutes "${gap%/*}" "${gap#*/}"; done
  for day in "${unread[@]}"; do rm "$(archived totals "$day")"; done
  python3 - "$config.archive/$one/p1/totals" "$replaced" <<'END_OF_PYTHON'
import glob, json, os, sys
files = sorted(glob.glob(sys.argv[1] + "/*/*/*.json"))
of_day = lambda file: os.path.basename(file)[:10]
with open([file for file in files if of_day(file) < sys.argv[2]][-1]) as file:
    begun = {name: value for name, (_, value) in json.load(file)["data"].items()}
for name in (file for file in files if of_day(file) >= sys.argv[2]):
    with open(name) as file:
        answer = json.load(file)
    for channel in ("t1", "t2", "t3", "t4"):
        answer["data"][channel][1] -= begun[channel]
    with open(name, "w") as file:
        json.dump(answer, file)
END_OF_PYTHON
}

start_sim --devices 1 --meters p1,p1-gas,s01 --since "$since" --next-row
write_config "$config"
exits 'a year' 0 "$cemm" energy --config "$config" "${year[@]}" --by month --format csv
spoil
sim_faults "status=404@*/totals/*"
for by in quarter hour day month; do
  meters=(p1 s01)
  [[ $by == quarter ]] || meters+=(p1-gas)
  exits "by $by" 0 "$cemm" energy --config "$config" "${year[@]}" --by "$by" --format csv "${meters[@]}"
  cp "$scratch/stdout" "$scratch/$by.csv"
  is "by $by: the day on which the meter was replaced is reported" \
    "W! cemm: $one/p1: amounts of $replaced come from the minutes alone: their sum differs too much from the meter readings" "$err"
done

# as_worked_out ALIAS BY,BY… [MORE…]: checks that the rows are those that energy.py calculates.
as_worked_out() {
  work_out "$1" 2025-01-01 2025-12-31 "${@:2}" >"$scratch/wanted"
  for by in ${2//,/ }; do grep "^$one,$1," "$scratch/$by.csv"; done >"$scratch/got"
  is_file "$1: each row is as calculated" "$scratch/wanted" "$scratch/got"
}
as_worked_out p1 quarter,hour,day,month "${gaps[@]/#/gap=}" "${unread[@]/#/unread=}" "replaced=$replaced"
as_worked_out s01 quarter,hour,day,month
as_worked_out p1-gas hour,day,month
is 'the numbers of quarters, hours, days and months in a year' '35040 8760 365 12' \
  "$(for by in quarter hour day month; do grep -c ,p1, "$scratch/$by.csv"; done | paste -sd ' ')"
basis() { awk -F, '$2 == "p1" { print $11 }' "$scratch/day.csv" | sort | uniq -c | awk '{ print $2 "=" $1 }' | paste -sd ' '; }
is 'the numbers of days with each basis' '=1 minutes=8 readings=356' "$(basis)"
check 'an hour has both directions' awk -F, '$2 == "p1" && $4 > 0 && $5 > 0 { found = 1 } END { exit !found }' "$scratch/hour.csv"
is 'the day on which the meter was replaced is not scaled, and the rest of its readings is unallocated' 'minutes 1' \
  "$(awk -F, -v day="$replaced" '$2 == "p1" && $3 ~ day { print $11, ($12 * $12 > 100 * 100) }' "$scratch/day.csv")"
check 'everything adds up' python3 "$here/energy-sums.py" "$scratch" "$config.archive/$one" "$zone" p1 s01 p1-gas
# The check of the sums would fail if a single Wh were in another row.
sed -i '20000s/\(.*,p1,[^,]*,[0-9]*\.[0-9][0-9]\)[0-8],/\19,/; 20002s/\(.*,p1,[^,]*,[0-9]*\.[0-9][0-9]\)[0-8],/\19,/' "$scratch/quarter.csv"
refute 'a misplaced Wh is noticed' python3 "$here/energy-sums.py" "$scratch" "$config.archive/$one" "$zone" p1 s01 p1-gas
finish
