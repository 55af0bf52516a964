#!/usr/bin/env bash
# mount.sh BUILD_DIR: tests the file system, mounted by the kernel, with the simulator. The output of
# common tools is compared with the simulator's data.
# shellcheck disable=SC1091,SC2154,SC2012,SC2011,SC2016
set -euo pipefail
. "$(dirname "$0")/mount-lib.sh"
begin_mount "$@"

other=00-1E-C0-00-00-02
long_ago=2025-10-26 # a day of 25 hours
spring=2026-03-29   # a day of 23 hours

# ---- mounting, and what needs no network ---------------------------------------

start_sim --devices 2 --promise 150
write_config "$conf" 'timeout = 4'
mount_fs -o realtime_ttl=1

is 'mounting sends no request' 0 "$(requests .)"
is 'the mount is read-only, without devices and setuid' 'fuse.cemmfs ro,nosuid,nodev' \
  "$(awk -v m="$m" '$2 == m { print $3 " " substr($4, 1, 15) }' /proc/self/mounts)"
has 'status can be read without a request' "$(cat "$m/status")" 'source cloud home'
is 'reading status sends no request' 0 "$(requests .)"
hasnt 'the key is not in the process list' "$(tr '\0' ' ' <"/proc/$fs_pid/cmdline")" "$sim_key"
hasnt 'the key is not in the environment' "$(tr '\0' ' ' <"/proc/$fs_pid/environ")" "$sim_key"
is 'no core is dumped' '0 0' "$(awk '/Max core/ { print $5 " " $6 }' "/proc/$fs_pid/limits")"

# ---- listings ------------------------------------------------------------------

is 'the root lists devices and status' "$dev $other status status.json" "$(echo "$m"/* | sed "s|$m/||g")"
is 'the list of devices is fetched once' 1 "$(requests '/cemm/ - 200$')"
is 'a device lists its meters' 'info.json io.csv io.json p1 p1-gas s01' "$(ls "$m/$dev" | xargs)"
is 'a meter lists its files' 'data info.json realtime realtime.csv realtime.json totals' "$(ls "$m/$dev/p1" | xargs)"
is 'realtime lists the channels' 'electric_power gas rate switch t1 t2 t3 t4' \
  "$(ls "$m/$dev/p1/realtime" | xargs)"
is 'the days list the years with data' "$(date -d '2 years ago' +%Y) $(date -d '1 year ago' +%Y) $(date +%Y) today.csv today.json yesterday.csv yesterday.json" \
  "$(ls "$m/$dev/p1/data/day" | xargs)"
is 'the year lists its months up to now' "$(seq -w 1 "$(date +%-m)" | sed 's/^.$/0&/' | xargs)" \
  "$(ls "$m/$dev/p1/data/day/$(date +%Y)" | xargs)"
is 'the month lists its days up to today, in both forms' "$(($(date +%-d) * 2))" \
  "$(ls "$m/$dev/p1/data/day/$(date +%Y/%m)" | wc -l)"
before=$(requests .)
find "$m/$dev/p1/data" >/dev/null
is 'find in the history sends no request' "$before" "$(requests .)"

# ---- realtime ------------------------------------------------------------------

json_is_the_clouds() {
  diff <(jq -S . "$m/$dev/p1/realtime.json") <(cloud_get "cemm/$dev/p1/realtime/" | jq -S .)
}
check 'realtime.json has the answer of the cloud' wait_for 15 json_is_the_clouds

rt=$m/$dev/p1/realtime.csv
cat "$rt" >"$scratch/rt.csv"
is 'realtime.csv has its header' 'channel,value,unit,time' "$(head -n1 "$scratch/rt.csv")"
bad=
while IFS=, read -r channel value unit time; do
  [[ $channel != switch ]] || continue
  expected=$(oracle "$dev" p1 "$channel" "$(date -d "$time" +%s)000")
  [[ $value == "$expected" ]] || bad+="$channel $value, not $expected; "
  case $channel in
    t?) want=kWh ;; electric_power) want=W ;; gas) want=m3 ;; *) want= ;;
  esac
  [[ $unit == "$want" ]] || bad+="$channel in $unit; "
