#!/usr/bin/env bash
# mount-midnight.sh BUILD_DIR: tests `today` at the end of a day. The meters' zone is chosen so that the
# day ends when the test needs it.
# shellcheck disable=SC1091,SC2154
set -euo pipefail
. "$(dirname "$0")/mount-lib.sh"
begin_mount "$@"

# zone_where HH:MM: prints a zone in which it is HH:MM now, as +HH:MM.
zone_where() {
  local offset=$(((10#${1%:*} * 60 + 10#${1#*:} - 10#$(date -u +%H) * 60 - 10#$(date -u +%M) + 2880) % 1440))
  ((offset < 720)) || offset=$((offset - 1440))
  printf '%s%02d:%02d' "$([[ $offset -lt 0 ]] && echo - || echo +)" $((${offset#-} / 60)) $((${offset#-} % 60))
}

# local_day ZONE [SECONDS]: prints the date in the zone, now or SECONDS from now.
local_day() {
  local hours=${1:1:2} minutes=${1:4:2}
  date -u -d "@$(($(date +%s) + ${1:0:1}(10#$hours * 3600 + 10#$minutes * 60) + ${2-0}))" +%Y-%m-%d
}

# begin_at HH:MM: starts a simulator and a mount for which it is HH:MM now. Sets $today and $before, the
# date of the day before, and $days, the directory of p1's days.
begin_at() {
  local zone
  zone=$(zone_where "$1")
  start_sim --devices 1 --meters p1 --zone "$zone"
  write_config "$conf" 'timeout = 4'
  sed -i "s|^time-zone = .*|time-zone = $zone|" "$conf"
  rm -rf "$conf.archive"
  mount_fs
  today=$(local_day "$zone")
  before=$(local_day "$zone" -86400)
  days=$m/$dev/p1/data/day
  stat "$m/$dev/p1" >/dev/null
}

# leads_to DATE: whether today.csv is a link to the file of that day.
leads_to() {
  [[ $(readlink "$days/today.csv") == "${1:0:4}/${1:5:2}/$1.csv" ]]
}

begin_at 15:00
asked=$(requests .)
check 'in the afternoon today is today' leads_to "$today"
is 'in the afternoon today costs no request' "$asked" "$(requests .)"
unmount_fs

begin_at 00:20
check 'after midnight today is today if there are rows' leads_to "$today"
check 'after midnight today costs one request' test "$(requests 'data/day/')" -eq 1
sim_faults 'status=502@*/data/*'
check 'today does not move back when requests fail' leads_to "$today"
unmount_fs

begin_at 00:20
sim_faults 'value-null@*/data/day/*'
check 'without a row today is still the day before' leads_to "$before"
is 'totals of today, which have a row, are today' "${today:0:4}/${today:5:2}/$today.json" \
  "$(readlink "$m/$dev/p1/totals/today.json")"
check 'yesterday stays yesterday' test "$(readlink "$days/yesterday.csv")" = "${before:0:4}/${before:5:2}/$before.csv"
sim_faults
check 'today moves on with the first row' wait_for 100 leads_to "$today"
unmount_fs

begin_at 00:20
sim_faults 'status=502@*/data/*'
check 'if the new day is not available, today is the day before' leads_to "$before"
unmount_fs

# ---- tail -F over midnight (some minutes) ------------------------------------------------

if [[ -n ${CEMM_E2E_LONG-} ]]; then
  begin_at 23:58
  tail -n 1 -F "$days/today.csv" >"$scratch/tail" 2>/dev/null &
  follower=$!
  started "$follower"
  next=$(date -d "$today + 1 day" +%Y-%m-%d)
  check 'tail -F shows the next day' wait_for 400 grep -q "^${next}T00:0[2-9]" "$scratch/tail"
  stop "$follower"
  is 'tail -F shows the last minute of the first day' 1 "$(grep -c "^${today}T23:59:" "$scratch/tail" || true)"
  is 'tail -F shows each minute once' '' "$(grep '^2' "$scratch/tail" | sort | uniq -d)"
  unmount_fs
fi
finish
