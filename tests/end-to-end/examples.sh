#!/usr/bin/env bash
# examples.sh BUILD_DIR: runs the examples that are not for collectd, or checks them with the programs
# that read them, and compares their output with the simulator's meters.
# shellcheck disable=SC2154,SC2317 # variables of the libraries; functions are called by check
set -euo pipefail
here=$(dirname "$0")
# shellcheck source=tests/end-to-end/mount-lib.sh
. "$here/mount-lib.sh"
begin_mount "$@"
for program in python3 promtool systemd-analyze findmnt gnuplot rrdtool csvstat csvsql rsync jq; do
  command -v "$program" >/dev/null || skip "$program is not installed"
done
# Debian's Python has the module pandas.
debian_python=/usr/bin/python3
"$debian_python" -c 'import pandas' 2>/dev/null || skip 'python3-pandas is not installed'

examples=$(cd "$here/../../examples" && pwd)
sim=$build/tests/simulator/cemm-sim
PATH=$build/plugin/exec:$build/fs:$PATH

# ---- every example has a test -------------------------------------------------------------------

# untested: prints the examples that no test names. A test may name their directory instead, and the
# pictures need no test.
untested() {
  local file
  (cd "$examples" && find . -type f -printf '%P\n') | grep -v '^pictures/' | while read -r file; do
    grep -rqF -e "${file##*/}" "$here" || { [[ $file == */* ]] && grep -rqE "examples/?[\"']?[^ ]*${file%/*}[/\"' ]" "$here"; } || echo "$file"
  done
}
is 'every example is named by a test' '' "$(untested)"

# ---- Telegraf: TOML, with keys that Telegraf knows --------------------------------------------------

# telegraf.conf has the second way in a comment. The copy has both ways.
sed -E '/^# \[\[inputs.exec\]\]/,$ s/^# ?//' "$examples/telegraf.conf" >"$scratch/telegraf.conf"
telegraf_keys() {
  python3 - "$scratch/telegraf.conf" <<'END'
import sys, tomllib
every = {"interval", "data_format", "name_override", "tags", "alias", "precision"}
known = {"execd": every | {"command", "environment", "signal", "restart_delay", "stop_on_error", "buffer_size"},
         "exec": every | {"commands", "environment", "timeout", "name_suffix", "ignore_error"}}
inputs = tomllib.load(open(sys.argv[1], "rb"))["inputs"]
assert set(inputs) == set(known), inputs
for plugin, blocks in inputs.items():
    for block in blocks:
        assert set(block) <= known[plugin], set(block) - known[plugin]
END
}
check 'telegraf.conf: TOML with keys of exec and execd' telegraf_keys

# ---- Prometheus: alerts, and the timer --------------------------------------------------------------

check 'alerts.yml: promtool accepts it' promtool check rules "$examples/prometheus/alerts.yml"
cat >"$scratch/alerts-test.yml" <<END
rule_files: ["$examples/prometheus/alerts.yml"]
evaluation_interval: 1m
tests:
  - interval: 1m
    input_series:
      - {series: 'cemm_up{uid="A",alias="p1"}', values: '1 0x30'}
      - {series: 'cemm_last_sample_timestamp_seconds{uid="A",alias="p1"}', values: '0x30'}
      - {series: 'cemm_up{uid="B",alias="p1"}', values: '1x30'}
      - {series: 'cemm_up{uid="B",alias="p1-gas"}', values: '1x5 stale'}
      - {series: 'cemm_up{uid="C",alias="mb1"}', values: '1x30'}
      - {series: 'cemm_up{uid="C",alias="mb2"}', values: '1x30'}
      - {series: 'cemm_meter_info{uid="C",alias="mb2",type="solar_energy"}', values: '1x30'}
      - {series: 'cemm_up{uid="C",alias="pulse-1"}', values: '1x30'}
      - {series: 'cemm_last_sample_timestamp_seconds{uid="B",alias="p1"}', values: '0x30'}
      - {series: 'cemm_last_sample_timestamp_seconds{uid="B",alias="p1-gas"}', values: '0x30'}
      - {series: 'node_textfile_mtime_seconds{file="/x/cemm.prom"}', values: '0x30'}
    alert_rule_test:
      - {eval_time: 5m, alertname: MeterDown}
      - {eval_time: 8m, alertname: MeterDown, exp_alerts: [{exp_labels: {uid: A, alias: p1}, exp_annotations: {summary: "A/p1  can't be read"}}]}
      - {eval_time: 15m, alertname: MeterSilent}
      - {eval_time: 16m, alertname: MeterSilent, exp_alerts: [{exp_labels: {uid: B, alias: p1}, exp_annotations: {summary: "B/p1 answers, but has measured nothing for 16m 0s"}}]}
      - {eval_time: 14m, alertname: MeterNeverMeasured}
      - {eval_time: 15m, alertname: MeterNeverMeasured, exp_alerts: [{exp_labels: {uid: C, alias: mb1}, exp_annotations: {summary: "C/mb1 answers, but has never measured anything"}}]}
      - {eval_time: 15m, alertname: MeterGone}
      - {eval_time: 16m, alertname: MeterGone, exp_alerts: [{exp_labels: {uid: B, alias: p1-gas}, exp_annotations: {summary: "B/p1-gas is no longer there"}}]}
      - {eval_time: 30m, alertname: MetersAbsent}
      - {eval_time: 10m, alertname: MetersNotSwept}
      - {eval_time: 11m, alertname: MetersNotSwept, exp_alerts: [{exp_labels: {file: /x/cemm.prom}, exp_annotations: {summary: "cemm has not run for 11m 0s"}}]}
  - interval: 1m
    input_series:
      - {series: 'cemm_up{uid="A",alias="p1"}', values: '1x5 stale'}
    alert_rule_test:
      - {eval_time: 15m, alertname: MetersAbsent}
      - {eval_time: 16m, alertname: MetersAbsent, exp_alerts: [{exp_annotations: {summary: "no metrics of cemm"}}]}
      - {eval_time: 20m, alertname: MeterGone}
  - interval: 1m
    input_series:
      - {series: 'cemm_up{uid="A",alias="p1"}', values: '1x5 stale'}
      - {series: 'cemm_up{source="cloud home"}', values: '_x5 0x30'}
    alert_rule_test:
      - {eval_time: 20m, alertname: MeterGone}
END
check 'alerts.yml: each alert fires when it should' promtool test rules "$scratch/alerts-test.yml"

# verified UNIT…: whether systemd finds no mistake in the units. The program that they start is
# replaced.
verified() {
  local unit output
  mkdir -p "$scratch/units"
  for unit in "$@"; do
    sed -e "s|/usr/local/bin/prometheus-textfile.sh|$examples/prometheus-textfile.sh|" \
      "$unit" >"$scratch/units/${unit##*/}"
  done
  output=$(cd "$scratch/units" && systemd-analyze verify "${@##*/}" 2>&1) || true
  output=$(grep -F -e "${1##*/}" -e "${2##*/}" <<<"$output" || true)
  [[ -z $output ]] || { echo "$output" && return 1; }
}
check 'systemd accepts the timer and its service' verified "$examples/prometheus/cemm-textfile.timer" "$examples/prometheus/cemm-textfile.service"
check 'systemd accepts the automount and its mount' verified "$examples/systemd/cemm.automount" "$examples/systemd/cemm.mount"
sed -i 's/^Where=/Were=/' "$scratch/units/cemm.mount"
slip() { cd "$scratch/units" && systemd-analyze verify cemm.mount 2>&1; }
has "a typo in a unit would be reported" "$(slip)" Were
is 'the timer: each minute' '*-*-* *:*:00' "$(systemd-analyze calendar \
  "$(sed -n 's/^OnCalendar=//p' "$examples/prometheus/cemm-textfile.timer")" | sed -n 's/^Normalized form: //p')"

# Both lines of the example are used, including the line in the comment.
sed 's|^#/etc|/etc|; s|cemm.conf /cemm |cemm.conf /mnt |' "$examples/fstab" >"$scratch/fstab"
fstab() { findmnt --verify --verbose --tab-file "$scratch/fstab" 2>&1; }
is 'fstab: two lines' 2 "$(findmnt --tab-file "$scratch/fstab" --noheadings | wc -l)"
hasnt 'fstab: findmnt finds no fault' "$(fstab | grep -v 'unreachable source\|does not exist\|vfs_type' || true)" '[E]'
# cemmfs must accept each option in these lines.
while read -r word; do
  { cemmfs -o "$word" 2>&1 || true; } | grep 'no mount point given' >/dev/null || echo "$word"
done < <(awk '$3 == "fuse.cemmfs" { print $4 }' "$scratch/fstab" | tr ',' '\n') >"$scratch/not-taken"
is 'fstab: cemmfs accepts the options' '' "$(<"$scratch/not-taken")"

# ---- the key of the textfile service -------------------------------------------------------

now=$(($(date +%s) / 60 * 60 - 3600))
since=2025-01-01
start_sim --devices 1 --meters p1,p1-gas,s01 --since "$since" --now "$now" --speed 0
write_config "$conf"
mkdir -m 700 "$scratch/credentials"
write_key "$scratch/credentials/home"
sed 's|^api-key-file = .*|api-key-file = credential:home|' "$conf" >"$scratch/credential.conf"
textfile() {
  CREDENTIALS_DIRECTORY=$scratch/credentials CEMM_CONFIG=$scratch/credential.conf \
    sh "$examples/prometheus-textfile.sh" "$scratch/cemm.prom" && promtool check metrics <"$scratch/cemm.prom"
}
check 'the textfile script with a key from systemd' textfile

# ---- in a mount -----------------------------------------------------------------------------------------

mount_fs -o realtime_ttl=10
export TZ=Europe/Amsterdam
yesterday=$(date -d yesterday +%F)
p1=$m/$dev/p1/data/day
exits 'oneliners.sh' 0 sh "$examples/oneliners.sh" "$m"
is 'oneliners.sh prints no message' '' "$err"
# says TITLE: prints the output under that title.
says() { awk -v title="# $1" '$0 == title { inside = 1; next } /^#/ { inside = 0 } inside' <<<"$out"; }
oracle() { "$sim" --since "$since" --print "$dev" "$@"; }
is 'the power now' "$(oracle p1 electric_power "${now}000")" "$(says 'the power now (W)')"
readings=$(for channel in t1 t2 t3 t4; do echo "$channel $(oracle p1 "$channel" "${now}000")"; done)
is 'the meter readings' "$readings" "$(says 'the meter readings, as "name value unit"' | sed 's/ kWh//')"
is 'the same with jq' "$readings" "$(says 'the same with jq')"
is 'the time of the readings' "$(TZ=UTC date -d "@$now" +%FT%TZ)" "$(says 'when it was measured')"
is 'the five highest minutes are of yesterday' 5 "$(says 'the five highest minutes of yesterday' | grep -c "^$yesterday")"
most=$(tail -n +2 "$p1/yesterday.csv" | cut -d , -f 2 | sort -n | tail -n 1)
is 'csvsql finds the same maximum' "$most" "$(says 'SQL with csvkit (its library prints a deprecation warning)' | tail -n 1 | cut -d , -f 1 | sed 's/\.0$//')"
has 'csvstat has all rows' "$(says 'statistics of yesterday with csvkit')" "Row count: $(tail -n +2 "$p1/yesterday.csv" | wc -l)"
check 'hours, days and months have rows' test "$(says 'the hours of yesterday, mean W' | wc -l)" -ge 23 -a \
  "$(says 'the days of this month: date, kWh' | wc -l)" -ge 1 -a "$(says 'gas of this year, by month (m3)' | wc -l)" -ge 1

month=$(dirname "$(realpath "$p1/yesterday.csv")")
exits 'pandas-month.py' 0 "$debian_python" "$examples/plots/pandas-month.py" "$month"
is 'pandas-month.py: the sums of yesterday are those of awk' \
  "$yesterday $(awk -F, 'NR > 1 && $2 > 0 { used += $2 } $2 < 0 { fed -= $2 } END { printf "%.3f %.3f", used / 60000, fed / 60000 }' "$p1/yesterday.csv")" \
  "$(awk -v day="$yesterday" '$1 == day { printf "%s %.3f %.3f", day, $(NF - 1), $NF }' <<<"$out")"
is 'pandas-month.py prints the 24 hours of the day' 24 "$(sed -n '/^hour/,$p' <<<"$out" | tail -n +2 | wc -l)"

# is_png FILE: whether the file is a picture that is not empty.
is_png() {
  [[ $(head -c 4 "$1" | tail -c 3) == PNG && $(stat -c %s "$1") -gt 3000 ]]
}
quiet_plot() { ! gnuplot -c "$@" 2>&1 | grep .; }
check 'day.gnuplot' quiet_plot "$examples/plots/day.gnuplot" "$p1/yesterday.csv" "$scratch/day.png"
year=$m/$dev/p1/data/year/this-year.csv
check 'year.gnuplot' quiet_plot "$examples/plots/year.gnuplot" "$year" "$m/$dev/p1-gas/data/year/this-year.csv" "$scratch/year.png"
check 'carpet.gnuplot' quiet_plot "$examples/plots/carpet.gnuplot" "$month/*.csv" "$scratch/carpet.png"
for name in day year carpet; do check "$name.png is a picture" is_png "$scratch/$name.png"; done

# ---- rsync from cron --------------------------------------------------------------------------------------

line=$(grep -v '^#' "$examples/rsync.cron")
check 'rsync.cron: five fields of time, a user, a command' grep -qE '^([0-9*/,-]+ ){5}[a-z]+ rsync ' <<<"$line"
command=$(awk '{ for (i = 7; i <= NF; i++) printf "%s ", $i }' <<<"$line")
# Only a part of the history is copied, because all of it would be some hundred files.
mkdir "$scratch/copy"
copy() {
  sh -fc "$(sed "s|/cemm/|$m/|; s|/srv/energy/|$scratch/copy/|; s|--archive|--archive --itemize-changes --exclude=day/20* --exclude=totals --exclude=s01|" <<<"$command")"
}
exits 'rsync.cron copies' 0 copy
check 'the copy has months and years' test -s "$scratch/copy/$dev/p1/data/year/$(date +%Y).csv" -a -s "$scratch/copy/$dev/p1-gas/data/month/2025/2025-03.csv"
is 'the copy has no realtime, no status and no link' '' "$(find "$scratch/copy" -name 'realtime*' -o -name 'status*' -o -type l)"
exits 'rsync.cron copies again' 0 copy
is 'closed files are not copied again' '' "$(grep '^>f' <<<"$out" | grep -v "$(date +%Y)" || true)"
unmount_fs

# ---- the pictures of README -------------------------------------------------------------------------------

check 'pictures.sh draws' "$examples/pictures.sh" "$build" "$scratch/pictures"
is 'pictures.sh draws the same files as in the tree' "$(ls "$examples/pictures")" "$(ls "$scratch/pictures")"
for file in "$scratch"/pictures/*; do check "${file##*/} is a picture" is_png "$file"; done
finish