done < <(tail -n +2 "$scratch/rt.csv")
is 'each value of realtime.csv is the simulator'"'"'s at its own time' '' "$bad"
is 'a channel that was never read has neither value nor time' 'switch,,,' "$(grep ^switch "$scratch/rt.csv")"
is 'the file of that channel is empty' 0 "$(wc -c <"$m/$dev/p1/realtime/switch")"
channel_agrees() {
  [[ $(cat "$m/$dev/p1/realtime/t1") == "$(awk -F, '$1 == "t1" { print $2 }' "$rt")" ]]
}
check 'a channel'"'"'s file is its bare value' wait_for 10 channel_agrees
read_four() { # reads four files before the first one expires
  sleep 1.1   # until all have expired
  before=$(requests 'p1/realtime/ - 200$')
  begun=$(now_ms)
  cat "$m/$dev/p1/realtime.json" "$rt" "$m/$dev/p1/realtime/t1" "$m/$dev/p1/realtime/rate" >/dev/null
  (($(now_ms) - begun < 1000))
}
wait_for 30 read_four || not_ok 'four files are read in a second'
is 'four files of one document cost one fetch' $((before + 1)) "$(requests 'p1/realtime/ - 200$')"
is 'the time of realtime.csv is the newest sample'"'"'s' \
  "$(tail -n +2 "$rt" | cut -d, -f4 | sort | tail -n1 | date -f - +%s)" "$(stat -c %Y "$rt")"

# ---- closed days ---------------------------------------------------------------

check_day() {
  local alias=$1 day=$2 rows=$3 csv json before
  csv=$(day_file "$dev" "$alias" "$day" csv)
  json=$(day_file "$dev" "$alias" "$day" json)
  cloud_get "cemm/$dev/$alias/data/day/" "time=$(midnight "$day")" >"$scratch/day.json"
  expected_csv <"$scratch/day.json" >"$scratch/day.csv"
  is "$alias $day: the simulator has that many rows" "$rows" "$(($(wc -l <"$scratch/day.csv") - 1))"
  before=$(requests "$alias/data/day/ .* 200\$")
  # stat is called before anything is read, because the kernel corrects a wrong size when it reads.
  is "$alias $day: stat knows the size before anything was read" \
    "$(wc -c <"$scratch/day.csv")" "$(stat -c %s "$csv")"
  check "$alias $day: cat prints the CSV" cmp <(cat "$csv") "$scratch/day.csv"
  check "$alias $day: jq reads the JSON, which is the cloud's" \
    diff <(jq -S . "$json") <(jq -S . "$scratch/day.json")
  is "$alias $day: both cost one request" $((before + 1)) "$(requests "$alias/data/day/ .* 200\$")"
  is "$alias $day: stat says the same afterwards" "$(wc -c <"$scratch/day.csv")" "$(stat -c %s "$csv")"
  is "$alias $day: its time is the day's end" "$(midnight "$day + 1 day")" "$(stat -c %Y "$csv")"
}
check_day p1 "$spring" 1380
check_day p1 "$long_ago" 1500
check_day s01 2026-06-21 1440
check_day p1-gas 2026-01-15 25 # 24 hours, and the last second

csv=$(day_file "$dev" p1 "$spring" csv)
json=$(day_file "$dev" p1 "$spring" json)
cloud_get "cemm/$dev/p1/data/day/" "time=$(midnight $spring)" | expected_csv >"$scratch/day.csv"
is 'wc -c' "$(wc -c <"$scratch/day.csv")" "$(wc -c <"$csv")"
is 'tail -c' "$(tail -c 100 "$scratch/day.csv")" "$(tail -c 100 "$csv")"
is 'grep' "$(grep -c 'T1[0-9]:.*,-' "$scratch/day.csv")" "$(grep -c 'T1[0-9]:.*,-' "$csv")"
is 'tar stores every byte' "$(wc -c <"$json")" \
  "$(tar -C "$(dirname "$json")" -c "$spring.json" | tar -xO | wc -c)"
is 'du shows its size' "$(((($(stat -c %s "$csv") + 511) / 512 + 1) / 2))" "$(du -k "$csv" | cut -f1)"
check 'cp -a copies a file' cp -a "$csv" "$scratch/copy.csv"
is 'the copy of cp -a has size and time' "$(stat -c '%s %Y' "$csv")" "$(stat -c '%s %Y' "$scratch/copy.csv")"
is 'JSON is indented by two' '  "data": {' "$(grep -m1 '"data"' "$json")"

# ---- many readers --------------------------------------------------------------

