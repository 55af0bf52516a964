#!/usr/bin/env bash
# mount-start.sh BUILD_DIR: tests how cemmfs starts: where it refuses to mount, and unusual environments
# in which it must work.
# shellcheck disable=SC1091,SC2154
set -euo pipefail
. "$(dirname "$0")/mount-lib.sh"
begin_mount "$@"

start_sim --devices 1 --meters p1
write_config "$conf"
archive=$conf.archive
mkdir -p "$m" "$archive"

# refused WHAT WORDS PLACE [COMMAND…]: checks that cemmfs refuses to mount at PLACE, and that one message
# says why.
refused() {
  local what=$1 words=$2 place=$3
  shift 3
  exits "$what is refused" 2 within 20 "$@" "$build/fs/cemmfs" "$conf" "$place"
  is "$what: one message" 1 "$(wc -l <"$scratch/stderr")"
  has "$what: with the reason" "$err" "cemmfs: $place: $words"
}

# ---- where ----------------------------------------------------------------------

hides="it would hide the archive, $archive"
refused 'the archive' "$hides" "$archive"
refused 'a directory above it' "$hides" "$scratch"
refused 'the root' "$hides" /
ln -s "$archive" "$scratch/link"
refused 'a link to the archive' "$hides" "$scratch/link"
sed "s|^directory = .*|directory = $m/not/yet|" "$conf" >"$scratch/other.conf"
exits 'a place above an archive that does not exist yet is refused' 2 "$build/fs/cemmfs" "$scratch/other.conf" "$m"
has 'the refusal names the archive that would be hidden' "$err" "it would hide the archive, $m/not/yet"
check 'nothing was mounted' not_mounted "$m"

mkdir "$archive/below"
exits 'a place inside the archive is not refused' 0 "$build/fs/cemmfs" "$conf" "$archive/below"
mounted "$archive/below"
check 'the mount works' cat "$archive/below/status"
unmount "$archive/below"
rmdir "$archive/below"

mount_fs
refused 'a second mount' 'cemmfs is already mounted there' "$m"
refused 'a place in a mount' 'it is inside another mount of cemmfs' "$m/$dev"
if [[ $(id -u) == 0 ]]; then
  # PLACE is another user's mount without allow_other.
  chmod 711 "$scratch"
  install -m 600 -o nobody "$conf.key" "$scratch/nobody.key"
  sed "s|^api-key-file = .*|api-key-file = $scratch/nobody.key|" "$conf" >"$scratch/nobody.conf"
  conf=$scratch/nobody.conf refused "another user's mount" 'cemmfs is already mounted there' "$m" \
    setpriv --reuid=nobody --clear-groups --
else
  left_out "another user's mount is noticed" 'needs root'
fi
is 'there is one mount' 1 "$(grep -cF " $m " /proc/self/mounts)"
unmount_fs

# ---- modes -------------------------------------------------------------------------

mount_fs
find "$m" >/dev/null # requests the listings
before=$(requests .)
is 'no file is executable' '' "$(find "$m" -type f -executable)"
is 'find -executable needs no request' "$before" "$(requests .)"
refute 'a file cannot be executed' "$m/$dev/info.json"
unmount_fs

# ---- environments --------------------------------------------------------------------

# Any of the descriptors 0 to 2 may be closed. cemmfs must not open another file in its place.
for closed in '<&-' '>&-' '2>&-' '<&- >&- 2>&-'; do
  mkdir -p "$m"
  bash -c "exec $closed; exec \"\$@\"" - "$build/fs/cemmfs" "$conf" "$m" -f &
  fs_pid=$!
  started "$fs_pid"
  mounted "$m"
  wait_for 10 cat "$m/status" || not_ok "it mounts with $closed"
  check "mounted with $closed it works" cat "$m/$dev/p1/realtime.json"
  used=$(awk '{ print $14 + $15 }' "/proc/$fs_pid/stat")
  stop "$fs_pid" TERM
  is "with $closed SIGTERM ends it" 0 "$stopped"
  check "cemmfs does not busy-loop ($used ticks)" test "$used" -lt 100
  check "with $closed it is unmounted" wait_for 10 not_mounted "$m"
  exits "in the background with $closed" 0 bash -c "exec $closed; exec \"\$@\"" - "$build/fs/cemmfs" "$conf" "$m"
  check 'the mount works' cat "$m/status"
  daemon=$(pgrep -f -- "$build/fs/cemmfs $conf $m")
  kill -s TERM "$daemon"
  check 'SIGTERM ends cemmfs' wait_for 10 gone_or_zombie "$daemon"
done

# A limit on the file size affects the archive, not the reader.
: >"$scratch/fs.log"
(
  ulimit -f 1
  exec "$build/fs/cemmfs" "$conf" "$m" -f 2>&1 | cat >>"$scratch/fs.log"
) &
started "$!"
mounted "$m"
wait_for 10 cat "$m/status" || not_ok 'it mounts with a limit on the sizes of files'
for day in 01 02 03; do
  check "a day that the archive can't take is read ($day)" jq -e .data "$(day_file "$dev" p1 "2026-01-$day" json)"
done
nothing_half() {
  [[ -z $(find "$archive" -type f -path '*/2026/01/*') ]]
}
check 'no incomplete file is left' wait_for 10 nothing_half # days may be read ahead now
is 'the limit is logged once' 1 "$(grep -c 'File too large' "$scratch/fs.log" || true)"
unmount "$m"

# Relative paths in the configuration are relative to its file, also after the program has changed its
# directory.
mkdir "$scratch/relative"
cp "$conf.key" "$scratch/relative/key"
sed "s|^api-key-file = .*|api-key-file = key|; s|^directory = .*|directory = ../kept|" "$conf" >"$scratch/relative/conf"
exits 'a relative configuration, in the background' 0 env -C "$scratch" "$build/fs/cemmfs" relative/conf m
mounted "$m"
check 'the mount works' cat "$(day_file "$dev" p1 2026-01-04 json)"
check 'the archive is where the configuration says' \
  test -s "$scratch/kept/$dev/p1/data/day/2026/01/2026-01-04.json"
unmount "$m"

hasnt 'no key is in the log' "$(cat "$scratch/fs.log")" "$sim_key"
finish
