#!/usr/bin/env bash
# other-machines.sh BUILD_DIR: cemm builds for other architectures without warnings, and the unit and
# golden tests pass: natively for i386, where types are smaller, and with qemu for arm64 and armhf. The
# program cemm of each architecture also reads a meter. The compilers are this machine's. The libraries
# are from Debian packages that are unpacked and not installed, so the machine's dpkg does not change.
# Takes minutes.
# shellcheck disable=SC2154,SC2317 # out is of lib.sh; functions are called by check
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
# shellcheck source=tests/end-to-end/lib.sh
. "$here/lib.sh"
begin "$@"
top=$(cd "$here/../.." && pwd)
for program in mmdebstrap qemu-aarch64 qemu-arm {i686-linux-gnu,aarch64-linux-gnu,arm-linux-gnueabihf}-gcc; do
  command -v "$program" >/dev/null || skip "$program is not installed"
done
[[ $(uname -m) == x86_64 ]] || skip 'only x86_64 runs programs for i386'
if [[ $(id -u) -ne 0 ]]; then
  [[ -n $(command -v newuidmap) ]] && grep -qs "^$(id -un):" /etc/subuid ||
    skip 'only root, or a user with a range in /etc/subuid, can unpack packages'
fi

packages=collectd-dev,libcmocka-dev,libcurl4-openssl-dev,libfuse3-dev,libglib2.0-dev,libjson-c-dev,libmicrohttpd-dev
codename=$(. /etc/os-release && echo "$VERSION_CODENAME")
# shellcheck disable=SC2016 # apt replaces $(REPO_URI)
mirror=$(apt-get indextargets --format '$(REPO_URI)' 'Created-By: Packages' "Codename: $codename" | sed -n 1p)
start_sim --devices 1
write_config "$scratch/cemm.conf"
here_count=$(meson test -C "$build" --no-rebuild --list --suite unit --suite golden 2>/dev/null | wc -l)
check 'there are tests' test "$here_count" -gt 20

# cross_file ROOT TRIPLE FAMILY WRAPPER…: prints meson's cross file for a machine.
cross_file() {
  local root=$1 triple=$2 family=$3
  shift 3
  local dirs=("$root/usr/lib/$multiarch" "$root/lib/$multiarch")
  cat <<END
[binaries]
c = '$triple-gcc'
ar = '$triple-gcc-ar'
strip = '$triple-strip'
pkgconfig = 'pkg-config'
exe_wrapper = [$(printf "'%s', " "$@")]
[built-in options]
c_args = ['--sysroot=$root']
c_link_args = ['--sysroot=$root', $(printf "'-Wl,-rpath-link,%s', " "${dirs[@]}")]
[properties]
needs_exe_wrapper = true
sys_root = '$root'
pkg_config_libdir = ['$root/usr/lib/$multiarch/pkgconfig', '$root/usr/share/pkgconfig']
[host_machine]
system = 'linux'
cpu_family = '$family'
cpu = '$family'
endian = 'little'
END
}

unpack() {
  mmdebstrap --variant=extract --arch="$1" --include="$packages" "$codename" "$root.tar" "$mirror" &&
    mkdir "$root" && tar -C "$root" --no-same-owner --exclude=./dev -xf "$root.tar" && rm "$root.tar" &&
    { [[ -e $root/lib ]] || ln -s usr/lib "$root/lib"; }
}
build_for() { meson setup "$dir" "$top" -Dwerror=true --cross-file "$dir.ini" && meson compile -C "$dir"; }

# tests_pass: whether the tests pass; otherwise prints the failures. Slowness is not a failure.
tests_pass() {
  meson test -C "$dir" --no-rebuild --timeout-multiplier 10 --print-errorlogs --suite unit --suite golden \
    >"$dir.log" 2>&1 || ! grep -vE ' OK |^$' "$dir.log"
}

# machine ARCHITECTURE TRIPLE MULTIARCH FAMILY WRAPPER…: builds and tests for that architecture.
machine() {
  local architecture=$1 triple=$2 multiarch=$3 family=$4
  local root=$scratch/$1-root dir=$scratch/$1
  shift 4
  local wrapper=("${@//ROOT/$root}")
  check "$architecture: its libraries are unpacked" unpack "$architecture"
  cross_file "$root" "$triple" "$family" "${wrapper[@]}" >"$dir.ini"
  check "$architecture: it builds without a warning" build_for
  check "$architecture: the tests pass" tests_pass
  is "$architecture: as many tests ran as this machine has" "$here_count" \
    "$(wc -l <"$dir/meson-logs/testlog.json")"
  exits "$architecture: cemm reads a meter" 0 \
    "${wrapper[@]}" "$dir/plugin/exec/cemm" read --config "$scratch/cemm.conf" --format csv p1
  has "$architecture: its cemm prints a value" "$out" 'p1,electric_power,'
  rm -rf --one-file-system "$root" "$dir"
}

machine i386 i686-linux-gnu i386-linux-gnu x86 \
  ROOT/lib/ld-linux.so.2 --library-path ROOT/lib/i386-linux-gnu:ROOT/usr/lib/i386-linux-gnu
machine arm64 aarch64-linux-gnu aarch64-linux-gnu aarch64 qemu-aarch64 -L ROOT
machine armhf arm-linux-gnueabihf arm-linux-gnueabihf arm qemu-arm -L ROOT
finish