cold=$(day_file "$other" p1 2026-02-02 csv)
cat "$m/$other/p1/realtime.csv" >/dev/null # the directories are now known
readers=()
for _ in {1..16}; do
  md5sum <"$cold" >>"$scratch/sums" &
  readers+=("$!")
done
wait "${readers[@]}"
is 'sixteen readers of a cold file get the same' '1' "$(sort -u "$scratch/sums" | wc -l)"
is 'all readers got the whole file' 16 "$(wc -l <"$scratch/sums")"
is 'sixteen readers cost one request' 1 "$(requests "$other/p1/data/day/ .* 200\$")"

# ---- links ---------------------------------------------------------------------

days=$m/$dev/p1/data/day
is 'today.csv is a relative link' "$(date +%Y/%m/%Y-%m-%d).csv" "$(readlink "$days/today.csv")"
is 'yesterday.json is a relative link' "$(date -d yesterday +%Y/%m/%Y-%m-%d).json" "$(readlink "$days/yesterday.json")"
is 'a date as a name is a relative link' "2026/03/$spring.csv" "$(readlink "$days/$spring.csv")"
check 'the link of a date leads to the file of that day' cmp "$days/$spring.csv" "$csv"
is 'today has rows up to now at most' '' \
  "$(awk -F, -v now="$(date +%Y-%m-%dT%H:%M:%S)" 'NR > 1 && substr($1, 1, 19) > now' "$days/today.csv")"
is 'a uid in another spelling is a link' "$dev" "$(readlink "$m/00:1e:c0:00:00:01")"

# ---- what does not exist -----------------------------------------------------------

before=$(requests .)
tomorrow=$(date -d tomorrow +%Y-%m-%d)
for name in nothing "$dev/heatpump" "$dev/p1/nothing" "$days/2026/02/2026-02-30.csv" \
  "$days/${tomorrow:0:4}/${tomorrow:5:2}/$tomorrow.csv" "$days/$tomorrow.csv" "$days/2009" "$days/2026/13" \
  "$days/2026/03/2026-04-01.csv" "$days/2026/03/readme.txt" "$days/tomorrow.csv"; do
  fails_with "${name#"$days"/} does not exist" 'No such file or directory' stat "$m/${name#"$m"/}"
done
is 'names that cannot exist cost no request' "$before" "$(requests .)"
fails_with 'a meter that the device does not have does not exist' 'No such file or directory' \
  cat "$m/$dev/s02/realtime.csv"
fails_with 'a device that no source has does not exist' 'No such file or directory' \
  ls "$m/AA-BB-CC-DD-EE-FF"
fails_with 'a channel that the meter does not have does not exist' 'No such file or directory' \
  cat "$m/$dev/p1/realtime/volume"

# ---- changes -------------------------------------------------------------------

check_erofs() {
  fails_with "$1 is refused: read-only" 'Read-only file system' "${@:2}"
}
check_erofs touch touch "$m/new"
check_erofs mkdir mkdir "$m/new"
check_erofs rm rm -f "$m/status"
check_erofs rmdir rmdir "$m/$dev"
check_erofs mv mv "$m/status" "$m/new"
check_erofs ln ln -s a "$m/new"
check_erofs chmod chmod 600 "$m/status"
check_erofs writing bash -c "echo x >$csv"
check_erofs truncate truncate -s 0 "$csv"

# ---- errors --------------------------------------------------------------------

# check_fault WORDS FAULT: tests a fault with a file that was never read.
fault_day=1
check_fault() {
  local file
  fault_day=$((fault_day + 1))
  file=$(day_file "$dev" p1 "2026-01-$(printf %02d $fault_day)" csv)
  sim_faults "$2@*/p1/data/day/*"
  fails_with "$2: $1" "$1" cat "$file"
  has "$2: user.cemm.error of the directory has the message" \
    "$(getfattr --only-values -n user.cemm.error "$m/$dev/p1" 2>/dev/null)" "$dev"
  sim_faults
  check "$2: the same file can be read afterwards" wait_for 20 cat "$file"
}
check_fault 'Permission denied' status=403
check_fault 'No such file or directory' status=404
check_fault 'Connection timed out' status=408
check_fault 'Input/output error' status=502
check_fault 'Input/output error' garbage
check_fault 'Connection timed out' promise-forever
check_fault 'Connection timed out' stall
has 'user.cemm.source names the source' "$(getfattr --only-values -n user.cemm.source "$csv" 2>/dev/null)" 'cloud home'
# getfattr calls stat first, which fetches the file. The system call getxattr alone must not fetch it.
asked=$(requests .)
refute 'a file that was never opened has no source yet' \
  python3 -c 'import os, sys; os.getxattr(sys.argv[1], "user.cemm.source")' "$m/$other/s01/realtime/electric_power"
