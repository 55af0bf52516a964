#!/usr/bin/env bash
# A mount that is read once a second for an hour: every byte is right, and memory does not grow.
#
#   soak-mount.sh BUILD_DIR       CEMM_SOAK_SECONDS: the duration (default 3600)
# shellcheck disable=SC1091,SC2154
set -euo pipefail
. "$(dirname "$0")/mount-lib.sh"
. "$(dirname "$0")/soak-lib.sh"
begin_mount "$@"

readonly seconds=${CEMM_SOAK_SECONDS:-3600}
readonly other=00-1E-C0-00-00-02
readonly connections=8 # the default of max-connections
readonly growth=2048   # KiB; one document takes about 100

start_sim --devices 2
write_config "$conf" 'timeout = 30'
mount_fs -o realtime_ttl=1

# The caches of cemmfs are filled to their limits first, with half a year of days in both formats.
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
is "read for $seconds s: all files were complete and right, and no value was older than before" 0 "$stopped"
cat "$scratch/reader.log"
flat cemmfs "$scratch/figures" $((connections + 4)) "$growth" # 4: its own socket pairs
today_is_right() {
  cloud_get "cemm/$dev/p1/data/day/" "time=$(midnight today)" | expected_csv | cmp - "$m/$dev/p1/data/day/today.csv"
}
check 'at the end today.csv has the rows of the cloud' wait_for 150 today_is_right
hasnt 'no key is in the log' "$(cat "$scratch/fs.log")" "$sim_key"
unmount_fs
check 'cemmfs is unmounted' not_mounted "$m"
finish
