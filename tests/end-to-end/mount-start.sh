#!/usr/bin/env bash
# How cemmfs starts: where it refuses to mount, and in which surroundings it works all the same.
# Called as: mount-start.sh BUILD_DIR
# shellcheck disable=SC1091,SC2154
set -euo pipefail
. "$(dirname "$0")/mount-lib.sh"
begin_mount "$@"

start_sim --devices 1 --meters p1
write_config "$conf"
archive=$conf.archive
mkdir -p "$m" "$archive"

# refused WHAT WORDS PLACE [COMMAND…]: nothing is mounted there, and one line says why.
refused() {
  local what=$1 words=$2 place=$3
  shift 3
  exits "$what is refused" 2 timeout -s KILL 20 "$@" "$build/fs/cemmfs" "$conf" "$place"
  is "$what: in one line" 1 "$(wc -l <"$scratch/stderr")"
  has "$what: in words" "$err" "cemmfs: $place: $words"
}

# ---- where ----------------------------------------------------------------------

hides="it would hide the archive, $archive"
refused 'the archive' "$hides" "$archive"
refused 'a directory above it' "$hides" "$scratch"
refused 'the root' "$hides" /
ln -s "$archive" "$scratch/link"
refused 'a link to the archive' "$hides" "$scratch/link"
sed "s|^directory = .*|directory = $m/not/yet|" "$conf" >"$scratch/other.conf"
exits 'a place of an archive that is not there yet is refused' 2 "$build/fs/cemmfs" "$scratch/other.conf" "$m"
has 'in words' "$err" "it would hide the archive, $m/not/yet"
check 'nothing was mounted' not_mounted "$m"

mkdir "$archive/below"
exits 'a place in the archive is not' 0 "$build/fs/cemmfs" "$conf" "$archive/below"
mounted "$archive/below"
check 'and works' cat "$archive/below/status"
unmount "$archive/below"
rmdir "$archive/below"

mount_fs
refused 'a second mount' 'cemmfs is mounted there already' "$m"
refused 'a place in a mount' 'it lies in another mount of cemmfs' "$m/$dev"
if [[ $(id -u) == 0 ]]; then
  # The mount of somebody else, who has not allowed others to look at it.
  chmod 711 "$scratch"
  install -m 600 -o nobody "$conf.key" "$scratch/nobody.key"
  sed "s|^api-key-file = .*|api-key-file = $scratch/nobody.key|" "$conf" >"$scratch/nobody.conf"
  conf=$scratch/nobody.conf refused "somebody else's mount" 'cemmfs is mounted there already' "$m" \
    setpriv --reuid=nobody --clear-groups --
fi
is 'one mount is there' 1 "$(grep -cF " $m " /proc/self/mounts)"
unmount_fs

hasnt 'no key is in the log' "$(cat "$scratch/fs.log")" "$sim_key"
finish
