#!/usr/bin/env bash
# examples-energy.sh BUILD_DIR: runs the examples that read the output of `cemm energy`.
# examples-energy.py calculates the expected results from the simulator's numbers.
# shellcheck disable=SC2034 # energy-lib.sh uses $here and $since
set -euo pipefail
here=$(dirname "$0")
# shellcheck source=tests/end-to-end/lib.sh
. "$here/lib.sh"
# shellcheck source=tests/end-to-end/energy-lib.sh
. "$here/energy-lib.sh"
energy_begin "$@"
command -v gnuplot >/dev/null || skip 'gnuplot is not installed'
/usr/bin/python3 -c 'import pandas' 2>/dev/null || skip 'python3-pandas is not installed'

examples=$(cd "$here/../../examples" && pwd)
since=2025-09-01
# These days are in two months, and one of them has 25 hours. The minutes of the smart meter (p1) from
# $gap_from to $gap_until are missing.
from=2025-10-23 to=2025-11-02
gap_from=$(TZ=$zone date -d '2025-10-24 11:10' +%s)
gap_until=$(TZ=$zone date -d '2025-10-24 13:20' +%s)

# energy BY FILE METER…: writes the output of `cemm energy` for the meters to FILE.
energy() {
  exits "cemm energy by $1" 0 "$cemm" energy --config "$config" --from "$from" --to "$to" --by "$1" \
    --format csv --output "$scratch/$2" "${@:3}"
}

start_sim --devices 1 --meters p1,s01 --since "$since"
write_config "$config"
energy hour hours.csv p1 # fills the archive; the next line removes minutes from it
without_minutes "$gap_from" "$gap_until"
energy quarter quarters.csv p1 s01
energy hour hours.csv p1

for alias in p1 s01; do
  more=()
  [[ $alias != p1 ]] || more=("gap=$gap_from/$gap_until")
  work_out "$alias" "$from" "$to" quarter "${more[@]}" >"$scratch/$alias.quarters"
done
work_out p1 "$from" "$to" hour "gap=$gap_from/$gap_until" >"$scratch/p1.hours"
python3 "$here/examples-energy.py" "$scratch" 2025-10-25T07:00:00+02:00 >"$scratch/wanted"

exits 'energy-oneliners.sh' 1 "$examples/energy-oneliners.sh" "$scratch/quarters.csv" "$scratch/hours.csv" "$scratch/prices.csv"
is 'an hour without a price is named' \
  'hours without a price, which are left out: 1, the first is 2025-10-25T07:00:00+02:00' "$err"
sed 's/  */ /g; s/^ //' "$scratch/stdout" >"$scratch/got"
is_file 'the peaks, self-consumption and cost are as calculated' "$scratch/wanted" "$scratch/got"
is 'each of the three tables has a row for each of the two months' 6 "$(grep -c ^2025 "$scratch/got")"
grep -v T07: "$scratch/hours.csv" >"$scratch/priced.csv" # without the hour that has no price
exits 'energy-cost.py, with all prices' 0 "$examples/energy-cost.py" "$scratch/priced.csv" "$scratch/prices.csv"
is 'energy-cost.py, with all prices: there is no message' '' "$err"
exits 'energy-cost.py, with a price that is there twice' 1 "$examples/energy-cost.py" "$scratch/hours.csv" \
  <(cat "$scratch/prices.csv" && tail -n 1 "$scratch/prices.csv")
has 'energy-cost.py refuses a price that is there twice' "$err" 'not a many-to-one merge'
exits 'energy-cost.py, with prices of quarters' 1 "$examples/energy-cost.py" "$scratch/hours.csv" <(sed 's/:00:00/:15:00/' "$scratch/prices.csv")
has 'energy-cost.py refuses prices of quarters' "$err" 'has prices of shorter intervals'
exits 'energy-cost.py, with times without an offset' 1 "$examples/energy-cost.py" "$scratch/hours.csv" <(sed 's/Z,/,/' "$scratch/prices.csv")
has 'energy-cost.py asks for the offset of the times' "$err" 'each start needs its offset from UTC'

# shellcheck disable=SC2317 # check calls it
quiet_plot() { ! gnuplot -c "$@" 2>&1 | grep .; }
check 'hours.gnuplot' quiet_plot "$examples/plots/hours.gnuplot" "$scratch/hours.csv" "$scratch/hours.png"
check 'peaks.gnuplot' quiet_plot "$examples/plots/peaks.gnuplot" "$scratch/quarters.csv" "$scratch/peaks.png"
for name in hours peaks; do
  is "$name.png is a picture" PNG "$(head -c 4 "$scratch/$name.png" | tail -c 3)"
done
finish