is 'reading the xattrs of a file fetches nothing' "$asked" "$(requests .)"
has 'user.cemm.fetched is a time' "$(getfattr --only-values -n user.cemm.fetched "$csv" 2>/dev/null)" "$(date +%Y-%m-%dT)"
has 'status has the last error' "$(cat "$m/status")" 'last error'
hasnt 'no key is in status' "$(cat "$m/status")" "$sim_key"

# ---- a stalled file, its neighbours and its readers --------------------------------

unmount_fs
sed -i 's/^timeout = .*/timeout = 3600/' "$conf"
mount_fs -o realtime_ttl=1
ls "$m/$dev" "$m/$dev/p1/realtime" >/dev/null
stalled=$(day_file "$dev" s01 2026-02-03 csv)
ls "$(dirname "$stalled")" >/dev/null
sim_faults 'stall@*/s01/data/day/*'
: >"$sim_log"

# read_by cat|ls FILE PATTERN: starts a reader, and waits until it waits for a request that matches PATTERN.
# Unlike other background processes, it does not ignore SIGINT.
read_by() {
  env --default-signal=INT "$1" "$2" >/dev/null 2>&1 &
  reader=$!
  started "$reader"
  check "$1 waits for ${2#"$m/$dev/"}" wait_for 20 waits "$1" "$3"
}

# waits NAME PATTERN: whether the reader is that program and waits, and such a request has been received.
waits() {
  [[ $(<"/proc/$reader/stat") == *"($1) "[SD]* ]] && asked "$2"
}

# ended_by SIGNAL WHAT: ok if the signal ends the reader.
ended_by() {
  kill -s "$1" "$reader" || true
  ends "SIG$1 ends $2" "$reader"
  stop "$reader"
  is "SIG$1 ended $2" "$((128 + $(kill -l "$1")))" "$stopped"
}

read_by cat "$stalled" 's01/data/day/'
ended_by INT 'the reader of a stalled file'
read_by cat "$stalled" 's01/data/day/'
for neighbour in "cat $(day_file "$dev" p1 2026-01-02 csv)" "cat $m/status" "ls ${stalled%/*}" "stat ${stalled%/*}"; do
  # shellcheck disable=SC2086
  check "beside a stalled file: $neighbour" within 10 $neighbour
done
check 'the stalled file still stalls' alive "$reader"
ended_by KILL 'the reader of a stalled file'

# A listing that waits must not block look-ups in its directory.
sim_faults 'stall@*/p1-gas/realtime/*'
stat "$m/$dev/p1-gas" >/dev/null
read_by ls "$m/$dev/p1-gas/realtime" 'p1-gas/realtime/'
listing=$reader
read_by cat "$m/$dev/p1-gas/realtime/gas" 'p1-gas/realtime/'
ended_by TERM 'a look-up in a directory whose listing stalls'
reader=$listing
ended_by KILL 'the reader of the listing'

# A short timeout ends the stalls.
unmount_fs
sed -i 's/^timeout = .*/timeout = 5/' "$conf"
mount_fs -o realtime_ttl=1
sim_faults 'stall@*/s01/data/day/*' 'stall@*/p1-gas/realtime/*'
fails_with 'a stalled file fails when its time is over' 'Connection timed out' cat "$stalled"
fails_with 'a stalled listing fails, too' 'Connection timed out' ls "$m/$dev/p1-gas/realtime"
sim_faults
check 'the file can be read after the stall' wait_for 20 cat "$stalled"
check 'the directory can be listed after the stall' wait_for 20 ls "$m/$dev/p1-gas/realtime"
unmount_fs
sed -i 's/^timeout = .*/timeout = 20/' "$conf"
mount_fs -o realtime_ttl=1
ls "$m/$dev" "$m/$dev/p1/realtime" >/dev/null

# ---- a running day grows (more than a minute) -------------------------------------

