#!/usr/bin/env bash
# energy.sh BUILD_DIR: tests `cemm energy`. energy.py calculates the expected output from the
# simulator's numbers, row by row and to the last digit.
# shellcheck disable=SC2016,SC2317 # awk programs; functions that check calls
set -euo pipefail
here=$(dirname "$0")
# shellcheck source=tests/end-to-end/lib.sh
. "$here/lib.sh"
# shellcheck source=tests/end-to-end/key-lib.sh
. "$here/key-lib.sh"
# shellcheck source=tests/end-to-end/energy-lib.sh
. "$here/energy-lib.sh"
energy_begin "$@"
since=2025-01-01
header=uid,alias,start,import,export,forward,reverse,gas,volume,minutes,basis,unallocated

# energy_exits WHAT CODE [ARGUMENT…]: as `exits`, for `cemm energy` with the configuration $config.
energy_exits() {
  local what=$1 code=$2
  shift 2
  exits "$what" "$code" "$cemm" energy --config "$config" --format csv "$@"
}

# as_worked_out WHAT ALIAS FROM TO BY [MORE…]: checks that the meter's rows in $out are those that
# energy.py calculates.
as_worked_out() {
  local what=$1 alias=$2
  work_out "${@:2}" >"$scratch/wanted"
  grep "^$one,$alias," "$scratch/stdout" >"$scratch/got" || true
  check "$what: $alias has rows" test -s "$scratch/wanted"
  is_file "$what: $alias by $5" "$scratch/wanted" "$scratch/got"
}

# sums COLUMN LENGTH: prints the sums of a column (import: 4) of p1, grouped by the first LENGTH
# characters of the time.
sums() {
  awk -F, -v column="$1" -v length_="$2" '$2 == "p1" && $column != "" { sum[substr($3, 1, length_)] += $column }
    END { for (key in sum) printf "%s %.3f\n", key, sum[key] }' "$scratch/stdout" | sort
}

