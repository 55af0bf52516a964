#!/usr/bin/env bash
# mount-others.sh BUILD_DIR: tests which users may read a mount, and mounting with mount(8) as from
# /etc/fstab. mount(8) looks for cemmfs in the system's directories, so one of them is replaced in a
# private namespace.
# shellcheck disable=SC1091,SC2154
set -euo pipefail
. "$(dirname "$0")/mount-lib.sh"
((EUID == 0)) || skip 'needs root: only root can run commands as other users'
enter_namespaces "$@"
begin_mount "$@"
chmod 711 "$scratch" # so that other users can reach the mount

nobody() {
  setpriv --reuid 65534 --regid 65534 --clear-groups "$@"
}

start_sim --devices 1 --meters p1
write_config "$conf"
mkdir "$scratch/bin" "$m"
printf '#!/bin/sh\nexec %q "$@"\n' "$build/fs/cemmfs" >"$scratch/bin/cemmfs"
chmod +x "$scratch/bin/cemmfs"
mount --bind "$scratch/bin" /usr/local/bin

# ---- mount(8) --------------------------------------------------------------------------------------

mounted "$m"
check 'mount -t fuse.cemmfs mounts, with options' mount -t fuse.cemmfs "$conf" "$m" -o _netdev,nofail,allow_other,gid=100
daemon=$(pgrep -f -- "cemmfs $conf $m")
at_cleanup "kill -s TERM $daemon 2>/dev/null"
is 'the options are used' 100 "$(stat -c %g "$m/status")"
is 'other users can read the mount' cemmfs "$(nobody head -c 6 "$m/status")"
check 'umount unmounts it' umount "$m"
check 'umount ends cemmfs' wait_for 30 gone_or_zombie "$daemon"

check 'options that are meant for mount(8) are accepted' mount -t fuse.cemmfs "$conf" "$m" -o lazytime,strictatime,iversion
daemon=$(pgrep -f -- "cemmfs $conf $m")
check 'options that are meant for mount(8) are ignored' cat "$m/status"
fails_with 'remount is refused with a message' 'options of a mount cannot be changed' \
  mount -t fuse.cemmfs "$conf" "$m" -o remount,ro
umount "$m"
wait_for 30 gone_or_zombie "$daemon" || not_ok 'umount ends it'

check 'drop_privileges is accepted' mount -t fuse.cemmfs "$conf" "$m" -o drop_privileges
daemon=$(pgrep -f -- "cemmfs $conf /dev/fd/")
check 'with drop_privileges, the mount works' cat "$m/$dev/p1/realtime.json"
is 'with drop_privileges, cemmfs has no privileges' '0000000000000000 1' "$(awk '/^CapEff:/ { c = $2 } /^NoNewPrivs:/ { print c, $2 }' "/proc/$daemon/status")"
umount "$m"
check 'with drop_privileges, umount ends cemmfs' wait_for 30 gone_or_zombie "$daemon"
mkdir -p "$m/below"
sed "s|^directory = .*|directory = $m/below|" "$conf" >"$scratch/hidden.conf"
fails_with 'a mount that hides its archive is refused' 'hides the archive' within 20 \
  mount -t fuse.cemmfs "$scratch/hidden.conf" "$m" -o drop_privileges
umount -l "$m" 2>/dev/null || true

# ---- other users -----------------------------------------------------------------------------------

mount_fs
refute 'without allow_other, other users may not read' nobody cat "$m/status"
unmount_fs
mount_fs -o allow_other,umask=077
refute 'with allow_other, the umask applies' nobody cat "$m/status"
unmount_fs
finish
