#!/usr/bin/env bash
# Static analysis. Called by meson: static.sh SOURCE_DIR BUILD_DIR TOOL
# - cppcheck: with the exceptions in cppcheck.txt
# - tidy: clang-tidy, with the checks in .clang-tidy
# - analyzer: gcc's -fanalyzer without its leak check, which loses track of memory that is
#   reachable only through another structure. ASan checks for leaks in all tests.
set -euo pipefail

# shellcheck source=tests/end-to-end/lib.sh
. "$1/tests/end-to-end/lib.sh"
begin "$2"
cd "$1"
tool=$3
mapfile -t sources < <(find common fs plugin -name '*.c' | sort)

# These functions print an empty line first, so that their output is not on the long line on which
# check() names all files.
clean_cppcheck() {
  echo
  cppcheck -q -j "$(nproc)" --std=c11 --library=posix --library=tests/house/cppcheck.cfg -D_GNU_SOURCE -I. \
    --enable=warning,performance,portability --suppressions-list=tests/house/cppcheck.txt --error-exitcode=1 "$@" 2>&1
}

clean_tidy() {
  local out
  out=$(printf '%s\0' "$@" | xargs -0 -P "$(nproc)" -n 4 clang-tidy -p "$build" --quiet 2>/dev/null | grep -E ': (warning|error): ' | sort -u || true)
  printf '\n%s\n' "$out"
  [[ -z $out ]]
}

# clean_analyzer: runs the compiler's command line for each file in this build, with the analyzer added.
clean_analyzer() {
  local out
  out=$(jq -r --arg top "$PWD/" --arg list "$*" '.[] | . as $entry |
      ($entry.directory + "/" + $entry.file) as $path |
      select($list | split(" ") | any(. as $file | $path | endswith("/" + $file))) |
      "cd \($entry.directory) && " + ($entry.command | sub(" -o \\S+"; " -o /dev/null") | sub(" -M[DQ] .*? -MF \\S+"; "") | gsub(" -MQ \\S+| -MF \\S+| -MD"; "")) +
      " -O1 -Wno-error -fdiagnostics-plain-output -fanalyzer -Wno-analyzer-malloc-leak"' "$build/compile_commands.json" |
    tr '\n' '\0' | xargs -0 -P "$(nproc)" -n 1 bash -c 2>&1 | grep -E '\[(CWE|-Wanalyzer)|error:' | sort -u || true)
  printf '\n%s\n' "$out"
  [[ -z $out ]]
}

# The tool must find the mistakes in this file.
cat >"$scratch/bad.c" <<'END'
#include <stdlib.h>
int bad(int n);
int worse(int n);
int worse(int n)
{
    int *p = NULL;
    return n ? *p : 0;
}
int bad(int n)
{
    int *p = malloc(sizeof(*p));
    if (!p)
        return 0;
    free(p);
    *p = n;
    int a[2] = {0, 1};
    return a[2] + *p;
}
END
case $tool in
  cppcheck)
    refute 'cppcheck finds a mistake' clean_cppcheck "$scratch/bad.c"
    check "cppcheck: ${#sources[@]} files" clean_cppcheck common fs plugin
    ;;
  tidy)
    cp .clang-tidy "$scratch"
    refute 'clang-tidy finds a mistake' clean_tidy "$scratch/bad.c"
    check "clang-tidy: ${#sources[@]} files" clean_tidy "${sources[@]}"
    ;;
  analyzer)
    [[ $(jq -r '.[0].command' "$build/compile_commands.json") != *clang* ]] || skip 'this build is not gcc'"'"'s'
    refute 'the analyzer finds a mistake' bash -c '! gcc -c -O1 -fanalyzer "$1" -o /dev/null 2>&1 | grep Wanalyzer' - "$scratch/bad.c"
    check "gcc -fanalyzer: ${#sources[@]} files" clean_analyzer "${sources[@]}"
    ;;
esac
finish