clock_changes() {
  local by range
  for range in '2025-03-29 2025-03-31' '2025-10-25 2025-10-27' '2025-06-20 2025-06-21'; do
    local from=${range% *} to=${range#* }
    for by in hour day; do
      energy_exits "$range by $by" 0 --from "$from" --to "$to" --by "$by"
      is "$range by $by: there is no message" '' "$err"
      is "$range by $by: the header" "$header" "$(head -n 1 <<<"$out")"
      for alias in p1 s01 p1-gas; do as_worked_out "$range" "$alias" "$from" "$to" "$by"; done
      check "$range by $by: oldest first" sort -c -t, -k3,3 <(TZ=UTC date -f <(tail -n +2 "$scratch/stdout" | cut -d, -f3) +,,%s)
      sums 4 10 >"$scratch/days-by-$by"
      sums 5 10 >"$scratch/export-by-$by"
      sums 4 13 >"$scratch/hours-by-$by"
    done
    energy_exits "$range by quarter" 0 --from "$from" --to "$to" --by quarter p1 s01
    for alias in p1 s01; do as_worked_out "$range" "$alias" "$from" "$to" quarter; done
    sums 4 10 >"$scratch/days-by-quarter"
    sums 4 13 >"$scratch/hours-by-quarter"
    is_file 'quarters add up to days' "$scratch/days-by-day" "$scratch/days-by-quarter"
    is_file 'hours add up to days' "$scratch/days-by-day" "$scratch/days-by-hour"
    is_file 'hours of export add up to days' "$scratch/export-by-day" "$scratch/export-by-hour"
    energy_exits 'by hour' 0 --from "$from" --to "$to" --by hour p1
    sums 4 13 >"$scratch/hours-by-hour"
    is_file 'quarters add up to hours' "$scratch/hours-by-hour" "$scratch/hours-by-quarter"
  done
  check 'an hour may have both import and export' awk -F, '$4 > 0 && $5 > 0 { found = 1 } END { exit !found }' "$scratch/stdout"
  energy_exits 'the repeated hour' 0 --from 2025-10-26 --to 2025-10-26 p1
  is 'the repeated hour has two rows' "2025-10-26T02:00:00+02:00 2025-10-26T02:00:00+01:00" "$(grep -o '2025-10-26T02:00:00[^,]*' <<<"$out" | paste -sd ' ')"
  energy_exits 'two days by month' 0 --from 2025-03-10 --to 2025-03-11 --by month
  for alias in p1 s01 p1-gas; do as_worked_out 'two days by month: the whole month' "$alias" 2025-03-01 2025-03-31 month; done
}

# Minutes and readings are missing in the archive, and readings jump, as if the meter had been replaced.
missing() {
  local from=2025-05-10 to=2025-05-16 by begin end
  energy_exits 'a week' 0 --from "$from" --to "$to" p1
  begin=$(TZ=$zone date -d '2025-05-11 10:05' +%s)
  end=$(TZ=$zone date -d '2025-05-11 13:20' +%s)
  without_minutes "$begin" "$end"
  rm "$(archived totals 2025-05-13)"
  for day in 15 16; do
    edit "$(archived totals "2025-05-$day")" "data['t1'][1] += 30"
  done
  sim_faults "status=404@*/totals/*"
  for by in quarter hour day month; do
    energy_exits "missing data, by $by" 0 --from "$from" --to "$to" --by "$by" p1
    [[ $by != month ]] || break
    as_worked_out 'missing data' p1 "$from" "$to" "$by" \
      "gap=$begin/$end" unread=2025-05-13 more=2025-05-15=30000
    is 'days that were not scaled are reported' "W! cemm: $one/p1: amounts of 2025-05-15 come from the minutes alone: their sum differs too much from the meter readings" "$err"
    sums 4 10 >"$scratch/days-by-$by"
  done
  is_file 'quarters add up to days' "$scratch/days-by-day" "$scratch/days-by-quarter"
  sim_faults
  energy_exits 'a gap' 0 --from 2025-05-11 --to 2025-05-11 --by quarter p1
  is 'a quarter without data has no values' "$one,p1,2025-05-11T11:00:00+02:00,,,,,,,0,," "$(grep T11:00 <<<"$out")"
  energy_exits 'the day with the gap' 0 --from 2025-05-11 --to 2025-05-11 --by day p1
  is 'the day with the gap has the number of its minutes' "1245,minutes" "$(tail -n 1 <<<"$out" | cut -d, -f10,11)"
  rm -rf "$config.archive"
}

# Meters on the LAN: an inverter, which also consumes; water; the consumption of the house; gas by the
# minute.
lan() {
  local one_sim=$sim_pid alias by
  start_sim --devices 1 --lan 1 --meters mb5,pulse-1,usage,p1-gas --dsmr5 --since "$since"
  cat >"$scratch/lan.conf" <<EOT
time-zone = $zone
[discovery]
enabled = no
[archive]
directory = $scratch/lan.archive
[local garage]
address = ${sim_lan[0]}
EOT
  for by in quarter day; do
    exits "the LAN by $by" 0 "$cemm" energy --config "$scratch/lan.conf" --format csv --from 2025-05-10 --to 2025-05-11 --by "$by"
    for alias in mb5 pulse-1 usage p1-gas; do
      as_worked_out 'the LAN' "$alias" 2025-05-10 2025-05-11 "$by" lan dsmr5
    done
  done
  has 'the basis of the inverter, which consumes at night' "$(grep ,mb5, <<<"$out" | cut -d, -f11)" minutes
  has 'the basis of the house, which only consumes' "$(grep ,usage, <<<"$out" | cut -d, -f11)" net
  stop "$sim_pid"
  sim_pid=$one_sim
}

# In this zone, local hours begin at half past the hours of UTC.
half_hours() {
  zone=Asia/Kolkata
  start_sim --devices 1 --meters p1,p1-gas --since "$since" --zone "$zone"
  write_config "$scratch/half.conf"
  sed -i "s|^time-zone = .*|time-zone = $zone|" "$scratch/half.conf"
  config=$scratch/half.conf energy_exits 'a zone with half hours' 0 --from 2025-05-10 --to 2025-05-11
  as_worked_out "$zone" p1 2025-05-10 2025-05-11 hour
  exits 'in full hours of UTC' 0 "$cemm" energy --config "$scratch/half.conf" --format home-assistant --from 2025-05-10 --to 2025-05-11 p1
  is 'the UTC hour that is in two local days is printed' '10.05.2025 18:00' "$(grep -o '10.05.2025 18:00' <<<"$out" | sort -u)"
  is 'all UTC hours are printed' '09.05.2025 19:00 11.05.2025 17:00 94' \
    "$(sed -n 2p <<<"$out" | cut -d, -f2) $(tail -n 1 <<<"$out" | cut -d, -f2) $(($(wc -l <<<"$out") - 1))"
  work_out p1 2025-05-10 2025-05-11 utc |
    awk -F, '{ print $4 "\n" $5 }' | sed '1,2d' | head -n -2 >"$scratch/wanted"
  tail -n +2 "$scratch/stdout" | cut -d, -f4 >"$scratch/got"
  is_file 'the UTC hours have the expected values' "$scratch/wanted" "$scratch/got"
  stop "$sim_pid"
  zone=Europe/Amsterdam
}

home_assistant() {
  local to
  for to in 2025-10-26 2025-10-27; do
    exits "home-assistant to $to" 0 "$cemm" energy --config "$config" --format home-assistant --from 2025-10-25 --to "$to"
    cp "$scratch/stdout" "$scratch/$to.csv"
  done
  is 'home-assistant: the header' statistic_id,start,unit,delta "$(head -n 1 <<<"$out")"
  is 'home-assistant: the ids and units' "cemm:00_1e_c0_00_00_01_p1_export,kWh
cemm:00_1e_c0_00_00_01_p1_gas_gas,m³
cemm:00_1e_c0_00_00_01_p1_import,kWh
cemm:00_1e_c0_00_00_01_s01_forward,kWh
cemm:00_1e_c0_00_00_01_s01_reverse,kWh" "$(tail -n +2 <<<"$out" | cut -d, -f1,3 | LC_ALL=C sort -u)"
  is_file "tomorrow's file begins with today's file" "$scratch/2025-10-26.csv" \
    <(head -n "$(wc -l <"$scratch/2025-10-26.csv")" "$scratch/2025-10-27.csv")
  is 'the repeated hour is two hours of UTC' 1,1 \
    "$(grep -c 'p1_import,26.10.2025 00:00' <<<"$out"),$(grep -c 'p1_import,26.10.2025 01:00' <<<"$out")"
  energy_exits 'the same days by hour, as csv' 0 --from 2025-10-25 --to 2025-10-27 p1
  is_file 'home-assistant and csv have the same amounts' <(tail -n +2 <<<"$out" | cut -d, -f4) <(grep p1_import, "$scratch/2025-10-27.csv" | cut -d, -f4)
  exits 'first.sh' 0 "$here/../../examples/home-assistant/first.sh" "$scratch/2025-10-27.csv"
  is 'first.sh prints a row for each id' "statistic_id,start,unit,sum,state cemm:00_1e_c0_00_00_01_p1_export,01.01.2010 00:00,kWh,0,0 5" \
    "$(head -n 1 <<<"$out") $(LC_ALL=C sort <<<"$out" | head -n 1) $(($(wc -l <<<"$out") - 1))"
  imports
  exits 'days that are not closed' 1 "$cemm" energy --config "$config" --format home-assistant --from "$(TZ=$zone date +%F)" p1
  is 'days that are not closed are not printed' statistic_id,start,unit,delta "$out"
  has 'a message says that no day is closed' "$err" "E! cemm: $one/p1: there is no minute-by-minute data for any closed day in this range"
  exits 'home-assistant by day' 2 "$cemm" energy --config "$config" --format home-assistant --by day --from 2025-10-25
  has 'a message says that home-assistant has hours only' "$err" 'home-assistant has hours only: leave out --by'
}

# imported FILE…: imports the files as the recipe's actions do, by the rules of Home Assistant's
# integration.
imported() {
  python3 "$here/import-statistics.py" "$here/../../examples/home-assistant/README.md" "$scratch/first.csv" "$@"
}

# refused WHY SED: checks that tomorrow's file is refused if the sed command changes it.
refused() {
  sed "$2" "$scratch/2025-10-27.csv" >"$scratch/wrong.csv"
  refute "the import is refused if $1" imported "$scratch/2025-10-26.csv" "$scratch/wrong.csv"
}

# Tests the import of the rows, and of the longer file a day later.
imports() {
  local today=$scratch/2025-10-26.csv tomorrow=$scratch/2025-10-27.csv
  cp "$scratch/stdout" "$scratch/first.csv"
  exits 'Home Assistant accepts a file, a longer file, and both again' 0 imported "$today" "$today" "$tomorrow" "$tomorrow" "$today"
  cp "$scratch/stdout" "$scratch/got"
  energy_exits 'the same by day' 0 --from 2025-10-25 --to 2025-10-27 --by day
  # There are 74 rows: the first row of the recipe, and 73 hours.
  awk -F, 'NR > 1 { for (i = 4; i <= 8; i++) if ($i != "") sum[$2 " " i] += $i }
    END { n = split("x x x import export forward reverse gas", name, " ")
      for (key in sum) { split(key, part, " "); gsub("-", "_", part[1])
        printf "cemm:00_1e_c0_00_00_01_%s_%s %s 74 %.3f\n", part[1], name[part[2]], part[2] < 8 ? "kWh" : "m³", sum[key] } }' \
    "$scratch/stdout" | LC_ALL=C sort >"$scratch/wanted"
  is_file 'Home Assistant has the sums of all days' "$scratch/wanted" "$scratch/got"
  refused 'an hour began at half past' '2s/:00,/:30,/'
  refused 'a time had seconds' '2s/:00,/:00:00,/'
  refused 'the file had semicolons' 's/,/;/g'
  refused 'an id had a capital' '2s/p1/P1/'
  refused 'an id were the id of an entity' 's/cemm:/cemm./'
  refused 'an id had two underscores' 's/_p1/__p1/'
  refused 'a unit were another one' '2s/kWh/Wh/'
  refused 'a value were missing' '2s/[0-9.]*$//'
  refused 'a column were unknown' '1s/delta/delta,minutes/; 2,$s/$/,60/'
  refused 'a row were there twice' '2p'
  refused 'an hour were left out' 12d
  refused 'an earlier hour were another one' '2s/[0-9]$/9/; 2s/9$/&9/'
  exits 'a file that begins later' 0 "$cemm" energy --config "$config" --format home-assistant --from 2025-10-26 --to 2025-10-27
  cp "$scratch/stdout" "$scratch/later.csv"
  check 'Home Assistant accepts a file that begins later' imported "$today" "$scratch/later.csv" "$tomorrow"
  # Hours without data have no row.
  without_minutes "$(date -ud '2025-10-26 10:00' +%s)" "$(date -ud '2025-10-26 12:00' +%s)"
  exits 'two hours without data' 0 "$cemm" energy --config "$config" --format home-assistant --from 2025-10-25 --to 2025-10-27 p1
  is 'hours without data have no row' '2025-10-26 10 2025-10-26 11' "$(grep p1_import, "$tomorrow" | cut -d, -f1,2 | grep -vxF -f <(cut -d, -f1,2 <<<"$out") |
    sed 's/.*,\(..\)\.\(..\)\.\(....\) \(..\):00/\3-\2-\1 \4/' | paste -sd ' ')"
  cp "$scratch/stdout" "$scratch/gap.csv"
  check 'Home Assistant accepts the file with a gap' imported "$scratch/gap.csv" "$scratch/gap.csv"
  rm "$(archived data/day 2025-10-26)"
}

