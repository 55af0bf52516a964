#!/usr/bin/env bash
# Measures cemm against the usual alternatives, and against the best possible result.
set -euo pipefail

usage() {
  cat <<'TEXT'
usage: tests/benchmarks/run.sh [--no-install] [--rounds N] [NAME...]

Builds a release, runs the benchmarks NAME (default: sweep reads render growth start) N times each
(default 5), alternating with their peers, and prints one table. A run of all of them also writes
RESULTS.md and results.png beside this script. All of them take about 40 minutes; do not use the
machine meanwhile. One more, which only runs if it is named, is fleet: about 15 minutes with --rounds 3.
TEXT
}

install=yes
rounds=5
while [[ ${1-} == --* ]]; do
  case $1 in
    --no-install) install=no ;;
    --rounds) rounds=${2:?} && shift ;;
    --help) usage && exit 0 ;;
    *) usage >&2 && exit 2 ;;
  esac
  shift
done
names=("$@")
[[ $# -gt 0 ]] || names=(sweep reads render growth start)

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
top=$(cd "$here/../.." && pwd)
if [[ $install == yes ]]; then
  "$top/.ci/install"
  # The peers: the dependencies of curl_json, and owfs.
  "$top/.ci/install" libyajl2 owfs-fuse
fi

scratch=$(mktemp -d "${TMPDIR:-/tmp}/cemm-bench.XXXXXX")
child=
cleanup() {
  trap - EXIT INT TERM HUP
  if [[ -n $child ]] && kill -TERM "$child" 2>/dev/null; then wait "$child" || true; fi
  rm -rf --one-file-system "$scratch"
}
trap cleanup EXIT
trap 'exit 130' INT
trap 'exit 143' TERM HUP

if ! { meson setup "$scratch/build" "$top" --buildtype=release && meson compile -C "$scratch/build"; } >"$scratch/log" 2>&1; then
  cat "$scratch/log"
  exit 1
fi
results=$scratch/results
: >"$results"
for name in "${names[@]}"; do
  "$here/$name.sh" "$scratch/build" "$results" "$rounds" &
  child=$!
  wait "$child"
  child=
done
"$here/table.py" "$results"
[[ $# -eq 0 ]] || exit 0

"$here/chart.sh" "$results" "$here/results.png"
{
  echo '# Results'
  echo
  echo "Made by \`tests/benchmarks/run.sh\` on $(date +%F): $(nproc) cores of"
  echo "$(sed -n 's/^model name[^:]*: //p' /proc/cpuinfo | head -n 1), Linux $(uname -r | cut -d - -f 1), commit $(git -C "$top" rev-parse --short HEAD)."
  echo "Each figure is the median of $rounds runs or more. The spread is that of our runs, from the fastest to the"
  echo 'slowest. A ratio is ours divided by the figure before it; below 1 is better.'
  echo
  "$here/table.py" "$results" --markdown
  echo
  echo '![Sweeps, CPU, history and readers](results.png)'
} >"$scratch/RESULTS.md"
mv "$scratch/RESULTS.md" "$here/RESULTS.md"
echo "written: $here/RESULTS.md, results.png"
