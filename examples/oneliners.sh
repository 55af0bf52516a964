#!/bin/sh
# One-liners for a mount of cemmfs:
#
#   oneliners.sh ~/meters [UID]
#
# This runs them all, each below a title. Copy what you need.
set -eu
cd "$1"
cd "${2:-$(ls -d ??-??-??-??-??-?? | head -n 1)}"

echo '# the power now (W)'
cat p1/realtime/electric_power

echo '# the meter readings, as "name value unit"'
awk -F, '/^t[1-4],/ { print $1, $2, $3 }' p1/realtime.csv

echo '# the same with jq'
jq -r '.data | to_entries[] | select(.key | test("^t[1-4]$")) | "\(.key) \(.value[1])"' p1/realtime.json

echo '# when it was measured'
jq -r '.data.electric_power[0] / 1000 | todate' p1/realtime.json

echo '# yesterday: kWh used, kWh fed in'
awk -F, '$2 > 0 { used += $2 } $2 < 0 { fed -= $2 } END { printf "%.3f %.3f\n", used / 60000, fed / 60000 }' p1/data/day/yesterday.csv

echo '# the five highest minutes of yesterday'
tail -n +2 p1/data/day/yesterday.csv | sort -t , -k 2,2 -n -r | head -n 5

echo '# the hours of yesterday, mean W'
awk -F, 'NR > 1 { h = substr($1, 1, 13); s[h] += $2; n[h]++ } END { for (h in s) printf "%s %.0f\n", h, s[h] / n[h] }' p1/data/day/yesterday.csv | sort

echo '# the days of this month: date, kWh'
awk -F, 'NR > 1 { print substr($1, 1, 10), $2 + $3 }' p1/data/month/this-month.csv

echo '# gas of this year, by month (m3)'
awk -F, 'NR > 1 && $2 > 0 { print substr($1, 1, 7), $2 }' p1-gas/data/year/this-year.csv

echo '# statistics of yesterday with csvkit'
csvstat --columns electric_power p1/data/day/yesterday.csv

echo '# SQL with csvkit (its library prints a deprecation warning)'
SQLALCHEMY_SILENCE_UBER_WARNING=1 csvsql --query 'SELECT max(electric_power) AS most, min(electric_power) AS least FROM yesterday' p1/data/day/yesterday.csv