formats() {
  local range=(--from 2025-05-10 --to 2025-05-11 --by day)
  energy_exits csv 0 "${range[@]}"
  cp "$scratch/stdout" "$scratch/csv"
  exits json 0 "$cemm" energy --config "$config" --format json "${range[@]}"
  jq -r '.[] | [.[] | if type == "number" then . + 0 else . end] | @csv' "$scratch/stdout" | tr -d '"' >"$scratch/got"
  tail -n +2 "$scratch/csv" | sed 's/\.\([0-9]*[1-9]\)*0*,/.\1,/g; s/\.\([0-9]*[1-9]\)*0*$/.\1/; s/\.,/,/g; s/\.$//' >"$scratch/wanted"
  is_file 'json: the same numbers' "$scratch/wanted" "$scratch/got"
  is 'json: the same columns' "$header" "$(jq -r '.[0] | keys_unsorted | join(",")' "$scratch/stdout")"
  is 'json: null where it does not apply' 'null null' "$(jq -r '.[0] | "\(.gas) \(.forward)"' "$scratch/stdout")"
  exits influx 0 "$cemm" energy --config "$config" --format influx "${range[@]}" p1
  is 'influx: a line for each row' "cemm_energy,uid=$one,alias=p1,by=day import=$(sed -n 2p "$scratch/csv" | cut -d, -f4),export=$(sed -n 2p "$scratch/csv" | cut -d, -f5),minutes=1440,basis=\"readings\",unallocated=0.000 $(TZ=$zone date -d 2025-05-10 +%s)000000000" \
    "$(head -n 1 <<<"$out")"
  exits table 0 "$cemm" energy --config "$config" --format table "${range[@]}"
  is 'table: titles, once, and rows' '1 6' "$(grep -c ^TIME <<<"$out") $(grep -c ^2025 <<<"$out")"
  exits '--output' 0 "$cemm" energy --config "$config" --format csv "${range[@]}" --output "$scratch/file"
  is_file '--output: the same' "$scratch/csv" "$scratch/file"
  exits 'an unknown format' 2 "$cemm" energy --config "$config" --format putval "${range[@]}"
  has 'the message names the unknown format' "$err" "unknown format 'putval' for energy: use one of table, influx, json, csv, home-assistant"
  exits 'an unknown interval' 2 "$cemm" energy --config "$config" --from 2025-05-10 --by week
  has 'the message names the unknown interval' "$err" "unknown interval 'week': use one of quarter, hour, day, month"
}

