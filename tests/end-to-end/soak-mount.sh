#!/usr/bin/env bash
# A mount that is read once a second for an hour: every byte is right, and it does not grow.
#
#   soak-mount.sh BUILD_DIR       CEMM_SOAK_SECONDS: for how long (default 3600)
# shellcheck disable=SC1091,SC2154
set -euo pipefail
. "$(dirname "$0")/mount-lib.sh"
. "$(dirname "$0")/soak-lib.sh"
begin_mount "$@"

readonly seconds=${CEMM_SOAK_SECONDS:-3600}
readonly other=00-1E-C0-00-00-02
readonly connections=8 # the default of max-connections
readonly growth=2048   # KiB; one document is some 100

start_sim --devices 2
write_config "$conf" 'timeout = 30'
mount_fs -o realtime_ttl=1

# Its memory fills up to its limits first: half a year of days, of two kinds.
last_year=$(date -d '1 year ago' +%Y)
check 'the memory is filled' bash -c "cat '$m/$other'/*/data/day/$last_year/0[1-6]/*.csv '$m/$other/p1/data/day/$last_year'/0[1-6]/*.json | wc -c"

SIM_KEY=$sim_key PYTHONDONTWRITEBYTECODE=1 python3 "$(dirname "$0")/soak-mount.py" "$m" "$dev" "$seconds" "$sim_cloud" \
  >"$scratch/reader.log" 2>&1 &
reader=$!
started "$reader"
every=$(awk -v seconds="$seconds" 'BEGIN { print (seconds >= 100 ? seconds / 200 : 0.2) }') # some 200 figures
until gone_or_zombie "$reader"; do
  figures "$fs_pid" >>"$scratch/figures"
  sleep "$every"
done
stop "$reader"
is "read for $seconds s: all was whole, right, and never went back" 0 "$stopped"
cat "$scratch/reader.log"
flat cemmfs "$scratch/figures" $((connections + 4)) "$growth" # its own pairs besides
today_is_right() {
  cloud_get "cemm/$dev/p1/data/day/" "time=$(midnight today)" | expected_csv | cmp - "$m/$dev/p1/data/day/today.csv"
}
check 'in the end today.csv is what the cloud says' wait_for 150 today_is_right
hasnt 'no key is in the log' "$(cat "$scratch/fs.log")" "$sim_key"
unmount_fs
check 'it is unmounted' not_mounted "$m"
finish
