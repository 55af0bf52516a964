#!/usr/bin/env bash
# mount-memory.sh BUILD_DIR [YEARS]: checks the memory of a mount while a long history is listed and
# read completely: ten years of three meters on five devices, first from the cloud, then from the
# archive.
# shellcheck disable=SC1091,SC2154
set -euo pipefail
. "$(dirname "$0")/mount-lib.sh"
begin_mount "$@"
years=${2:-10}
! ldd "$build/fs/cemmfs" | grep libasan >/dev/null || skip 'ASan keeps what was freed'

since=$(date -d "$years years ago" +%F)
start_sim --devices 5 --meters p1,p1-gas,s01 --since "$since"
write_config "$conf"
mount_fs

# peak: prints the peak resident memory in KiB.
peak() {
  awk '/^VmHWM/ { print $2 }' "/proc/$fs_pid/status"
}

# read_device DIRECTORY: reads every file in the directory, and writes their names to
# $scratch/names.UID.
read_device() {
  local names=$scratch/names.${1##*/}
  find "$1" -type f >"$names" 2>>"$scratch/complaints"
  tr '\n' '\0' <"$names" | xargs -0 cat 2>>"$scratch/complaints" >/dev/null
}

# read_all: reads the devices in parallel.
read_all() {
  local device pids=() failed=0
  for device in "$m"/*-*; do
    read_device "$device" &
    pids+=("$!")
  done
  for device in "${pids[@]}"; do
    wait "$device" || failed=1
  done
  return "$failed"
}

counted() {
  cat "$scratch"/names.* | wc -l
}

# There are at least the days of three meters and the totals of two, each as JSON and CSV.
check 'everything is read, cold' read_all
check "these are many files ($(counted))" test "$(counted)" -ge $((years * 365 * 5 * 6))
check "reading them, cemmfs stays under 64 MiB ($(peak) KiB)" test "$(peak)" -lt 65536
find "$m" -type f -printf '%s\n' >"$scratch/sizes"
check "listing all files with stat, cemmfs stays under 64 MiB ($(peak) KiB)" test "$(peak)" -lt 65536
unmount_fs
stop "$sim_pid"
is 'nothing failed' '' "$(head -n3 "$scratch/complaints")"

# A new process without a network reads all files from the archive.
mount_fs
read_all || true # periods that are not closed can't be read
check "reading from the archive, cemmfs stays under 64 MiB, too ($(peak) KiB)" test "$(peak)" -lt 65536
unmount_fs
finish
