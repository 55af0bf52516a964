#!/usr/bin/env bash
# fresh.sh BUILD_DIR [RELEASE [PART…]]: README's commands on a machine that has nothing: a minimal Debian
# (bookworm, if no other release is named) in a directory, with a user who has sudo, and a clone that is
# the user's. Its packages come from where the machine's own come from. Takes many minutes.
#
#   demo       examples/demo.sh from the first package on, with standard input closed
#   terminal   the same at a terminal of 80 columns, where sudo asks for a password
#   install    .ci/install: interrupted and killed, and what is there in the end
#   tests      tests/run.sh; not part of what runs if no PART is named
#
# Each part has a root of its own. Its mounts and processes are in namespaces that end with it.
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

# apart COMMAND…: in namespaces of its own; its output goes to $scratch/apart.log. In the background, so
# that a signal to us is answered at once. The first process in there ends all others with it, and with
# them their mounts, before the directory is removed.
inside_pid=
apart() {
  # Copies of other tests' mounts would keep those alive when they are taken away.
  # shellcheck disable=SC2016 # for the other shell
  unshare --mount --pid --fork --kill-child --mount-proc \
    bash -c 'umount -a -l -t fuse.cemmfs 2>/dev/null || true; exec "$@"' - "$@" >"$scratch/apart.log" 2>&1 &
  inside_pid=$!
  started "$inside_pid"
  wait "$inside_pid"
}
end_inside() {
  local first=()
  [[ -n $inside_pid ]] || return 0
  read -ra first 2>/dev/null <"/proc/$inside_pid/task/$inside_pid/children" # its line has no end
  [[ ${#first[@]} -eq 0 ]] || kill -KILL "${first[@]}"
  wait "$inside_pid" 2>/dev/null
}
at_cleanup end_inside

# ---- a root --------------------------------------------------------------------------------------

# How this machine reaches a mirror.
apt-config dump | grep -E '^Acquire::(https?|Check-)' >"$scratch/apt.conf" || true
if ! apart env TMPDIR="$scratch" mmdebstrap --variant=minbase --include=sudo,ca-certificates \
  --aptopt="$scratch/apt.conf" "$release" "$scratch/base.tar"; then
  not_ok "mmdebstrap $release" "$(tail -n 12 "$scratch/apart.log")"
  finish
fi

# fresh ROOT: a machine with a user and the user's clone.
fresh() {
  mkdir "$1"
  tar -C "$1" -xf "$scratch/base.tar"
  cp "$scratch/apt.conf" "$1/etc/apt/apt.conf.d/98mirror"
  cp /etc/resolv.conf "$1/etc/resolv.conf"
  printf '127.0.0.1 localhost %s\n' "$(uname -n)" >"$1/etc/hosts"
  # What udev and systemd make of a machine. fusermount3 reads the second one.
  mknod -m 666 "$1/dev/fuse" c 10 229
  ln -sf ../proc/self/mounts "$1/etc/mtab"
  chroot "$1" useradd --create-home --shell /bin/bash user
  git clone --quiet "$top" "$1/home/user/cemm"
  # What is not committed yet belongs to it as well.
  (cd "$top" && git ls-files -z --cached --others --exclude-standard | xargs -0 cp --parents -P -t "$1/home/user/cemm")
  chroot "$1" chown -R user: /home/user
}

# password ROOT YES_OR_NO: whether sudo asks the user for one; it is "secret".
password() {
  if [[ $2 == yes ]]; then
    echo user:secret | chroot "$1" chpasswd
    chroot "$1" usermod --append --groups sudo user
  else
    echo 'user ALL=(ALL) NOPASSWD: ALL' >"$1/etc/sudoers.d/user"
  fi
}

# shellcheck disable=SC2016 # it is expanded in there
enter='
  set -e
  root=$1
  mount --bind "$root" "$root"
  mount -t proc proc "$root/proc"
  mount -t sysfs sysfs "$root/sys"
  mount -t tmpfs -o mode=755 tmpfs "$root/run"
  mount -t tmpfs -o mode=1777 tmpfs "$root/dev/shm"
  mount -t devpts -o newinstance,ptmxmode=666,mode=620,gid=5 devpts "$root/dev/pts"
  # Not chroot: whoever has another root than the mount namespace may make no user namespace.
  cd "$root"
  mkdir old
  pivot_root . old
  umount -l old
  rmdir old
  exec env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin HOME=/root TERM=dumb bash /part.sh "$2"'

# part NAME SUDO_ASKS: what fresh-inside.sh has of that name, in a root of its own. Each line of its file
# "checks" is one of ours.
part() {
  local root=$scratch/$1 began=$SECONDS verdict what why
  fresh "$root"
  password "$root" "$2"
  cp "$here/fresh-inside.sh" "$root/part.sh"
  apart bash -c "$enter" - "$root" "$1" || not_ok "$1: it comes to its end" "$(tail -n 12 "$scratch/apart.log")"
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
