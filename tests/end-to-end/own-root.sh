#!/usr/bin/env bash
# own-root.sh COMMAND…: runs it in a tree of mounts that is this one's likeness, but for what other tests
# have mounted in the directory for temporary files. As root of a user namespace nobody can take away the
# copies of these mounts, and with them they would outlive their tests.
set -euo pipefail
hole=$(realpath "${TMPDIR:-/tmp}")
root=$(mktemp -d)

# alike DIRECTORY: what is in it is in the new tree, too. On the way to that directory and in it, only
# what has no mounts in it can be bound.
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
