#!/usr/bin/env bash
# own-root.sh COMMAND…: runs the command in a copy of the mount tree without the mounts of other tests,
# which are in the directory for temporary files. The root user of a user namespace can't unmount
# inherited copies of these mounts, so the mounts would outlive their tests.
set -euo pipefail
hole=$(realpath "${TMPDIR:-/tmp}")
root=$(mktemp -d)

# alike DIRECTORY: makes the content of a directory of the old tree appear in the new tree. Entries
# of / are bound with the mounts below them; other entries are left out if mounts are below them.
alike() {
  local entry
  for entry in "${1%/}"/* "${1%/}"/.[!.]*; do
    if [[ -L $entry ]]; then
      cp -P "$entry" "$root$entry"
    elif [[ ! -d $entry ]]; then
      [[ ! -e $entry ]] || { : >"$root$entry" && mount --bind "$entry" "$root$entry"; } || true
    elif [[ $entry == "$hole" || $hole == "$entry"/* ]]; then
      mkdir -p "$root$entry"
      alike "$entry"
    elif [[ $entry != "$root" ]]; then
      mkdir -p "$root$entry"
      mount "$([[ $1 == / ]] && echo --rbind || echo --bind)" "$entry" "$root$entry" 2>/dev/null || true
    fi
  done
}

mount -t tmpfs -o mode=755 tmpfs "$root"
alike /
mkdir "$root/.old"
here=$PWD
cd "$root"
PATH=$PATH:/usr/sbin:/sbin pivot_root . .old
cd "$here"
rmdir "/.old$root"
umount -l /.old
rmdir /.old
exec "$@"
