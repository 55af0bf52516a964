#!/usr/bin/env bash
# debian.sh BUILD_DIR: builds the Debian packages, checks them with lintian, installs them into a
# Debian that has only their dependencies, uses them there, and purges them. It takes minutes. The
# dependencies come from the machine's package sources.
# shellcheck disable=SC2154,SC2317 # out is of lib.sh; functions are called by check
set -euo pipefail
here=$(dirname "$0")
# shellcheck source=tests/end-to-end/lib.sh
. "$here/lib.sh"
begin "$@"
for program in dpkg-buildpackage dh lintian mmdebstrap; do
  command -v "$program" >/dev/null || skip "$program is not installed"
done
[[ $(id -u) -eq 0 ]] || skip 'only root can enter another root'

debian=$(cd "$here/../../examples/debian" && pwd)
packages=(libcemm0 libcemm-dev cemm cemmfs collectd-plugin-cemm)
debs=$scratch/debs
root=$scratch/root

# ---- building ------------------------------------------------------------------------------------

is 'debian/changelog has the version of the tree' "$("$build/plugin/exec/cemm" --version)" \
  "cemm $(sed -n '1s/.*(\(.*\)-[^-]*).*/\1/p' "$debian/changelog")"
if "$debian/build.sh" --no-install "$debs" >"$scratch/build.log" 2>&1; then
  ok 'dpkg-buildpackage'
else
  not_ok 'dpkg-buildpackage' "$(tail -n 12 "$scratch/build.log")"
  finish
fi
is 'all packages are built, and no other' "$(printf '%s\n' "${packages[@]}" | sort)" \
  "$(find "$debs" -name '*.deb' ! -name '*-dbgsym_*' -printf '%f\n' | sed 's/_.*//' | sort)"
lint() { lintian --allow-root --fail-on error "$debs"/*.changes; }
check 'lintian finds no error' lint

# ---- a clean root --------------------------------------------------------------------------------

mkdir "$scratch/ours"
for package in "${packages[@]}"; do cp "$debs/${package}_"*.deb "$scratch/ours"; done
# The packages that ours depend on, without versions and without our own.
depends=$(for deb in "$scratch"/ours/*.deb; do dpkg-deb -f "$deb" Pre-Depends Depends; done |
  sed 's/^[A-Za-z-]*: //' | tr ',' '\n' | sed 's/^ *//; s/[ (|].*//; /^$/d' |
  grep -vxF "$(printf '%s\n' "${packages[@]}")" | sort -u | paste -sd ,)
codename=$(. /etc/os-release && echo "$VERSION_CODENAME")
if mmdebstrap --variant=minbase --include="$depends" "$codename" "$root" >"$scratch/root.log" 2>&1; then
  ok "a Debian with: $depends"
else
  not_ok 'mmdebstrap' "$(tail -n 12 "$scratch/root.log")"
  finish
fi
inside() { env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin HOME=/root LC_ALL=C.UTF-8 DEBIAN_FRONTEND=noninteractive chroot "$root" "$@"; }
# everything: prints the names of all files except for dpkg's logs and databases.
everything() {
  (cd "$root" && find . -xdev \( -path ./var/lib/dpkg -o -path ./var/log -o -path ./var/cache -o -path ./tmp \) \
    -prune -o -printf '%p %y %m\n' | sort)
}
everything >"$scratch/before"

# ---- in use ----------------------------------------------------------------------------------------

cp -r "$scratch/ours" "$root/tmp/ours"
check 'the packages are installed' inside sh -c 'dpkg -i /tmp/ours/*.deb'
check 'dpkg finds nothing missing' inside dpkg --audit
# shellcheck disable=SC2016 # dpkg-query expands these
is 'dpkg lists them as installed' "$(printf '%s installed\n' "${packages[@]}" | sort)" \
  "$(inside dpkg-query -W -f '${Package} ${db:Status-Status}\n' '*cemm*' | grep ' installed' | sort)"
start_sim --devices 1
write_key "$root/tmp/home.key"
printf '%s\n' '[discovery]' 'enabled = no' '[archive]' 'directory = /tmp/archive' '[cloud home]' \
  "url = $sim_cloud" 'api-key-file = /tmp/home.key' >"$root/tmp/cemm.conf"
exits 'cemm reads a meter' 0 inside cemm read --config /tmp/cemm.conf --format csv p1
has 'cemm prints a value' "$out" 'p1,electric_power,'
exits 'cemmfs starts' 0 inside cemmfs --version
cat >"$root/tmp/collectd.conf" <<END
Hostname "inside"
BaseDir "/tmp"
LoadPlugin logfile
<Plugin logfile>
  File "/tmp/log"
</Plugin>
LoadPlugin cemm
<Plugin cemm>
  <Cloud "home">
    URL "$sim_cloud"
    ApiKeyFile "/tmp/home.key"
  </Cloud>
  <Discovery>
    Enabled false
  </Discovery>
</Plugin>
END
exits 'collectd accepts the plugin' 0 inside collectd -T -C /tmp/collectd.conf
has 'collectd loads the plugin' "$(<"$root/tmp/log")" 'plugin "cemm" successfully loaded'
for page in man1/cemm.1 man1/cemmfs.1 man5/cemm.conf.5 man5/collectd-cemm.5; do
  check "$page exists" test -s "$root/usr/share/man/$page.gz"
done
is 'pkg-config finds libcemm-dev' "$("$build/plugin/exec/cemm" --version)" \
  "cemm $(PKG_CONFIG_LIBDIR=$(dirname "$(find "$root/usr/lib" -name libcemm.pc)") pkg-config --modversion libcemm)"

# ---- removed ----------------------------------------------------------------------------------------

check 'the packages are purged' inside dpkg --purge "${packages[@]}"
everything >"$scratch/after"
is 'nothing is left after the removal' '' "$(diff "$scratch/before" "$scratch/after" || true)"
is 'dpkg no longer knows the packages' '' "$(inside dpkg-query -W '*cemm*' 2>/dev/null || true)"
finish
