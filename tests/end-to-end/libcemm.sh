#!/usr/bin/env bash
# libcemm.sh BUILD_DIR: installs libcemm into a separate tree, builds the examples with that tree alone,
# using pkg-config, and runs them with simulators.
# shellcheck disable=SC2154,SC2317 # out and err are of lib.sh; functions are called by check
set -euo pipefail
here=$(dirname "$0")
# shellcheck source=tests/end-to-end/lib.sh
. "$here/lib.sh"
# shellcheck source=tests/end-to-end/netns.sh
. "$here/netns.sh"
enter_namespaces "$@"
begin "$@"

examples=$(cd "$here/../../examples/libcemm" && pwd)
root=$scratch/root
one=00-1E-C0-00-00-01
sim=$build/tests/simulator/cemm-sim

# ---- the installed tree ------------------------------------------------------------------------

check 'libcemm is installed' meson install -C "$build" --no-rebuild --quiet --destdir "$root"
PKG_CONFIG_PATH=$(dirname "$(find "$root" -name libcemm.pc)")
LD_LIBRARY_PATH=$(dirname "$(find "$root" -name 'libcemm.so.0' | head -n 1)")
export PKG_CONFIG_PATH LD_LIBRARY_PATH PKG_CONFIG_SYSROOT_DIR=$root
is 'pkg-config knows the version' "$("$build/plugin/exec/cemm" --version)" "cemm $(pkg-config --modversion libcemm)"
is 'one header is installed' cemm.h "$(find "$root" -path '*/include/*' -type f -printf '%P\n' | sed 's|.*/include/||')"

# If the library was built with sanitizers, its users must be, too.
sanitize=()
if ldd "$LD_LIBRARY_PATH/libcemm.so.0" | grep libasan >/dev/null; then sanitize=('-fsanitize=address,undefined'); fi

# compiled OPTION…: runs a compiler that sees only the installed tree.
compiled() {
  # shellcheck disable=SC2046 # words
  (cd "$scratch" && cc -std=c11 -D_POSIX_C_SOURCE=200809L -Wall -Wextra -Wpedantic -Werror "${sanitize[@]}" \
    "$@" $(pkg-config --cflags --libs libcemm))
}
for name in read-once own-loop discover; do check "$name compiles" compiled "$examples/$name.c" -o "$name"; done
is 'the examples use the installed header' "$(find "$root" -name cemm.h)" "$(compiled -M "$examples"/*.c | grep -oE '[^ ]*cemm\.h' | sort -u)"
is 'the examples need no function that is only for our own programs' LIBCEMM_0 \
  "$(objdump -T "$scratch"/{read-once,own-loop,discover} | grep -oE '\bLIBCEMM_[A-Z0-9]+' | sort -u)"
# declares FUNCTION: whether the installed header declares it.
declares() { printf '#include <cemm.h>\nint main(void) { return !%s; }\n' "$1" | compiled -Wno-address -x c - -o declares; }
check 'cemm_get() is public' declares cemm_get
refute 'cemm_sweep() is not public' declares cemm_sweep
# alone LANGUAGE STANDARD: compiles the installed header without any other header.
alone() {
  # shellcheck disable=SC2046
  echo '#include <cemm.h>' | clang -fsyntax-only -Wall -Wextra -Wpedantic -Werror "-std=$2" $(pkg-config --cflags libcemm) -x "$1" -
}
check 'cemm.h compiles alone in C99' alone c c99
check 'cemm.h compiles alone in C17' alone c c17
check 'cemm.h compiles alone in C++11' alone c++ c++11

# ---- read-once -----------------------------------------------------------------------------------

now=$(($(date +%s) / 60 * 60 - 3600))
since=2025-01-01
start_sim --devices 2 --meters p1,s01 --since "$since" --now "$now" --speed 0 --promise 100
write_config "$scratch/conf"
oracle() { "$sim" --since "$since" --print "$@"; }

exits 'read-once reads' 0 "$scratch/read-once" "$scratch/conf"
power=$(oracle "$one" p1 electric_power "${now}000")
has 'read-once prints the power of p1' "$out" "$one/p1 electric_power = $power W"
is 'read-once prints a line for each channel that was read' "$("$build/plugin/exec/cemm" read --config "$scratch/conf" --format csv | grep -c T)" \
  "$(wc -l <<<"$out")"
exits 'read-once: a configuration that does not exist' 1 "$scratch/read-once" "$scratch/none"
has 'read-once names the configuration that does not exist' "$err" "$scratch/none"
sim_faults 'status=502@*/s01/realtime*'
exits 'read-once: two meters fail' 1 "$scratch/read-once" "$scratch/conf"
is 'read-once: two errors are printed' 2 "$(grep -c '/s01: ' <<<"$err")"
has 'read-once: the other meters are printed' "$out" "$one/p1 electric_power"
hasnt 'the key is in no output' "$out$err" "$sim_key"
sim_faults

# ---- own-loop --------------------------------------------------------------------------------------

day=$(TZ=Europe/Amsterdam date -d "@$((now - 86400))" +%F)
own_loop() { printf 'now\nday %s\nwhat\nday 2031-02-30\n' "$day" | "$scratch/own-loop" "$scratch/conf" "$one" p1; }
exits 'own-loop answers' 0 own_loop
has 'own-loop: now' "$out" "electric_power $power W"
is 'own-loop: a whole day' "$((($(TZ=Europe/Amsterdam date -d "$day + 1 day" +%s) - $(TZ=Europe/Amsterdam date -d "$day" +%s)) / 60))" "$(grep -c "^$day" <<<"$out")"
is 'own-loop refuses an unknown command and an invalid date' 2 "$(grep -c '^write' <<<"$err")"
exits 'own-loop: a meter that does not exist' 1 "$scratch/own-loop" "$scratch/conf" "$one" han <<<now
exits 'own-loop: an invalid uid' 1 "$scratch/own-loop" "$scratch/conf" home p1

# ---- discover ----------------------------------------------------------------------------------------

net_begin
start_sim_in_site --lan-bind 10.77.0.11,10.77.0.12 --discovery
exits 'discover searches' 0 "${asker[@]}" "$scratch/discover"
is 'discover finds both devices' '00-1E-C0-00-00-01 at 10.77.0.11|00-1E-C0-00-00-02 at 10.77.0.12' \
  "$(cut -d : -f 1 <<<"$out" | sort | paste -sd '|')"
has 'discover prints the number of broadcast addresses' "$err" '2 broadcast addresses asked'
finish
