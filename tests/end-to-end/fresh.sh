#!/usr/bin/env bash
# fresh.sh BUILD_DIR [RELEASE [PART…]]: runs README's commands on a fresh machine, which is a minimal
# Debian (bookworm by default) in a directory, with a user who has sudo and a clone of this repository.
# Its packages come from the machine's package sources. Takes many minutes.
#
#   demo       examples/demo.sh without any installed package, and with standard input closed
#   terminal   examples/demo.sh at a terminal of 80 columns, where sudo asks for a password
#   install    .ci/install, which is interrupted, killed, and run to the end
#   tests      tests/run.sh, only if this part is named
#
# Each part has its own root directory. Its mounts and processes are in namespaces that end with it.
# shellcheck disable=SC2154 # variables of lib.sh
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
# shellcheck source=tests/end-to-end/lib.sh
. "$here/lib.sh"
begin "$@"
release=${2-bookworm}
parts=("${@:3}")
[[ ${#parts[@]} -gt 0 ]] || parts=(demo terminal install)
[[ $(id -u) -eq 0 ]] || skip 'only root can enter another root'
for program in git mmdebstrap script unshare; do
  command -v "$program" >/dev/null || skip "$program is not installed"
done
top=$(cd "$here/../.." && pwd)

# apart COMMAND…: runs the command in its own namespaces, and writes its output to $scratch/apart.log.
# The command runs in the background, so that a signal to this script is handled immediately. When the
# first process of the namespaces ends, the kernel ends all other processes and their mounts, before
# the directory is removed.
inside_pid=
apart() {
  # Otherwise the copies in this namespace would keep the mounts of other tests alive.
  # shellcheck disable=SC2016 # the inner shell expands these
  unshare --mount --pid --fork --kill-child --mount-proc \
    bash -c 'umount -a -l -t fuse.cemmfs 2>/dev/null || true; exec "$@"' - "$@" >"$scratch/apart.log" 2>&1 &
  inside_pid=$!
  started "$inside_pid"
  wait "$inside_pid"
}
end_inside() {
  local first=()
  [[ -n $inside_pid ]] || return 0
  read -ra first 2>/dev/null <"/proc/$inside_pid/task/$inside_pid/children" # fails: no newline
  [[ ${#first[@]} -eq 0 ]] || kill -KILL "${first[@]}"
  wait "$inside_pid" 2>/dev/null
}
at_cleanup end_inside

# ---- a root --------------------------------------------------------------------------------------

# Copies the settings with which this machine reaches a mirror.
apt-config dump | grep -E '^Acquire::(https?|Check-)' >"$scratch/apt.conf" || true
if ! apart env TMPDIR="$scratch" mmdebstrap --variant=minbase --include=sudo,ca-certificates \
  --aptopt="$scratch/apt.conf" "$release" "$scratch/base.tar"; then
  not_ok "mmdebstrap $release" "$(tail -n 12 "$scratch/apart.log")"
  finish
fi

# fresh ROOT: makes a root directory with a user and the user's clone.
fresh() {
  mkdir "$1"
  tar -C "$1" -xf "$scratch/base.tar"
  cp "$scratch/apt.conf" "$1/etc/apt/apt.conf.d/98mirror"
  cp /etc/resolv.conf "$1/etc/resolv.conf"
  printf '127.0.0.1 localhost %s\n' "$(uname -n)" >"$1/etc/hosts"
  # udev and systemd would create these files. fusermount3 reads the second one.
  mknod -m 666 "$1/dev/fuse" c 10 229
  ln -sf ../proc/self/mounts "$1/etc/mtab"
  chroot "$1" useradd --create-home --shell /bin/bash user
  git clone --quiet "$top" "$1/home/user/cemm"
  # The clone includes changes that are not committed yet.
  (cd "$top" && git ls-files -z --cached --others --exclude-standard | xargs -0 cp --parents -P -t "$1/home/user/cemm")
  chroot "$1" chown -R user: /home/user
}

# password ROOT YES_OR_NO: sets whether sudo asks the user for a password, which is "secret".
password() {
  if [[ $2 == yes ]]; then
    echo user:secret | chroot "$1" chpasswd
    chroot "$1" usermod --append --groups sudo user
  else
    echo 'user ALL=(ALL) NOPASSWD: ALL' >"$1/etc/sudoers.d/user"
  fi
}

# shellcheck disable=SC2016 # the inner shell expands these
enter='
  set -e
  root=$1
  mount --bind "$root" "$root"
  mount -t proc proc "$root/proc"
  mount -t sysfs sysfs "$root/sys"
  mount -t tmpfs -o mode=755 tmpfs "$root/run"
  mount -t tmpfs -o mode=1777 tmpfs "$root/dev/shm"
  mount -t devpts -o newinstance,ptmxmode=666,mode=620,gid=5 devpts "$root/dev/pts"
  # chroot is not used, because a process in a chroot may not create a user namespace.
  cd "$root"
  mkdir old
  pivot_root . old
  umount -l old
  rmdir old
  exec env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin HOME=/root TERM=dumb bash /part.sh "$2"'

# part NAME SUDO_ASKS: runs that part of fresh-inside.sh in its own root directory, and turns each line
# of /checks there into a check.
part() {
  local root=$scratch/$1 began=$SECONDS verdict what why
  fresh "$root"
  password "$root" "$2"
  cp "$here/fresh-inside.sh" "$root/part.sh"
  apart bash -c "$enter" - "$root" "$1" || not_ok "$1: it runs to the end" "$(tail -n 12 "$scratch/apart.log")"
  while IFS=$'\t' read -r verdict what why; do
    if [[ $verdict == ok ]]; then ok "$1: $what"; else not_ok "$1: $what" "$(echo -e "$why")"; fi
  done <"$root/checks"
  echo "# $1 on $release: $((SECONDS - began)) s; last line: $(cat "$root/last")"
  [[ -n ${CEMM_E2E_KEEP-} ]] || rm -rf --one-file-system "$root"
}

for name in "${parts[@]}"; do
  case $name in
    demo | install | tests) part "$name" no ;;
    terminal) part "$name" yes ;;
    *) echo "no such part: $name" >&2 && exit 2 ;;
  esac
done
finish
