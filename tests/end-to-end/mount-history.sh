#!/usr/bin/env bash
# mount-history.sh BUILD_DIR: the whole history as files. Tests the tree, its listings, the sizes that
# common tools see, and the number of requests.
# shellcheck disable=SC1091,SC2154,SC2010,SC2012
set -euo pipefail
. "$(dirname "$0")/mount-lib.sh"
begin_mount "$@"

# The data begins on the 12th of a month more than a year ago.
since=$(date -d "$(date +%Y-%m-12) - 14 months" +%F)
first_month=${since:0:7}
next_month=$(date -d "$first_month-01 + 1 month" +%Y-%m)
full_month=$(date -d "$first_month-01 + 3 months" +%Y-%m)
this_year=$(date +%Y)
p1=$m/$dev/p1

start_sim --devices 2 --promise 30 --since "$since"
write_config "$conf" 'timeout = 4'
mount_fs

# days_of MONTH: prints the dates of the month.
days_of() {
  local day=$1-01
  while [[ ${day:0:7} == "$1" ]]; do
    echo "$day"
    day=$(date -d "$day + 1 day" +%F)
  done
}

names() {
  ls -f "$1" | grep -vE '^\.{1,2}$' | sort | xargs
}

# ---- the tree ----------------------------------------------------------------

is 'the root' "$dev 00-1E-C0-00-00-02 status status.json" "$(names "$m")"
is 'a device' 'info.json io.csv io.json p1 p1-gas s01' "$(names "$m/$dev")"
is 'a meter' 'data info.json realtime realtime.csv realtime.json totals' "$(names "$p1")"
is 'the data of a meter' 'day month year' "$(names "$p1/data")"

before=$(requests ' 200$')
years=$(seq -s ' ' "${since:0:4}" "$this_year")
is 'the days begin with the first that was recorded' \
  "$years today.csv today.json yesterday.csv yesterday.json" "$(names "$p1/data/day")"