# The current interval is omitted until it has ended.
now() {
  local quarter began
  # The first quarter of an hour of today must have ended.
  while [[ $(TZ=$zone date +%H:%M) < 00:16 ]]; do sleep 1; done
  began=$(date +%s)
  energy_exits 'today' 0 --from "$(TZ=$zone date +%F)" --by quarter p1 s01
  quarter=$(date -d "$(tail -n 1 <<<"$out" | cut -d, -f3)" +%s)
  check 'the last quarter is over' test $((quarter + 900)) -le "$(date +%s)"
  check 'the next quarter is not over' test $((quarter + 1800)) -gt "$began"
  energy_exits 'today by day' 0 --from "$(TZ=$zone date +%F)" --by day p1
  is 'today by day is left out' "$header" "$out"
  is 'a message says that no interval is over' 'W! cemm: no interval of these dates is over yet; try again after the first one has ended' "$err"
  echo before >"$scratch/kept"
  energy_exits 'today by day, to a file' 1 --from "$(TZ=$zone date +%F)" --by day p1 --output "$scratch/kept"
  is 'today by day does not change the file' before "$(<"$scratch/kept")"
  has 'a message says that the file was not changed' "$err" "E! cemm: $scratch/kept: not changed"
}

failures() {
  energy_exits 'gas by quarter' 1 --from 2025-05-10 --to 2025-05-10 --by quarter
  is 'a message says that gas is only available by the hour' "E! cemm: $one/p1-gas: its gas is only available by the hour; use --by hour" "$err"
  is 'the other meters are printed' '96 p1 96 s01' "$(tail -n +2 <<<"$out" | cut -d, -f2 | sort | uniq -c | awk '{ print $1, $2 }' | paste -sd ' ')"
  energy_exits 'before the first day' 1 --from 2024-12-01 --to 2024-12-03 p1
  is 'before the first day: a message says that there is no data' "E! cemm: $one/p1: there is no minute-by-minute data for these dates" "$err"
  energy_exits 'a range that begins before the first day' 0 --from 2024-12-30 --to 2025-01-02 --by day p1
  is 'the rows begin with the first day' '2025-01-01T00:00:00+01:00 minutes
2025-01-02T00:00:00+01:00 readings' "$(tail -n +2 <<<"$out" | awk -F, '{ print $3, $11 }')"

  rm -rf "$config.archive"
  sim_faults "status=404@*/s01/data/*"
  energy_exits 'a meter without minutes' 1 --from 2025-05-10 --to 2025-05-11 --by day
  is 'a message names the meter without minutes' "E! cemm: $one/s01: there is no minute-by-minute data for these dates" "$err"
  is 'the other meters are printed' 4 "$(tail -n +2 <<<"$out" | wc -l)"
  rm -rf "$config.archive"
  : >"$sim_log"
  sim_faults "status=502@*/data/month/*"
  energy_exits 'a month that fails' 0 --from 2025-05-09 --to 2025-05-11 --by day p1
  is 'the month is not needed if there are readings' ' readings readings readings' \
    "$err $(tail -n +2 <<<"$out" | cut -d, -f11 | paste -sd ' ')"
  energy_exits 'gas, while the month fails' 0 --from 2025-05-09 --to 2025-05-11 --by day p1-gas
  is 'the month was not requested' 0 "$(requests /data/month)"
  energy_exits 'a meter without readings, while the month fails' 1 --from 2025-05-09 --to 2025-05-11 --by day p1 s01
  is 'nothing of the meter without readings is printed' 'p1 p1 p1' "$(tail -n +2 <<<"$out" | cut -d, -f2 | paste -sd ' ')"
  has 'an error names that meter and the days' "$err" "E! cemm: $one/s01 2025-05-09 to 2025-05-11: "
  sim_faults
  : >"$sim_log"
  energy_exits 'the month works again' 0 --from 2025-05-09 --to 2025-05-11 --by day s01
  is 'the month is requested once' 1 "$(requests /data/month)"
  local what left
  for what in totals data/day; do
    left='2025-05-09' # because the next day also needs the readings
    [[ $what == totals ]] || left+=' 2025-05-11'
    rm -rf "$config.archive"
    energy_exits 'two of three days' 0 --from 2025-05-09 --to 2025-05-11 --by day p1
    rm "$(archived "$what" 2025-05-10)"
    sim_faults "status=502@*/$what/*"
    energy_exits "a day whose $what fails" 1 --from 2025-05-09 --to 2025-05-11 --by hour p1
    is "a day whose $what fails is reported once" 1 "$(grep -c '^E!' <<<"$err")"
    has 'the report of a failed day names the day' "$err" "E! cemm: $one/p1 2025-05-10: "
    is 'only days whose values are certain are printed' "$left" "$(tail -n +2 <<<"$out" | cut -d, -f3 | cut -c1-10 | uniq | paste -sd ' ')"
    energy_exits "the month of a day whose $what fails" 1 --from 2025-05-09 --to 2025-05-11 --by month p1
    is "the month of a day whose $what fails is left out" "$header" "$out"
    echo before >"$scratch/kept"
    exits "the month of a day whose $what fails, to a file" 1 "$cemm" energy --config "$config" --format csv --from 2025-05-09 --to 2025-05-11 --by month p1 --output "$scratch/kept"
    is 'the file is not changed' before "$(<"$scratch/kept")"
    sim_faults
  done
}

