#!/usr/bin/env bash
# Makes Debian packages of this tree: libcemm0, libcemm-dev, cemm, cemmfs, collectd-plugin-cemm.
#
#   examples/debian/build.sh [--no-install] DIRECTORY      # where the packages are written
#
# It installs the build dependencies with .ci/install, unless --no-install is given. dpkg-buildpackage
# needs debian/ at the top of the tree, so it builds in a copy of the tree, with this directory there.
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
  echo "$out is inside the tree, and would be packaged: choose another directory" >&2
  exit 2
}
mkdir -p "$out"

# build_depends: prints the build dependencies in control without versions, one per line, and debhelper
# for debhelper-compat.
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

# files: prints the files of the tree: those that git tracks or, in an unpacked archive, all files.
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
