#!/usr/bin/env bash
# mount-archive.sh BUILD_DIR: the archive of a mount. What was read once stays available after a
# remount, without a network, after a crash, and in a second mount. A broken archive does not prevent
# reading.
# shellcheck disable=SC1091,SC2154,SC2011,SC2012
set -euo pipefail
. "$(dirname "$0")/mount-lib.sh"
enter_namespaces "$@"
begin_mount "$@"

since=$(date -d "$(date +%Y-%m-12) - 14 months" +%F)
month=$(date -d "${since:0:7}-01 + 2 months" +%Y-%m)
p1=$m/$dev/p1
archive=$scratch/archive

# config: writes the configuration for the simulator started last, with the same archive.
config() {
  write_config "$conf" 'timeout = 4'
  sed -i '/^\[archive\]/,/^$/d' "$conf"
  printf '\n[archive]\ndirectory = %s\n' "$archive" >>"$conf"
}

start_sim --devices 2 --promise 20 --since "$since"
config
mount_fs
refute 'mounting makes no archive' test -e "$archive"
day=$(day_file "$dev" p1 "$month-05" csv)
find "$m/$dev" >/dev/null
cat "$day" "${day%.csv}.json" "$p1/data/month/${month:0:4}/$month.csv" "$p1/totals/${month/-//}/$month-05.csv" \
  >"$scratch/before"
find "$m/$dev/p1/data" "$m/$dev/p1/totals" | sort >"$scratch/listed"
closed=("$day" "${day%.csv}.json" "$p1/data/month/${month:0:4}/$month.csv" "$p1/totals/${month/-//}/$month-05.csv")
stat -c '%n %i %s %Y' "${closed[@]}" >"$scratch/inodes"
unmount_fs

# ---- a remount ------------------------------------------------------------------

mount_fs
requests . >/dev/null
ls "$m" >/dev/null
before=$(requests .)
cat "$day" "${day%.csv}.json" "$p1/data/month/${month:0:4}/$month.csv" "$p1/totals/${month/-//}/$month-05.csv" \
  >"$scratch/after"