# `cemm energy` is stopped in the middle and run again. A longer range takes little more memory.
long_range() {
  local pid range=(--from 2025-02-01 --to 2025-03-31 --by hour p1)
  energy_exits 'two months' 0 "${range[@]}"
  cp "$scratch/stdout" "$scratch/whole"
  rm -rf "$config.archive"
  sim_faults 'delay=500@*/data/day/*'
  "$cemm" energy --config "$config" --format csv "${range[@]}" >"$scratch/part" 2>"$scratch/stderr" &
  pid=$!
  started "$pid"
  some() { (($(wc -l <"$scratch/part") >= 100)); }
  check 'rows are printed while more is requested' wait_for 20 some
  stop "$pid"
  is 'SIGTERM ends cemm' 143 "$stopped"
  is_file 'the printed rows are right' <(head -n "$(wc -l <"$scratch/part")" "$scratch/whole") "$scratch/part"
  sim_faults
  : >"$sim_log"
  energy_exits 'run again' 0 "${range[@]}"
  is_file 'run again: the output is complete' "$scratch/whole" "$scratch/stdout"
  check 'run again: archived days are not requested' test "$(requests /data/day)" -lt 56
  : >"$sim_log"
  energy_exits 'run a third time' 0 "${range[@]}"
  is 'run a third time: nothing is requested' 0 "$(requests '/(data|totals)/')"
  local short long
  short=$(peak --from 2025-03-01 --to 2025-04-30 p1)
  long=$(peak --from 2020-01-01 --to 2026-06-30 p1)
  check "memory does not grow with the range ($short KiB for 61 days, $long KiB for 546)" \
    test "$long" -lt $((short * 3 / 2 + 8192))
}

# peak ARGUMENT…: prints the peak memory of `cemm energy` in KiB.
peak() {
  python3 -c '
import resource, subprocess, sys
subprocess.run(sys.argv[1:], check=True, stdout=subprocess.DEVNULL)
print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)' "$cemm" energy --config "$config" --by quarter "$@"
}

start_sim --devices 1 --meters p1,p1-gas,s01 --since "$since" --next-row
write_config "$config"
clock_changes
missing
formats
home_assistant
now
failures
long_range
lan
half_hours
no_key 'at the end'
finish