if [[ -n ${CEMM_E2E_LONG-} ]]; then
  number=$(stat -L -c %i "$days/today.csv")
  tail -n 0 -f "$days/today.csv" >"$scratch/tail" &
  follower=$!
  started "$follower"
  check 'tail -f shows a new minute' wait_for 150 grep -q "^$(date +%Y-%m-%d)T" "$scratch/tail"
  is 'tail -f: the inode number of the file is the same' "$number" "$(stat -L -c %i "$days/today.csv")"
  stop "$follower"
  check 'tail -f: each minute once, in order, and no part of a line' \
    awk -F, 'NF != 2 || $1 <= last { exit 1 } { last = $1 }' "$scratch/tail"
  check 'tail -f: the output is the end of the file' \
    cmp "$scratch/tail" <(tail -n "$(wc -l <"$scratch/tail")" "$days/today.csv")
fi

# ---- eight readers while the files change (more than a minute) ----------------------

cat >"$scratch/torn.py" <<'END'
import csv, json, os, sys, time
path, end = sys.argv[1], time.time() + float(sys.argv[2])
count = 0
while time.time() < end:
    with open(path, "rb") as file:
        size = os.fstat(file.fileno()).st_size
        data = file.read()
    if len(data) < size or b"\0" in data or not data.endswith(b"\n"):
        sys.exit(f"{path}: {len(data)} of {size} bytes, {data.count(0)} NUL")
    if path.endswith(".json"):
        json.loads(data)
    else:
        rows = list(csv.reader(data.decode().splitlines()))
        if any(len(row) != len(rows[0]) for row in rows):
            sys.exit(f"{path}: a partial line")
    count += 1
if count == 0:
    sys.exit("nothing was read")
END
if [[ -n ${CEMM_E2E_LONG-} ]]; then
  readers=()
  for _ in 1 2; do
    for file in "$m/$dev/p1/realtime.json" "$rt" "$days/today.csv" "$days/today.json"; do
      python3 "$scratch/torn.py" "$file" 75 2>>"$scratch/torn" &
      readers+=("$!")
    done
  done
  for reader in "${readers[@]}"; do
    wait "$reader" || echo "reader: $?" >>"$scratch/torn"
  done
  is 'eight readers see only complete files, while they change' '' "$(cat "$scratch/torn")"
fi

# ---- without the network ------------------------------------------------------------

stop "$sim_pid"
fails_with 'without a network, a file that was never read fails' 'No route to host' \
  cat "$(day_file "$dev" p1 2026-01-20 csv)"
check 'files that were read stay readable' cmp "$csv" "$scratch/day.csv"
check 'known meters stay listed' test -d "$m/$dev/p1"
is 'channels of known meters stay listed' 'electric_power gas rate switch t1 t2 t3 t4' "$(ls "$m/$dev/p1/realtime" | xargs)"
cannot_be_read() {
  ! cat "$m/$dev/p1/realtime/t1"
}
check 'channels cannot be read after they expire' wait_for 5 cannot_be_read
fails_with 'without a network, a channel that has expired fails' 'No route to host' cat "$m/$dev/p1/realtime/t1"
is 'the files of a known device stay listed' 'info.json io.csv io.json p1 p1-gas s01' "$(ls "$m/$dev" | xargs)"

# ---- ending ----------------------------------------------------------------------

unmount "$m"
wait_for 60 gone_or_zombie "$fs_pid" || not_ok 'fusermount3 -u ends it'
stop "$fs_pid"
is 'fusermount3 -u ends it with 0' 0 "$stopped"
start_sim --devices 1 --promise 150 --lan 1
write_config "$conf" 'timeout = 3600'

# ends_while_waiting WHAT PATTERN: sends SIGTERM while a reader waits for a request that stalls and that
# matches PATTERN.
ends_while_waiting() {
  cat "$m/$dev/p1/realtime.csv" 2>/dev/null &
  reader=$!
  started "$reader"
  check "a reader waits for $1" wait_for 20 asked "$2"
  kill -s TERM "$fs_pid"
  ends "SIGTERM ends it, although a reader waits for $1" "$fs_pid"
  stop "$fs_pid"
  is "SIGTERM ends it with 0, although a reader waits for $1" 0 "$stopped"
  check 'the directory is unmounted' not_mounted "$m"
  ends 'the reader ends' "$reader"
  sim_faults
}
sim_faults 'stall@*/cemm/'
mount_fs
ends_while_waiting 'a device that is not known yet' 'GET /v1/cemm/ '
mount_fs
sim_faults 'stall@*/p1/realtime/*'
ls "$m/$dev" >/dev/null
ends_while_waiting 'a meter' 'p1/realtime/'

