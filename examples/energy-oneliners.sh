#!/bin/sh
# One-liners for the output of `cemm energy`:
#
#   cemm energy --from 2025-01-01 --by quarter --format csv --output quarters.csv p1 s01
#   cemm energy --from 2025-01-01 --format csv --output hours.csv p1
#   energy-oneliners.sh quarters.csv hours.csv prices.csv
#
# The last command runs them all, each below a title. p1 is the smart meter, and s01 measures the solar
# panels. prices.csv has "start,price" for each hour, such as "2025-01-01T00:00:00+01:00,0.1234", where
# the price is for one kWh.
set -eu
: "${3:?needed: quarters.csv hours.csv prices.csv}"
here=$(dirname "$0")

echo '# the highest quarter-hour of each month (kW), as the Belgian capacity tariff counts it'
awk -F, '$2 == "p1" && 4 * $4 > most[m = substr($3, 1, 7)] { most[m] = 4 * $4; at[m] = $3 } END { for (m in most) printf "%s %.3f %s\n", m, most[m], at[m] }' "$1" | sort

echo '# self-consumption of each month: kWh produced and not fed in, kWh produced, %'
awk -F, '$2 == "s01" && $6 != "" { made[$3] = $6 } $2 == "p1" && $5 != "" { fed[$3] = $5 } END { for (t in made) if (t in fed) { m = substr(t, 1, 7); all[m] += made[t]; own[m] += made[t] - fed[t] } for (m in all) if (all[m]) printf "%s %.3f %.3f %.1f\n", m, own[m], all[m], 100 * own[m] / all[m] }' "$1" | sort

echo '# the cost of each month at hourly prices'
"$here/energy-cost.py" "$2" "$3"
