#!/usr/bin/env bash
# Makes Debian packages of this tree: libcemm0, libcemm-dev, cemm, cemmfs, collectd-plugin-cemm.
#
#   examples/debian/build.sh [--no-install] DIRECTORY      # they come to lie there
#
# It installs what building takes, by .ci/install, unless told --no-install. debian/ does not stand at
# the top of the tree; so the tree is copied, this directory put where dpkg-buildpackage looks for it,
# and everything built there.
set -euo pipefail

install=yes
if [[ ${1-} == --no-install ]]; then
  install=no
  shift
fi
[[ $# -eq 1 && $1 != -* ]] || {
  echo "usage: ${BASH_SOURCE[0]} [--no-install] DIRECTORY" >&2
  exit 2
}
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
top=$(cd "$here/../.." && pwd)
out=$(realpath -m -- "$1")
[[ $out/ != "$top"/* ]] || {
  echo "$out lies inside the tree, and would become part of the next package: choose another place" >&2
  exit 2
}
mkdir -p "$out"

# build_depends: those of control, without versions, a line each. debhelper-compat stands for debhelper.
build_depends() {
  sed -n '/^Build-Depends:/,/^[^ B]/s/^ \(.*\),$/\1/p' "$here/control" | sed 's/ ([^)]*)//g; s/-compat$//'
}
if [[ $install == yes ]]; then
  mapfile -t depends < <(build_depends)
  "$top/.ci/install" build-essential fakeroot "${depends[@]}"
fi

version=$(sed -n '1s/.*(\(.*\)-[^-]*).*/\1/p' "$here/changelog")
scratch=$(mktemp -d "${TMPDIR:-/tmp}/cemm-debian.XXXXXX")
trap 'rm -rf --one-file-system "$scratch"' EXIT
trap 'exit 130' INT
trap 'exit 143' TERM HUP
tree=$scratch/cemm-$version
mkdir "$tree"

# What belongs to the tree: git knows it; an unpacked archive has nothing else.
files() {
  if [[ -e $top/.git ]]; then
    git -C "$top" ls-files -z --cached --others --exclude-standard
  else
    (cd "$top" && find . -type f -print0)
  fi
}
files | tar -C "$top" --null --files-from=- --ignore-failed-read -cf - | tar -C "$tree" -xf -
tar -C "$scratch" --sort=name --owner=root:0 --group=root:0 -czf "$scratch/cemm_$version.orig.tar.gz" "cemm-$version"
cp -R "$here" "$tree/debian"
rm "$tree/debian/build.sh"

(cd "$tree" && dpkg-buildpackage --no-sign "-j${JOBS:-$(nproc)}")
find "$scratch" -maxdepth 1 -type f -exec mv -t "$out" {} +
ls -l "$out"
