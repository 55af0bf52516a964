#!/usr/bin/env bash
# The rules of the house that a tool can check: who may include whom, what is exported, and that
# the header stands alone. Called by meson: house.sh SOURCE_DIR BUILD_DIR
set -euo pipefail

# shellcheck source=tests/end-to-end/lib.sh
. "$1/tests/end-to-end/lib.sh"
begin "$2"
cd "$1"

# includes ROOM ALLOWED…: a room uses only itself, the façade's types and the rooms named.
includes() {
  local room=$1 allowed
  shift
  allowed=$(printf '%s|' "$room/" "$@")
  local wrong
  wrong=$(grep -rnE '^#include "' --include='*.[ch]' "$room" |
    grep -vE "#include \"(${allowed}common/cemm\.h)" || true)
  [[ -z $wrong ]] || {
    echo "$wrong"
    return 1
  }
}

# Room by room, each may use only what stands above it.
check 'base uses nothing' includes common/base
check 'model uses base' includes common/model common/base/
check 'config uses base' includes common/config common/base/
check 'protocol uses base, model and the configured kinds of sources' \
  includes common/protocol common/base/ common/model/ common/config/config.h
check 'format uses base and model' includes common/format common/base/ common/model/
check 'archive uses base' includes common/archive common/base/
check 'engine uses everything in common' includes common/engine common/
check 'the collectd plugin sees only the façade' includes plugin/collectd
check 'the program sees only the façade' includes plugin/exec
check 'the file system sees only the façade' includes fs
# only LIBRARY PLACE: nobody else includes its headers.
only() {
  local users
  users=$(grep -rlF "#include <$1" --include='*.[ch]' common fs plugin | grep -v "^$2" || true)
  [[ -z $users ]] || {
    echo "$users"
    return 1
  }
}
check 'one file knows libcurl' only curl/ common/engine/http.c
# A quote that a colon follows, or a bracket comes before, is JSON by hand.
refute 'nobody but json-c writes JSON' grep -rnE --include='*.c' '(\\" ?:|[{[]\\")' common fs plugin
check 'one room knows GLib' only glib common/model/period.c
check 'one room knows libfuse' only fuse fs/

# It goes on behind a piece that found no memory, and says nothing: cemm_text_open() does.
refute 'nobody writes by open_memstream()' grep -rn --include='*.c' 'open_memstream *(' common fs plugin

no_curl() { ! nm -u "$build/common/libcemm-pure.a" | grep -w 'U curl_.*'; }
check 'the pure rooms do not link libcurl' no_curl

exports() { nm -D --defined-only "$1" | awk '$2 == "T" { sub(/@.*/, "", $3); print $3 }' | sort; }
declared() { grep -v '^typedef' common/cemm.h | grep -oE '\bcemm_[a-z_]+\(' | tr -d '(' | sort -u; }
same_exports() { diff <(declared) <(exports "$build/common/libcemm.so"); }
check 'libcemm exports what cemm.h declares, and nothing else' same_exports
mapped() { grep -oE '\bcemm_[a-z_]+' common/libcemm.map | sort; }
check 'libcemm.map names what cemm.h declares, and nothing else' diff <(declared) <(mapped)
one_export() { [[ $(exports "$build/plugin/collectd/cemm.so") == module_register ]]; }
check 'the collectd plugin exports module_register alone' one_export

alone() { printf '#include "common/cemm.h"\n' | clang -fsyntax-only -Wall -Wextra -Werror -I. -x "$1" -; }
check 'cemm.h compiles alone as C' alone c
check 'cemm.h compiles alone as C++' alone c++

finish