cost=$(requests 'p1/data/.* 200$')
check "finding the first day takes one request a year, and two more ($cost)" test "$cost" -le $((this_year - 2010 + 3))
is 'the first month' "$(seq -w "${since:5:2}" 12 | xargs)" "$(names "$p1/data/day/${since:0:4}")"
is 'the first day' "$since.csv" "$(ls "$p1/data/day/${first_month/-//}" | head -n1)"
is 'a month has all its days in both forms' "$(($(days_of "$full_month" | wc -l) * 2))" \
  "$(ls "$p1/data/day/${full_month/-//}" | wc -l)"
is 'months' "$years this-month.csv this-month.json" "$(names "$p1/data/month")"
is 'the first of the months' "$first_month.csv" "$(ls "$p1/data/month/${since:0:4}" | head -n1)"
is 'years' "$(for y in $years; do echo "$y.csv $y.json"; done | xargs) this-year.csv this-year.json" \
  "$(names "$p1/data/year")"
is 'totals' "$years today.csv today.json" "$(names "$p1/totals")"
is 'the first of the totals' "$since.csv" "$(ls "$p1/totals/${first_month/-//}" | head -n1)"
is 'the other listings cost no request' "$((before + cost))" "$(requests ' 200$')"
find "$p1" -type f >"$scratch/found"
check 'find shows everything' grep -q "/$(date +%Y-%m-%d).csv" "$scratch/found"
is 'find requests at most the channels' "$((before + cost + 1))" "$(requests ' 200$')"

# ---- what does not exist ---------------------------------------------------------

before=$(requests .)
yesterday=$(date -d "$since - 1 day" +%F)
for name in "data/day/2010" "data/day/${yesterday//-//}.csv" "data/day/$yesterday.csv" \
  "data/month/2010" "data/year/2010.csv" "data/year/$((this_year + 1)).csv" \
  "data/month/$this_year/$((this_year + 1))-01.csv" "totals/$yesterday.csv" "totals/tomorrow.csv"; do
  fails_with "$name does not exist" 'No such file or directory' stat "$p1/$name"
done
is 'names that do not exist cost no request' "$before" "$(requests .)"

# ---- information about devices and meters -------------------------------------------

is 'info.json of a device' "{\"uid\":\"$dev\",\"lan\":null,\"cloud\":\"home\"}" "$(jq -c . "$m/$dev/info.json")"
check 'info.json of a meter' diff <(jq -S . "$p1/info.json") <(cloud_get "cemm/$dev/p1/" | jq -S .)
check 'io.json' diff <(jq -S . "$m/$dev/io.json") <(cloud_get "cemm/$dev/io/" | jq -S .)
check 'io.csv has a column for each member' \
  diff "$m/$dev/io.csv" <(cloud_get "cemm/$dev/io/" | jq -r \
    '(.data[0] | keys_unsorted | join(",")), (.data[] | [.[] | tostring] | join(","))')
time=$(stat -c %Y "$m/$dev/info.json")
check 'status.json is JSON' jq -e '.sources[0].name == "cloud home" and (.devices | length) == 2' "$m/status.json"
told_type=$(cloud_get "cemm/$dev/p1/" | jq -r ".data[0].type")
is 'status has the type of a meter' 1 "$(sed -n "/^device $dev/,/^$/p" "$m/status" | grep -c "^  meters .* p1 ($told_type)")"
is 'status.json has the type of a meter, too' "$told_type" \
  "$(jq -r --arg uid "$dev" '.devices[] | select(.uid == $uid) | .meters[] | select(.alias == "p1") | .type' "$m/status.json")"

# ---- periods of all kinds -----------------------------------------------------------

# check_period WHAT FILE PATH TIME: compares the file with the cloud's answer.
check_period() {
  cloud_get "cemm/$dev/$3" "time=$(midnight "$4")" >"$scratch/answer"
  expected_csv <"$scratch/answer" >"$scratch/expected.csv"
  is "$1: stat knows the size first" "$(wc -c <"$scratch/expected.csv")" "$(stat -c %s "$m/$dev/$2.csv")"
  check "$1: the CSV" diff "$m/$dev/$2.csv" "$scratch/expected.csv"
  check "$1: the JSON" diff <(jq -S . "$m/$dev/$2.json") <(jq -S . "$scratch/answer")
}
check_period 'a month' "p1/data/month/${full_month:0:4}/$full_month" p1/data/month/ "$full_month-01"
check_period 'the month of the first day' "p1/data/month/${since:0:4}/$first_month" p1/data/month/ "$first_month-01"
check_period 'a year' "p1/data/year/${since:0:4}" p1/data/year/ "${since:0:4}-01-01"
check_period 'gas of a month' "p1-gas/data/month/${full_month:0:4}/$full_month" p1-gas/data/month/ "$full_month-01"
check_period 'totals' "p1/totals/${full_month/-//}/$full_month-07" p1/totals/ "$full_month-07"
is 'totals are history' 'time,t1,t2,t3,t4,electric_energy,electric_energy_high,gas' \
  "$(head -n1 "$p1/totals/${full_month/-//}/$full_month-07.csv")"
is 'a closed month has the time of its end' "$(midnight "$(date -d "$full_month-01 + 1 month" +%F)")" \
  "$(stat -c %Y "$p1/data/month/${full_month:0:4}/$full_month.csv")"
fetched=$(date +%s)
age=$((fetched - $(stat -L -c %Y "$p1/data/month/this-month.csv")))
check "a running month has the time of its fetch ($age s)" test "$age" -ge -10 -a "$age" -lt 70
age=$((fetched - $(stat -L -c %Y "$p1/data/year/this-year.json")))
check "a running year has the time of its fetch, too ($age s)" test "$age" -ge -10 -a "$age" -lt 70

is 'this-month is a symbolic link' "$this_year/$(date +%Y-%m).csv" "$(readlink "$p1/data/month/this-month.csv")"
is 'this-year is a symbolic link' "$this_year.json" "$(readlink "$p1/data/year/this-year.json")"
is 'today of totals is a symbolic link' "$(date +%Y/%m/%Y-%m-%d).csv" "$(readlink "$p1/totals/today.csv")"
is 'a month by name is a link' "${full_month:0:4}/$full_month.csv" "$(readlink "$p1/data/month/$full_month.csv")"
is 'totals of a day by name are a link' "${full_month/-//}/$full_month-07.csv" "$(readlink "$p1/totals/$full_month-07.csv")"
check 'the file can be read through the link' cmp "$p1/totals/$full_month-07.csv" "$p1/totals/${full_month/-//}/$full_month-07.csv"

# ---- xattrs ---------------------------------------------------------------------------

xattr() {
  getfattr --only-values -n "user.cemm.$1" "$2" 2>/dev/null
}
cat "$p1/realtime/electric_power" >/dev/null
is 'the unit of a value' W "$(xattr unit "$p1/realtime/electric_power")"
is 'the units of columns' kWh,kWh "$(xattr unit "$p1/data/month/${full_month:0:4}/$full_month.csv")"
is 'a closed period is closed' yes "$(xattr closed "$p1/data/month/${full_month:0:4}/$full_month.csv")"
is 'a running period is not closed' no "$(xattr closed "$p1/data/month/$this_year/$(date +%Y-%m).csv")"
is 'realtime is not closed' no "$(xattr closed "$p1/realtime.csv")"
is 'all attributes are listed' 'user.cemm.closed user.cemm.fetched user.cemm.source user.cemm.unit' \
  "$(getfattr -d "$p1/data/month/${full_month:0:4}/$full_month.csv" 2>/dev/null | sed -n 's/=.*//p' | sort | xargs)"
sim_faults "status=502@*/p1/data/day/*"
fails_with 'a file with a fault cannot be read' 'Input/output error' cat "$(day_file "$dev" p1 "$full_month-20" csv)"
has 'the fault is an attribute of the directory' "$(xattr error "$p1/data/day")" 502
sim_faults
check 'the same file is read again' cat "$(day_file "$dev" p1 "$full_month-20" csv)"
is 'the attribute is then gone' '' "$(xattr error "$p1/data/day" || true)"
has 'status still has the last error' "$(jq -r .last_error.message "$m/status.json")" 502

# ---- a whole month, by all tools --------------------------------------------------------

# Makes the expected files from the simulator's data.
month_dir=$m/$dev/s01/data/day/${next_month/-//}
mkdir "$scratch/oracle"
oracle_day() {
  local start end t
  start=$(midnight "$1")
  end=$(midnight "$(date -d "$1 + 1 day" +%F)")
  {
    echo time,electric_power
    paste -d, <(for ((t = start; t < end; t += 60)); do echo "@$t"; done |
      date -f - +%Y-%m-%dT%H:%M:%S%:z) \
      <(for ((t = start; t < end; t += 60)); do echo "${t}000"; done |
        xargs "$build/tests/simulator/cemm-sim" --since "$since" --print "$dev" s01 electric_power)
  } >"$scratch/oracle/$1.csv"
}
while read -r day; do oracle_day "$day"; done < <(days_of "$next_month")
count=$(days_of "$next_month" | wc -l)
ls "$month_dir" >/dev/null
before=$(requests 's01/data/day/ .* 200$')
check 'rsync copies a month' rsync -a "$month_dir/" "$scratch/copy"
is 'rsync costs one request a day' $((before + count)) "$(requests 's01/data/day/ .* 200$')"
check 'each CSV is what the meter measured, by sha256' \
  diff <(cd "$scratch/oracle" && sha256sum ./*.csv) <(cd "$scratch/copy" && sha256sum ./*.csv)
is 'each JSON is complete' "$count" "$(jq -r '.data.electric_power | length > 1379' "$scratch"/copy/*.json | grep -c true)"
before=$(requests .)
is 'rsync copies nothing the second time' '' "$(rsync -ai "$month_dir/" "$scratch/copy")"
check 'diff -r finds no difference' diff -r "$month_dir" "$scratch/copy"
check 'tar stores every byte' diff \
  <(cd "$scratch/copy" && tar -c . --sort=name --mtime=@0 --owner=0 --group=0 --mode=444 | sha256sum) \
  <(cd "$month_dir" && tar -c . --sort=name --mtime=@0 --owner=0 --group=0 --mode=444 | sha256sum)
check 'cp -a copies a month' cp -a "$month_dir" "$scratch/cp"
check 'cp -a copies times, too' diff <(cd "$month_dir" && stat -c '%n %s %Y' ./*) <(cd "$scratch/cp" && stat -c '%n %s %Y' ./*)
one=$month_dir/$next_month-05.csv
like=$scratch/oracle/$next_month-05.csv
is 'wc -c' "$(wc -c <"$like")" "$(wc -c <"$one")"
is 'tail -c' "$(tail -c 1000 "$like" | sha256sum)" "$(tail -c 1000 "$one" | sha256sum)"
is 'head' "$(head -n 700 "$like" | sha256sum)" "$(head -n 700 "$one" | sha256sum)"
is 'awk' "$(awk -F, 'NR > 1 { sum += $2 } END { print sum }' "$like")" \
  "$(awk -F, 'NR > 1 { sum += $2 } END { print sum }' "$one")"
is 'jq' 1440 "$(jq '[.data.electric_power[] | select(.[1] != null)] | length' "$month_dir/$next_month-05.json")"
is 'mmap' "$(sha256sum <"$like" | cut -d' ' -f1)" "$(python3 -c '
import hashlib, mmap, sys
with open(sys.argv[1], "rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as view:
    print(hashlib.sha256(view).hexdigest())' "$one")"
is 'grep over the month' "$(cat "$scratch"/oracle/*.csv | grep -c T12:)" "$(cat "$month_dir"/*.csv | grep -c T12:)"
is 'reading the month again costs no request' "$before" "$(requests .)"

# ---- the number of requests ------------------------------------------------------------------------------

cold=$(day_file 00-1E-C0-00-00-02 p1 "$full_month-15" csv)
cat "$m/00-1E-C0-00-00-02/p1/realtime.csv" >/dev/null # the device is now known
readers=()
for _ in {1..64}; do
  sha256sum <"$cold" >>"$scratch/sums" &
  readers+=("$!")
done
wait "${readers[@]}"
is '64 readers of a cold file get the same' '64 1' "$(wc -l <"$scratch/sums") $(sort -u "$scratch/sums" | wc -l)"
is '64 readers cost one request' 1 "$(requests '00-00-02/p1/data/day/ .* 200$')"

# Read-ahead happens only after two consecutive days were read, and only within the month.
ahead() {
  requests "p1-gas/data/day/ .* 200$"
}
ls "$m/$dev/p1-gas/data/day" >/dev/null
before=$(ahead)
for day in 20 10 12; do
  cat "$(day_file "$dev" p1-gas "$full_month-$day" csv)" >/dev/null
done
check 'three days apart are three requests' test "$(ahead)" == $((before + 3))
last=$(days_of "$full_month" | tail -n1)
almost=$(date -d "$last - 3 days" +%F)
cat "$(day_file "$dev" p1-gas "$almost" csv)" "$(day_file "$dev" p1-gas "$(date -d "$almost + 1 day" +%F)" csv)" >/dev/null
check 'after two neighbours the next ones are fetched' wait_for 20 eval "[[ \$(ahead) == $((before + 7)) ]]"
cat "$(day_file "$dev" p1-gas "$(date -d "$last - 1 day" +%F)" csv)" "$(day_file "$dev" p1-gas "$last" csv)" >/dev/null
is 'no day of the next month is fetched' $((before + 7)) "$(ahead)"

# ---- changes are refused ----------------------------------------------------------------

cat >"$scratch/mutate.py" <<'END'
import ctypes, errno, os, sys
top, file = sys.argv[1], sys.argv[2]
libc = ctypes.CDLL(None, use_errno=True)

def fallocate(path):
    # Space can be allocated only through a writable descriptor.
    os.posix_fallocate(os.open(path, os.O_RDWR), 0, 10)

calls = {
    "open for writing": lambda: os.open(file, os.O_WRONLY),
    "open for both": lambda: os.open(file, os.O_RDWR),
    "open to append": lambda: os.open(file, os.O_WRONLY | os.O_APPEND),
    "open to cut": lambda: os.open(file, os.O_WRONLY | os.O_TRUNC),
    "create": lambda: os.open(top + "/new", os.O_CREAT | os.O_WRONLY),
    "create unnamed": lambda: os.open(top, os.O_TMPFILE | os.O_WRONLY),
    "truncate": lambda: os.truncate(file, 0),
    "fallocate": lambda: fallocate(file),
    "mkdir": lambda: os.mkdir(top + "/new"),
    "mkfifo": lambda: os.mkfifo(top + "/new"),
    "mknod": lambda: os.mknod(top + "/new"),
    "unlink": lambda: os.unlink(file),
    "rmdir": lambda: os.rmdir(os.path.dirname(file)),
    "symlink": lambda: os.symlink("a", top + "/new"),
    "link": lambda: os.link(file, top + "/new"),
    "rename": lambda: os.rename(file, file + ".old"),
    "chmod": lambda: os.chmod(file, 0o600),
    "chown": lambda: os.chown(file, 1, 1),
    "utime": lambda: os.utime(file, (1, 1)),
    "setxattr": lambda: os.setxattr(file, "user.cemm.x", b"1"),
    "removexattr": lambda: os.removexattr(file, "user.cemm.source"),
    "access": lambda: os.access(file, os.W_OK) or (_ for _ in ()).throw(OSError(errno.EROFS, "")),
}
for name, call in calls.items():
    try:
        call()
        print(name + ": it succeeded")
    except OSError as error:
        if error.errno != errno.EROFS:
            print(f"{name}: {errno.errorcode.get(error.errno)}")
END
is 'every change is refused: read-only' '' "$(python3 "$scratch/mutate.py" "$m" "$one" 2>&1)"
if ((EUID != 0)); then
  left_out 'a remount for writing' 'needs root'
elif mount -i -o remount,rw "$m" 2>/dev/null; then
  is 'nothing can be changed after a remount for writing, either' '' "$(python3 "$scratch/mutate.py" "$m" "$one" 2>&1 |
    grep -vE '^(open|access|create unnamed)' || true)"
fi

# ---- the file system as a whole --------------------------------------------------------------

check 'df works' df "$m"
is 'nothing is free in it' 0 "$(stat -f -c %a "$m")"
is 'information about a device keeps its time' "$time" "$(stat -c %Y "$m/$dev/info.json")"
unmount_fs

owner=1234 group=5678
((EUID == 0)) || owner=$EUID group=$(id -g) # another user's files could not be read
mount_fs -o "uid=$owner,gid=$group,umask=027"
is 'uid, gid and umask: a directory' "$owner $group 550" "$(stat -c '%u %g %a' "$m/$dev")"
is 'uid, gid and umask: a file' "$owner $group 440" "$(stat -c '%u %g %a' "$m/status")"
unmount_fs
for option in uid=x uid=-1 gid= umask=9 umask=1000 uid=99999999999; do
  exits "-o $option is refused" 2 "$build/fs/cemmfs" "$conf" "$m" -o "$option"
done

# ---- systemd, as examples/cemmfs.service has it ---------------------------------------

unit=$(dirname "$0")/../../examples/cemmfs.service
is 'the unit waits for a notification' 'Type=notify' "$(grep ^Type= "$unit")"
# The unit's options, which follow the mountpoint.
read -r -a options <<<"$(sed -n 's|^ExecStart=cemmfs /etc/cemm/cemm.conf /cemm ||p' "$unit")"
((EUID == 0)) || options=("${options[@]/allow_other/ro}") # fuse.conf may allow it only to root
cat >"$scratch/listen.py" <<'END'
import os, socket, sys
listener = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
listener.bind(sys.argv[1])
listener.settimeout(20)
print(listener.recv(100).decode(), os.path.exists(sys.argv[2]))
END
python3 "$scratch/listen.py" "$scratch/notify" "$m/status" >"$scratch/notification" 2>&1 &
listener=$!
started "$listener"
wait_for 10 test -S "$scratch/notify" || not_ok 'there is a socket for notifications'
NOTIFY_SOCKET=$scratch/notify mount_fs "${options[@]}"
check 'there was a notification' wait_for 20 gone_or_zombie "$listener"
is 'cemmfs sends READY=1, and the mount is ready' 'READY=1 True' "$(<"$scratch/notification")"
unmount_fs

# ---- on the LAN ------------------------------------------------------------------------------

start_sim --devices 3 --lan 2 --meters p1,p1-gas,pulse-1,mb5 --since "$since"
lan_config() {
  {
    printf 'time-zone = Europe/Amsterdam\n[discovery]\nenabled = no\n'
    printf '[archive]\ndirectory = %s\n' "$scratch/$1"
    printf '[local garage]\naddress = %s\ntimeout = 4\n' "${sim_lan[0]}"
  } >"$conf"
}
lan_config lan
mount_fs
is 'on the LAN only there are no totals' 'data info.json realtime realtime.csv realtime.json' "$(names "$p1")"
fails_with 'on the LAN only, totals do not exist by name either' 'No such file or directory' stat "$p1/totals"
is 'info.json of a device is its own information' "[\"$dev\",\"CEMM Basic\",null]" \
  "$(jq -c '[.uid, .lan.name, .cloud]' "$m/$dev/info.json")"
is 'info.json of a meter is its entry of io' '{"io_id":4,"port":5,"type":"solar_energy","alias":"mb5"}' \
  "$(jq -c . "$m/$dev/mb5/info.json")"
is 'info.json of a meter is indented by two' $'{\n  "io_id": 1,' "$(head -n2 "$p1/info.json")"
is 'io.csv' $'io_id,port,type,alias\n1,3,p1,p1' "$(head -n2 "$m/$dev/io.csv")"
is 'the LAN has history, too' "$since.csv" "$(ls "$p1/data/day/${first_month/-//}" | head -n1)"
has 'the listing has values that are only in totals' "$(names "$m/$dev/pulse-1/realtime")" volume
unmount_fs

# The same device is also in the cloud: it has the meters of both sources, each once.
write_key "$conf.key"
printf '[cloud home]\nurl = %s\napi-key-file = %s\n' "$sim_cloud" "$conf.key" >>"$conf"
mount_fs
is 'with the LAN and the cloud, a meter of both has totals' 'data info.json realtime realtime.csv realtime.json totals' "$(names "$p1")"
is 'a meter on the LAN only has no totals' 'data info.json realtime realtime.csv realtime.json' "$(names "$m/$dev/mb5")"
is 'info.json names the LAN and the cloud' '["CEMM Basic","home"]' "$(jq -c '[.lan.name, .cloud]' "$m/$dev/info.json")"
is 'information about a meter comes from the account' p1_in "$(jq -r '.data[0].port_option' "$p1/info.json")"
is 'information about a meter on the LAN only comes from the device' solar_energy "$(jq -r .type "$m/$dev/mb5/info.json")"
is 'values come from the LAN' 'local garage' "$(xattr source "$p1/realtime.json")"
is 'totals come from the cloud' 'cloud home' "$(xattr source "$p1/totals/today.json")"
unmount_fs

# An account may lack a meter of the device although the alias is documented for the cloud.
lan_pid=$sim_pid
start_sim --devices 1 --meters p1 --since "$since"
sed -i "s|^url = .*|url = $sim_cloud|" "$conf"
mount_fs
is 'a meter that the account has has totals' 'data info.json realtime realtime.csv realtime.json totals' "$(names "$p1")"
is 'a meter that the account does not have has no totals' 'data info.json realtime realtime.csv realtime.json' "$(names "$m/$dev/p1-gas")"
unmount_fs
stop "$sim_pid"
sim_pid=$lan_pid

# Older firmware has no list of meters. Files that are made from that list do not exist and are not
# listed.
stop "$sim_pid"
start_sim --devices 1 --lan 1 --firmware 2.18 --meters p1,pulse-1 --extra heatpump=mb5 --since "$since"
# copy_of DIR: copies everything except for the periods, as a backup would.
copy_of() {
  rsync -a --exclude data --exclude totals "$1/" "$scratch/of-$((++copies))"
}
copies=0
lan_config old
printf 'extra-alias = heatpump\n' >>"$conf"
mount_fs
check 'without a list, the first copy of a device is complete' copy_of "$m/$dev"
is 'the list is not listed' 'heatpump info.json p1 pulse-1' "$(names "$m/$dev")"
is 'the information about a meter is not copied' 'data realtime realtime.csv realtime.json' "$(names "$p1")"
fails_with 'a list that the device does not have does not exist' 'No such file or directory' cat "$m/$dev/io.csv"
fails_with "a meter's entry in this list does not exist either" 'No such file or directory' cat "$p1/info.json"
before=$(requests .)
for _ in {1..10}; do # meanwhile the kernel forgets the inodes
  fails_with "the absence of a meter's entry is then known" 'No such file or directory' cat "$p1/info.json"
  fails_with 'the absence of the list is then known' 'No such file or directory' cat "$m/$dev/io.csv"
done
is 'what is known to be absent costs no request' "$before" "$(requests .)"
unmount_fs

# An account is added, which has the device's meters except for those that only the LAN has.
printf '[cloud home]\nurl = %s\napi-key-file = %s\n' "$sim_cloud" "$conf.key" >>"$conf"
mount_fs
for alias in pulse-1 heatpump; do
  fails_with "no source has info.json of $alias" 'No such file or directory' cat "$m/$dev/$alias/info.json"
done
before=$(requests .)
for alias in pulse-1 heatpump; do
  fails_with "no source has info.json of $alias, again" 'No such file or directory' cat "$m/$dev/$alias/info.json"
done
is 'info.json that no source has is not requested again' "$before" "$(requests .)"
unmount_fs
mount_fs
check 'with both, the first copy is complete' copy_of "$m/$dev"
is 'with both, the first copy has the list of the account' 'heatpump info.json io.csv io.json p1 pulse-1' "$(names "$m/$dev")"
is 'with both, the first copy has information about its own meters' 'data info.json realtime realtime.csv realtime.json totals' "$(names "$p1")"
is 'there is no information about meters that only the LAN has' 'data realtime realtime.csv realtime.json' "$(names "$m/$dev/pulse-1")"
unmount_fs
# Tests the same when the device answers before the account has listed it.
sim_faults 'status=502@lan:*/io' 'delay=1000@cloud:*/cemm/'
mount_fs
fails_with 'a list that fails may have a meter' 'No route to host' cat "$m/$dev/pulse-1/info.json"
has 'so information about that meter is listed' "$(names "$m/$dev/pulse-1")" info.json
unmount_fs
sim_faults

# An account that has never answered may have the list of meters, and more meters.
sed -i "s|^url = .*|url = http://127.0.0.1:1/v1/|" "$conf"
mount_fs
for name in io.csv p1/info.json; do
  fails_with "$name may exist, because no source denies it" 'No route to host' cat "$m/$dev/$name"
done
is 'so the list of meters is listed' 'heatpump info.json io.csv io.json p1 pulse-1' "$(names "$m/$dev")"
has 'there is information about a meter that the account may have' "$(names "$p1")" info.json
fails_with 'there is no information about a meter that no account can have' 'No such file or directory' cat "$m/$dev/pulse-1/info.json"
unmount_fs

hasnt 'no key is in the log' "$(cat "$scratch/fs.log")" "$sim_key"
is 'the log has only messages' '' "$(grep -v '^cemmfs: ' "$scratch/fs.log" || true)"
finish
