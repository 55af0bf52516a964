#!/usr/bin/env bash
# Checks rules of this project: which directory may include which other directory, which functions are
# exported, and that headers compile alone. Called by meson: house.sh SOURCE_DIR BUILD_DIR
set -euo pipefail

# shellcheck source=tests/end-to-end/lib.sh
. "$1/tests/end-to-end/lib.sh"
begin "$2"
cd "$1"

# includes DIRECTORY ALLOWED…: whether a directory includes only itself, cemm.h, frontend.h and what is
# ALLOWED.
includes() {
  local directory=$1 allowed
  shift
  allowed=$(printf '%s|' "$directory/" "$@")
  local wrong
  wrong=$(grep -rnE '^#include "' --include='*.[ch]' "$directory" |
    grep -vE "#include \"(${allowed}common/(cemm|frontend)\.h)" || true)
  [[ -z $wrong ]] || {
    echo "$wrong"
    return 1
  }
}

# Each directory may use only directories that are listed above it; most may not use all of these.
check 'base uses nothing' includes common/base
check 'model uses base' includes common/model common/base/
check 'config uses base' includes common/config common/base/
check 'protocol uses base, model and the configured kinds of sources' \
  includes common/protocol common/base/ common/model/ common/config/config.h
check 'format uses base and model' includes common/format common/base/ common/model/
check 'archive uses base' includes common/archive common/base/
check 'engine uses everything in common' includes common/engine common/
check 'the collectd plugin uses only cemm.h and frontend.h' includes plugin/collectd
check 'the program uses only cemm.h and frontend.h' includes plugin/exec
check 'the file system uses only cemm.h and frontend.h' includes fs

# A file and its header are one unit. `by_include` and `by_symbol` print pairs "user used", one per line:
# from the includes, and from the symbols that the linker needs, wherever they are declared.
by_include() {
  grep -roE '^#include "[^"]+"' --include='*.[ch]' common fs plugin |
    sed -E 's/^(.*)\.[ch]:#include "(.*)\.h"$/\1 \2/' | awk '$1 != $2'
}
# by_symbol PLACE: prints the pairs for common/ and the program or plugin in that directory. Each is
# searched alone, because two programs may define the same symbol.
by_symbol() {
  jq -r --arg place "$1" '.[] | (.file | capture("(^|/)(?<unit>(common|\($place))/[^.]*)[.]c$")) as $file |
      "\($file.unit) \(.directory)/\(.output)"' "$build/compile_commands.json" |
    while read -r unit object; do nm "$object" | awk -v unit="$unit" 'NF > 1 { print unit, $(NF - 1), $NF }'; done |
    awk '$2 == "U" { used[$1 " " $3] } $2 ~ /^[A-TV-Z]$/ { owner[$3] = $1 }
      END { for (pair in used) { split(pair, part, " ")
        if ((part[2] in owner) && owner[part[2]] != part[1]) print part[1], owner[part[2]] } }'
}
by_include >"$scratch/includes"
for place in fs plugin/collectd plugin/exec; do by_symbol "$place"; done | sort -u >"$scratch/symbols"
# no_circle FILE…: whether the pairs form no circle. If they do, tsort prints it.
no_circle() { cat "$@" | tsort 2>&1 >/dev/null; }
check 'no circle of files, by what they include' no_circle "$scratch/includes"
check 'no circle of files, by what they call' no_circle "$scratch/symbols"
check 'no circle of files, by both together' no_circle "$scratch/includes" "$scratch/symbols"
echo 'common/base/buffer common/engine/cemm' >"$scratch/circle"
refute 'a circle of includes would be found' no_circle "$scratch/includes" "$scratch/circle"
refute 'a circle of calls would be found' no_circle "$scratch/symbols" "$scratch/circle"
is 'one file defines struct cemm' common/engine/cemm.c "$(grep -rlE '^struct cemm \{' --include='*.[ch]' common fs plugin)"
without_header() { for file in common/engine/*.c; do [[ -e ${file%c}h ]] || echo "$file"; done; }
is 'each file of the engine has its own header, except backfill.c and cemm.c' $'common/engine/backfill.c\ncommon/engine/cemm.c' "$(without_header)"

too_long() { find common fs plugin -name '*.[ch]' -exec wc -l {} + | awk '$2 != "total" && $1 > 600' | grep .; }
refute 'no file of the product has more than 600 lines' too_long
check 'cemm.h has 400 lines at most' test "$(wc -l <common/cemm.h)" -le 400
# This file is left out, because it names them.
private_words() {
  grep -rniwE --exclude=house.sh 'the own network|for want of|park(s|ed|ing)?|judge[sd]?|givers?|manner|speech' \
    common fs plugin tests examples -- *.md
}
refute 'no word that only this project used is left' private_words

# only LIBRARY PLACE: whether only PLACE includes the headers of LIBRARY.
only() {
  local users
  users=$(grep -rlF "#include <$1" --include='*.[ch]' common fs plugin | grep -v "^$2" || true)
  [[ -z $users ]] || {
    echo "$users"
    return 1
  }
}
check 'one file uses libcurl' only curl/ common/engine/http.c
# A quote before a colon or after a bracket means that JSON is written without json-c.
refute 'only json-c writes JSON' grep -rnE --include='*.c' '(\\" ?:|[{[]\\")' common fs plugin
check 'one file uses GLib' only glib common/model/period.c
check 'one directory uses libfuse' only fuse fs/

# If there is no memory, open_memstream() silently omits a piece. cemm_text_open() reports that.
refute 'open_memstream() is not used' grep -rn --include='*.c' 'open_memstream *(' common fs plugin

no_curl() { ! nm -u "$build/common/libcemm-pure.a" | grep -w 'U curl_.*'; }
check 'libcemm-pure.a does not use libcurl' no_curl

# exports LIBRARY: prints "function@@node" for each exported function; the node is its symbol version.
exports() { nm -D --defined-only "$1" | awk '$2 == "T" { print $3 }' | sort; }
# declared HEADER NODE: prints the same for the functions that a header declares.
declared() { sed -nE "/^typedef/d; s/^[A-Za-z][^(]*\\b(cemm_[a-z_]+)\\(.*/\\1@@$2/p" "common/$1"; }
all_declared() { { declared cemm.h LIBCEMM_0 && declared frontend.h LIBCEMM_PRIVATE; } | sort; }
same_exports() { diff <(all_declared) <(exports "$build/common/libcemm.so"); }
check 'libcemm exports what cemm.h and frontend.h declare, each in its node, and nothing else' same_exports
mapped() { awk '/^LIBCEMM/ { node = $1 } sub(/^ *cemm_/, "cemm_") { sub(/;/, "@@" node); print }' common/libcemm.map | sort; }
check 'libcemm.map names the same, and nothing else' diff <(all_declared) <(mapped)
one_export() { [[ $(exports "$build/plugin/collectd/cemm.so") == module_register ]]; }
check 'the collectd plugin exports only module_register' one_export

# alone HEADER LANGUAGE: compiles a header without any other header.
alone() { printf '#include "common/%s"\n' "$1" | clang -fsyntax-only -Wall -Wextra -Werror -I. -x "$2" -; }
check 'cemm.h compiles alone as C' alone cemm.h c
check 'cemm.h compiles alone as C++' alone cemm.h c++
check 'frontend.h compiles alone as C' alone frontend.h c

finish
