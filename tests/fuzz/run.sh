#!/usr/bin/env bash
# Runs libFuzzer on a target, and keeps the inputs that reach new code.
set -euo pipefail

usage() {
  cat <<'TEXT'
usage: tests/fuzz/run.sh [SECONDS [TARGET...]]

Builds the targets with clang, libFuzzer, ASan and UBSan, and runs each for SECONDS (default 60),
beginning with tests/fuzz/corpus/TARGET. An input that breaks a target is left in the current
directory as crash-*, and the exit status is not 0. Inputs that reach new code are added to the
corpus.
TEXT
}

[[ ${1:-} != --help ]] || { usage && exit 0; }
seconds=${1:-60}
shift || true
top=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
targets=("$@")
[[ $# -gt 0 ]] || targets=(answer beacon config period state tree)
scratch=$(mktemp -d "${TMPDIR:-/tmp}/cemm-fuzz.XXXXXX")
trap 'rm -rf "$scratch"' EXIT
sanitizers=address,undefined

CC=clang meson setup "$scratch/build" "$top" -Db_sanitize="$sanitizers" -Db_lundef=false \
  -Dc_args=-fsanitize=fuzzer-no-link >"$scratch/log"
meson compile -C "$scratch/build" cemm-pure fs-tree >>"$scratch/log" || {
  cat "$scratch/log"
  exit 1
}
read -r -a flags <<<"$(pkg-config --cflags --libs json-c glib-2.0)"
for target in "${targets[@]}"; do
  clang -g -O1 -std=gnu17 -D_GNU_SOURCE "-fsanitize=fuzzer,$sanitizers" -I"$top" \
    "$top/tests/fuzz/$target.c" "$top/tests/fuzz/fuzz.c" "$scratch/build/fs/libfs-tree.a" \
    "$scratch/build/common/libcemm-pure.a" "${flags[@]}" -lm -o "$scratch/$target"
  echo "== $target, $seconds s"
  mkdir "$scratch/new-$target"
  "$scratch/$target" -max_total_time="$seconds" -timeout=10 -rss_limit_mb=1024 -verbosity=0 \
    -print_final_stats=1 "$scratch/new-$target" "$top/tests/fuzz/corpus/$target"
  "$scratch/$target" -merge=1 -verbosity=0 "$top/tests/fuzz/corpus/$target" "$scratch/new-$target"
done