is 'after a remount closed files need no request' "$before" "$(requests .)"
check 'closed files have the same content after a remount' cmp "$scratch/before" "$scratch/after"
find "$m/$dev/p1/data" "$m/$dev/p1/totals" | sort >"$scratch/again"
# The files are looked up in another order, the first one by sendfile, which requests no attributes.
sendfile "${closed[2]}" >/dev/null
stat "${closed[3]}" "${closed[1]}" >/dev/null
check 'stat of closed files shows the same, inode numbers included' diff "$scratch/inodes" <(stat -c '%n %i %s %Y' "${closed[@]}")
is 'each file has its own inode number' "${#closed[@]}" "$(awk '{ print $2 }' "$scratch/inodes" | sort -u | wc -l)"
check 'the same names are listed after a remount' diff "$scratch/listed" "$scratch/again"
is 'the listing after a remount needs no request' "$before" "$(requests .)"
is 'the archive is the source of a closed file now' archive "$(getfattr --only-values -n user.cemm.source "$day" 2>/dev/null)"
is 'the time of a closed file is still the end of its day' "$(midnight "$month-06")" "$(stat -c %Y "$day")"
kept=$archive/$dev/p1/data/day/${month/-//}/$month-05.json
check 'the archive has the bytes that were received' \
  cmp "$kept" <(cloud_get "cemm/$dev/p1/data/day/" "time=$(midnight "$month-05")")
is 'the archive is only for its owner and group' '640 750' "$(stat -c %a "$kept" "$(dirname "$kept")" | xargs)"
has 'status names the archive' "$(cat "$m/status")" "archive $archive"
is 'status.json names the archive, too' "$archive" "$(jq -r .archive.directory "$m/status.json")"
unmount_fs

# ---- a meter that its account no longer lists ----------------------------------------

sim_faults 'status=412@*/p1/*'
mount_fs
ls "$m/$dev/p1" >/dev/null # sends a request
check 'the account says that it has no such meter' asked "$dev/p1/ - 412"
is 'the history of a meter that is gone is listed as before' '' \
  "$(comm -23 <(grep -E '/(data|totals)(/|$)' "$scratch/listed") <(find "$p1/data" "$p1/totals" | sort))"
check 'archived files of a meter that is gone can be read' cmp "$scratch/before" <(cat "${closed[@]}")
unmount_fs
sim_faults

# ---- many files, one cause ------------------------------------------------------------

sim_faults 'status=500@*/data/day/*'
: >"$scratch/fs.log"
mount_fs
failed=0
for alias in p1 s01; do
  for date in "$month"-{06..25}; do
    cat "$(day_file "$dev" "$alias" "$date" csv)" 2>/dev/null || failed=$((failed + 1))
  done
done
is 'each day fails' 40 "$failed"
is 'the failure of many days is logged once for each meter' "$dev p1 data $month-06 $dev s01 data $month-06" \
  "$(sed 's/.*home: \(.*\): unexpected answer: HTTP 500$/\1/' "$scratch/fs.log" | xargs)"
sim_faults
for alias in p1 s01; do
  check "a day of $alias can be read again" cat "$(day_file "$dev" "$alias" "$month-06" csv)" "$(day_file "$dev" "$alias" "$month-16" csv)"
done
is 'the end of the failure is logged, too' 2 "$(grep -c 'works again' "$scratch/fs.log")"
is 'many failed days: there is no other message' 4 "$(wc -l <"$scratch/fs.log")"
unmount_fs

# ---- no network --------------------------------------------------------------------

stop "$sim_pid"
: >"$scratch/fs.log"
mount_fs
is 'without a network, devices are listed' "$dev status status.json" "$(ls "$m" | xargs)"
is 'without a network, meters are listed' 'info.json io.csv io.json p1 p1-gas s01' "$(ls "$m/$dev" | xargs)"
find "$m/$dev/p1/data" "$m/$dev/p1/totals" | sort >"$scratch/offline"
check 'without a network, the history is listed' diff "$scratch/listed" "$scratch/offline"
cat "$day" "${day%.csv}.json" "$p1/data/month/${month:0:4}/$month.csv" "$p1/totals/${month/-//}/$month-05.csv" \
  >"$scratch/after"
check 'without a network, archived files can be read' cmp "$scratch/before" "$scratch/after"
fails_with 'a file that is not archived fails' 'No route to host' cat "$(day_file "$dev" p1 "$month-20" csv)"
fails_with 'the next file that is not archived fails, too' 'No route to host' cat "$(day_file "$dev" p1 "$month-22" csv)"
fails_with 'a device that was never listed cannot be listed' 'No route to host' ls "$m/00-1E-C0-00-00-02"
fails_with 'without an answer, an unknown meter is unreachable and not absent' 'No route to host' stat "$m/$dev/mb7"
is 'the outage is logged once' 1 "$(grep -c "can't be reached" "$scratch/fs.log")"
check 'without a network, status can be read' cat "$m/status"
unmount_fs

# ---- deleted, damaged ------------------------------------------------------------------

start_sim --devices 2 --promise 20 --since "$since"
config
echo '{"data": {"electric_po' >"$kept"
mount_fs
check 'a damaged file is fetched again' diff <(head -c "$(stat -c %s "$day")" "$scratch/before") "$day"
is 'a damaged file costs one request' 1 "$(requests 'p1/data/day/ .* 200$')"
check 'the damaged file is kept under another name' test -e "$kept.damaged"
check 'the new file is complete' jq -e . "$kept"
has 'the damaged file is logged' "$(cat "$scratch/fs.log")" 'damaged'
is 'the damaged file is counted in status.json' 1 "$(jq .archive.damaged "$m/status.json")"
unmount_fs
rm "$kept"
mount_fs
check 'a deleted file can be read, too' cat "$day"
is 'the deleted file is requested again' 2 "$(requests 'p1/data/day/ .* 200$')"

# Without a remount, a deleted file is fetched again after a minute, when the kernel looks its name up.
if [[ -n ${CEMM_E2E_LONG-} ]]; then
  cat "$day" "${day%.csv}.json" >/dev/null
  once=$(day_file "$dev" s01 "$month-07" csv)
  cat "$once" >/dev/null # only once, so the kernel does not look it up again before it is deleted
  rm "$archive/$dev/s01/data/day/${month/-//}/$month-07.json"
  sleep 61
  cat "$day" "${day%.csv}.json" >/dev/null
  check 'a file that was read once, then deleted, can be read' cat "$once"
  is 'a file that was read once, then deleted, is fetched again' 2 "$(requests 's01/data/day/ .* 200$')"
  is 'a file that still exists is not requested after a minute' 2 "$(requests 'p1/data/day/ .* 200$')"
  rm "$kept"
  fetched_anew() {
    cat "$day" "${day%.csv}.json" >/dev/null
    [[ $(requests 'p1/data/day/ .* 200$') == 3 ]]
  }
  check 'a deleted file: both forms cost one request' wait_for 70 fetched_anew
fi
unmount_fs

# ---- killed at any moment -----------------------------------------------------------------

mount_fs
killed=$m/$dev/s01/data/day/${month/-//}
ls "$killed" >/dev/null
cat "$killed"/*.json >/dev/null 2>&1 &
reader=$!
started "$reader"
some_kept() {
  compgen -G "$archive/$dev/s01/data/day/${month/-//}/*.json" >/dev/null
}
check 'cemmfs archives days while it fetches a month' wait_for 10 some_kept
stop "$fs_pid" KILL
wait "$reader" 2>/dev/null || true
torn=0
count=0
for file in "$archive/$dev/s01/data/day/${month/-//}"/*.json; do
  count=$((count + 1))
  jq -e . "$file" >/dev/null 2>&1 || torn=$((torn + 1))
done
is "it is killed after $count files, and all of them are complete" 0 "$torn"
sim_faults # returns when the requests of the killed cemmfs have been answered
before=$(requests 's01/data/day/ .* 200$')
mount_fs
days=$(ls "$killed"/*.json | wc -l)
cat "$killed"/*.json >/dev/null
is 'no archived day is lost by the kill: only the others are requested' $((before + days - count)) "$(requests 's01/data/day/ .* 200$')"

# ---- two mounts, one archive ------------------------------------------------------------------

m2=$scratch/m2
mkdir "$m2"
"$build/fs/cemmfs" "$conf" "$m2" -f 2>>"$scratch/fs.log" &
second=$!
started "$second"
mounted "$m2"
check 'a second mount can be read' wait_for 10 cat "$m2/status"
before=$(requests 'p1-gas/data/day/ .* 200$')
gas=$dev/p1-gas/data/day/${month/-//}
cat "$m/$gas"/*.csv >"$scratch/one" &
reader=$!
cat "$m2/$gas"/*.csv >"$scratch/two"
wait "$reader"
check 'both mounts read the same' cmp "$scratch/one" "$scratch/two"
before=$(requests 'p1-gas/data/day/ .* 200$')
cat "$m/$gas"/*.json "$m2/$gas"/*.json >/dev/null
is 'both mounts share the archive' "$before" "$(requests 'p1-gas/data/day/ .* 200$')"
unmount "$m2"
stop "$second"
unmount_fs

# ---- more than fits into memory ----------------------------------------------------------------

# The kernel caches the pages that were read. When it drops them, they are read from the archive.
from=$(date -d "$month-01 + 3 months" +%F)
"$build/plugin/exec/cemm" history --config "$conf" --from "$from" --to "$(date -d "$from + 120 days" +%F)" --format csv \
  "$dev/p1" >/dev/null 2>&1
mount_fs
find "$p1/data/day" -type f -newermt "$from 12:00" ! -newermt "$(date -d "$from + 120 days" +%F) 12:00" | sort >"$scratch/long"
read_long() {
  xargs cat <"$scratch/long"
}
kept_reads() {
  jq .archive.read "$m/status.json"
}
read_long >"$scratch/once"
held=$(jq .files.bytes "$m/status.json")
whole=$(stat -c %s "$scratch/once")
check "of $whole bytes that were read, less than three quarters are kept in memory ($held)" test "$held" -lt $((whole * 3 / 4))
before=$(kept_reads)
read_long >"$scratch/twice"
again=$(($(kept_reads) - before)) # not 0 if the kernel has dropped some pages
check "the kernel has cached most of the files ($again are read from the archive again)" test "$again" -lt $(($(wc -l <"$scratch/long") / 2))
check 'days that are read twice are the same' cmp "$scratch/once" "$scratch/twice"
xargs -I{} dd if={} iflag=nocache count=0 status=none <"$scratch/long"
read_long >"$scratch/thrice"
check 'pages that the kernel has dropped come from the archive' test "$(kept_reads)" -gt "$before"
check 'days from the archive are the same, too' cmp "$scratch/once" "$scratch/thrice"
file=$(head -n1 "$scratch/long")
file=${file%.csv}.json
kept=$archive/${file#"$m"/}
sed -i -E '0,/,([0-9.]+)\]/s//,7\1]/' "$kept" # another value
dd if="$file" iflag=nocache count=0 status=none
fails_with 'a file that was replaced is never a mixture of old and new' 'Stale file handle' cat "$file"
is_that_one() {
  cmp -s <(jq -c . "$file") <(jq -c . "$kept")
}
check 'the new value of a replaced file is then read' wait_for 10 is_that_one
unmount_fs

# ---- an archive that cannot be written ---------------------------------------------------------

reads_all() {
  local file
  for file in "$m/$dev/p1/data/day/${month/-//}"/*-1[13579].csv; do
    [[ $(wc -l <"$file") -gt 1379 ]] || return 1
  done
}
touch "$scratch/file"
archive=$scratch/file/archive
config
mount_fs
check 'an archive that cannot be made: everything can be read' reads_all
has 'status says that the archive cannot be made' "$(cat "$m/status")" 'Not a directory'
before=$(requests 'p1/data/day/ .* 200$')
check 'an archive that cannot be made: everything can be read again' reads_all
is 'an archive that cannot be made: the second reading is from memory' "$before" "$(requests 'p1/data/day/ .* 200$')"
unmount_fs
is 'an archive that cannot be made is logged once' 1 "$(grep -c 'Not a directory' "$scratch/fs.log")"
mkdir "$scratch/full"
mount -t tmpfs -o size=128k tmpfs "$scratch/full"
mounted "$scratch/full"
archive=$scratch/full
config
mount_fs
check 'a full disk: everything can be read' reads_all
has 'status says that the disk is full' "$(cat "$m/status")" 'No space left'
torn=0
while read -r file; do
  jq -e . "$file" >/dev/null 2>&1 || torn=$((torn + 1))
done < <(find "$scratch/full" -name '*.json')
is 'a full disk: the archived files are complete' 0 "$torn"
mount -o remount,bind,ro "$scratch/full"
unmount_fs
mount_fs
check 'a read-only archive: everything can be read' reads_all
unmount_fs
umount "$scratch/full"

# ---- a source with a longer history ------------------------------------------------------------------

start_sim --devices 1 --meters p1 --since "$(date -d "$month-09 + 3 months" +%F)" --lan 1
lan=${sim_lan[0]}
archive=$scratch/two
config
sed '/^\[cloud /,$d' "$conf" >"$conf.lan"
printf '[local garage]\naddress = %s\n\n[archive]\ndirectory = %s\n' "$lan" "$archive" >>"$conf.lan"
mv "$conf.lan" "$conf"
mount_fs
first=$(ls "$p1/data/day" | head -n 1)/$(ls "$p1/data/day/$(ls "$p1/data/day" | head -n 1)" | head -n 1)
is 'the device on the LAN has data from its first month on' "$(date -d "$month-09 + 3 months" +%Y/%m)" "$first"
fails_with 'the device on the LAN has none of the days before' 'No such file or directory' cat "$(day_file "$dev" p1 "$month-05" csv)"
unmount_fs
start_sim --devices 1 --meters p1 --since "$since"
config
printf '\n[local garage]\naddress = %s\n' "$lan" >>"$conf"
mount_fs
is 'with the account in addition, the first month of the account is listed' "${since:0:7}" \
  "$(ls "$p1/data/day" | head -n 1)-$(ls "$p1/data/day/$(ls "$p1/data/day" | head -n 1)" | head -n 1)"
check 'days of the account can be read' test "$(wc -l <"$(day_file "$dev" p1 "$month-05" csv)")" -eq 1441
unmount_fs

hasnt 'no key is in the log' "$(cat "$scratch/fs.log")" "$sim_key"
is 'the log has only messages' '' "$(grep -v '^cemmfs: ' "$scratch/fs.log" || true)"
hasnt 'no key is in the archive' "$(grep -rl "$sim_key" "$scratch/archive" || true)" archive
finish