# ---- in the background, after a crash ------------------------------------------------

exits 'cemmfs goes to the background' 0 "$build/fs/cemmfs" "$conf" "$m" -o rw,_netdev,nofail,dev,suid,x-a.b
check 'the directory is mounted when the command returns' mountpoint -q "$m"
check 'the mount works' cat "$m/$dev/p1/realtime.csv"
daemon=$(pgrep -f -- "$build/fs/cemmfs $conf $m")
at_cleanup "kill -s TERM $daemon 2>/dev/null"
kill -s KILL "$daemon"
wait_for 20 gone_or_zombie "$daemon"
refute 'a crash leaves a dead mount' ls "$m"
mount_fs
check 'the next start replaces the dead mount' cat "$m/$dev/p1/realtime.csv"
check 'umount unmounts it' wait_for 20 umount "$m"
wait_for 60 gone_or_zombie "$fs_pid" || not_ok 'umount ends it'
stop "$fs_pid"
is 'umount ends it with 0' 0 "$stopped"

# ---- a device on the LAN -----------------------------------------------------------

cat >"$conf" <<END
time-zone = Europe/Amsterdam
[local garage]
address = ${sim_lan[0]}
END
mount_fs
is 'a device on the LAN is found by its address' "$dev status status.json" "$(ls "$m" | xargs)"
has 'the device can be read' "$(cat "$m/$dev/p1/realtime.csv")" 'electric_power,'
cloud_get "cemm/$dev/p1/data/day/" "time=$(midnight $spring)" | expected_csv >"$scratch/day.csv"
check 'the days of a device on the LAN can be read' cmp "$csv" "$scratch/day.csv"
has 'status says how it is reached' "$(cat "$m/status")" "local garage"
stop "$fs_pid" HUP
is 'SIGHUP ends it with 0' 0 "$stopped"

# ---- wrong options and configurations ------------------------------------------------------------------------

check_wrong() {
  local what=$1 part=$2
  shift 2
  exits "$what: exit 2" 2 "$build/fs/cemmfs" "$@"
  is "$what: one line" 1 "$(wc -l <"$scratch/stderr")"
  has "$what: with the reason" "$err" "$part"
}
check_wrong 'no place to mount' 'no mount point'
check_wrong 'an unknown option' '--nonsense' --nonsense "$m"
check_wrong 'an unknown mount option' 'nonsense' -o rw,nonsense "$m"
check_wrong 'no such configuration' 'nowhere.conf' "$scratch/nowhere.conf" "$m"
check_wrong 'no such place' "$scratch/nowhere" "$conf" "$scratch/nowhere"
write_config "$conf"
chmod 644 "$conf.key"
check_wrong 'a key that others can read' 'chmod 600' "$conf" "$m"
echo 'colour = blue' >>"$conf"
chmod 600 "$conf.key"
check_wrong 'an unknown key' "$conf:" "$conf" "$m"
check 'nothing was mounted' not_mounted "$m"
exits '--help' 0 "$build/fs/cemmfs" --help
has '--help names the options' "$out" 'realtime_ttl'
exits '--version' 0 "$build/fs/cemmfs" --version

# ---- thousands of devices ----------------------------------------------------------

start_sim --devices 4096 --meters p1
write_config "$conf"
for first in 4097 8193; do
  start_sim --first "$first" --devices 4096 --meters p1
  printf '\n[cloud from-%s]\nurl = %s\napi-key-file = %s\n' "$first" "$sim_cloud" "$conf.key" >>"$conf"
done
mount_fs
is 'thousands of devices are listed' 12288 "$(find "$m" -maxdepth 1 -name '00-*' | wc -l)"
is 'status has each of them' 12288 "$(grep -c '^device ' "$m/status" || true)"
is 'status.json has each of them' 12288 "$(jq '.devices | length' "$m/status.json" || true)"
unmount_fs

hasnt 'no key is in the log' "$(cat "$scratch/fs.log")" "$sim_key"
is 'the log has only messages' '' "$(grep -v '^cemmfs: ' "$scratch/fs.log" || true)"

finish
