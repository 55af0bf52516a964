# shellcheck shell=bash disable=SC2034,SC2154
# Measures the resources of a process over time, and checks that they do not grow. Source it after lib.sh:
#
#   figures "$pid" >>"$file"      # adds a line: RSS in KiB, threads, descriptors except sockets, sockets
#   flat 'it' "$file" 8 2048      # checks the lines: at most 8 sockets, and growth of at most 2048 KiB
#
# The first tenth of the lines is ignored as the warm-up. The medians of the second and of the last
# tenth are compared, so that one buffer more or less does not matter.

# ASan keeps freed memory in quarantine, which would hide growth, so the quarantine is small here.
export ASAN_OPTIONS=${ASAN_OPTIONS:+$ASAN_OPTIONS:}quarantine_size_mb=1:thread_local_quarantine_size_kb=16

figures() {
  local rss threads name descriptors=0 sockets=0
  rss=$(awk '/^VmRSS/ { print $2 }' "/proc/$1/status")
  threads=$(find "/proc/$1/task" -mindepth 1 -maxdepth 1 | wc -l)
  while read -r name; do
    if [[ $name == socket:* ]]; then sockets=$((sockets + 1)); else descriptors=$((descriptors + 1)); fi
  done < <(find "/proc/$1/fd" -type l -printf '%l\n' 2>/dev/null)
  echo "$rss $threads $descriptors $sockets"
}

# median FILE COLUMN FROM TO: prints the median of the column in a part of the file. FROM and TO are
# tenths of its lines.
median() {
  awk -v column="$2" '{ print $column }' "$1" | awk -v from="$3" -v to="$4" \
    '{ all[NR] = $1 } END { for (i = int(NR * from / 10) + 1; i <= int(NR * to / 10); i++) print all[i] }' |
    sort -n | awk '{ all[NR] = $1 } END { print all[int((NR + 1) / 2)] + 0 }'
}

# flat WHAT FILE SOCKETS GROWTH: checks that there are at most SOCKETS sockets, that memory grows by at
# most GROWTH KiB, and that there are not more threads or other descriptors than before.
flat() {
  local what=$1 file=$2 count rss_then rss_now
  count=$(wc -l <"$file")
  if ((count < 30)); then
    not_ok "$what: there are enough figures" "$count"
    return
  fi
  rss_then=$(median "$file" 1 1 2) rss_now=$(median "$file" 1 9 10)
  echo "# $what, $count figures: RSS $rss_then, then $rss_now KiB; threads $(median "$file" 2 1 2), then $(median "$file" 2 9 10);" \
    "descriptors $(median "$file" 3 1 2), then $(median "$file" 3 9 10); sockets at most $(most "$file" 4)"
  check "$what: memory is flat" test "$rss_now" -le $((rss_then + $4))
  check "$what: the number of threads is flat" test "$(median "$file" 2 9 10)" -le "$(median "$file" 2 1 2)"
  check "$what: the number of descriptors is flat" test "$(median "$file" 3 9 10)" -le "$(median "$file" 3 1 2)"
  check "$what: no more connections than are allowed" test "$(most "$file" 4)" -le "$3"
}

# most FILE COLUMN: prints the maximum of the column.
most() {
  awk -v column="$2" '$column > most { most = $column } END { print most + 0 }' "$1"
}
