#!/usr/bin/env bash
# mount-readers.sh BUILD_DIR: every way to read a file returns all bytes or an error, even if the file
# was never read before and the reader never calls stat.
# shellcheck disable=SC1091,SC2154,SC2012
set -euo pipefail
. "$(dirname "$0")/mount-lib.sh"
begin_mount "$@"

here=$(dirname "$0")
files=40 days=14
[[ -z ${CEMM_E2E_LONG-} ]] || files=25000 days=700
start_sim --devices 40 --meters p1 --since 2023-01-01 --lan 1
write_config "$conf" 'timeout = 20'
mount_fs -o realtime_ttl=1
p1=$m/$dev/p1

# ---- each way, in parallel --------------------------------------------------------

stat "$p1" >/dev/null # the directories are now known
check 'sendfile of a value that was never read' test -n "$(sendfile "$p1/realtime/electric_power")"
several=("$p1"/{info,realtime}.json "$p1/data/day/today.csv" "$p1/data/month/this-month.csv"
  "$m/$dev"/{info.json,io.json,io.csv} "$p1"/realtime/{t1,t2,rate} "$m"/status{,.json})
is 'cold files of each kind are read' "${#several[@]}" "$(python3 "$here/cold.py" 6 "${several[@]}" 2>"$scratch/wrong")"
is 'they are read completely, with every method' '' "$(<"$scratch/wrong")"

# All readers read the same file at the same time, for many small files.
: >"$scratch/wrong"
small=()
for device in "$m"/00-*; do small+=("$device"/{info.json,io.json,io.csv,p1/info.json}); done
for _ in {1..8}; do
  unmount_fs
  mount_fs -o realtime_ttl=1
  stat "$m"/00-*/p1 >/dev/null
  python3 "$here/cold.py" 6 "${small[@]}" 2>>"$scratch/wrong" || true
done >"$scratch/counts"
is 'small files are read, 8 times' "8 ${#small[@]}" "$(sort "$scratch/counts" | uniq -c | xargs)"
is 'they are read completely by all readers at once' '' "$(<"$scratch/wrong")"

for device in "$m"/00-*; do
  for ((i = 0; i < days; i++)); do
    day=$(date -d "2023-01-05 + $i days" +%Y/%m/%Y-%m-%d)
    printf '%s\n' "$device/p1/data/day/$day".{csv,json}
  done
done >"$scratch/all"
shuf -n "$files" "$scratch/all" >"$scratch/cold"
is 'cold files of closed days are read' "$files" \
  "$(xargs -n 1000 python3 "$here/cold.py" 4 <"$scratch/cold" 2>"$scratch/wrong" | awk '{ n += $1 } END { print n + 0 }')"
is 'each of them is read completely' '' "$(<"$scratch/wrong")"

# The name of a file is looked up again while a reader waits for the file.
stat "$m/$dev/p1" >/dev/null
sim_faults 'delay=2500@*/p1/realtime/*'
sendfile "$p1/realtime.json" >"$scratch/first" &
first=$!
wait_for 20 asked 'p1/realtime/'
for _ in 1 2 3 4 5; do # the kernel looks a name up again after one second
  sleep 0.5
  timeout -s INT 0.1 python3 -c 'import os, sys; os.open(sys.argv[1], os.O_RDONLY)' "$p1/realtime.json" || true
done
wait "$first" || not_ok 'the waiting reader gets the file' "$?"
check 'a file that is looked up again meanwhile is read completely' jq -e . "$scratch/first"
is 'without extra bytes' 0 "$(tr -cd '\000' <"$scratch/first" | wc -c)"

# Two readers open a cold file that grows. tail -F compares its st_ino with that of the name, and
# would print the file again if they differed.
today=$(day_file 00-1E-C0-00-00-02 p1 "$(date +%F)" csv) # not today.csv, whose look-up may wait
stat "${today%/*}" >/dev/null
sim_faults 'delay=2500@*/p1/data/day/*'
tail -n 1 -F "$today" >"$scratch/tail" 2>/dev/null &
follower=$!
started "$follower"
wait_for 20 test -h "/proc/$follower/fd/3" || not_ok 'tail opens it'
cat "$today" >/dev/null
check 'tail -F begins' wait_for 20 test -s "$scratch/tail"
is 'it follows the file that its name leads to' "$(stat -L -c %i "$today")" "$(stat -L -c %i "/proc/$follower/fd/3")"
if [[ -n ${CEMM_E2E_LONG-} ]]; then
  check 'it shows three more minutes' wait_for 300 eval '[[ $(wc -l <"$scratch/tail") -ge 4 ]]'
  is 'each minute once' '' "$(sort "$scratch/tail" | uniq -d)"
fi
stop "$follower"

# ---- a source that fails -----------------------------------------------------------

sim_faults 'status=502@*/data/*' 'status=403@*/totals/*'
fails_with 'sendfile of a file that its source refuses' 'Input/output error' sendfile "$p1/data/day/2025/03/2025-03-01.csv"
fails_with 'sendfile of a file that may not be read' 'Permission denied' sendfile "$p1/totals/2025/03/2025-03-01.csv"
sim_faults 'promise-forever@*/data/*'
begun=$(now_ms)
fails_with 'sendfile of a file that never arrives' 'Connection timed out' sendfile "$p1/data/day/2025/03/2025-03-02.csv"
took=$(($(now_ms) - begun))
check "the reader waits only once ($took ms)" test "$took" -lt 39000

# ---- a source that stalls ------------------------------------------------------------

sim_faults
unmount_fs
sed -i 's/^timeout = .*/timeout = 3600/' "$conf"
mount_fs -o realtime_ttl=1
warm=$p1/data/day/2025/04/2025-04-01.json
wait_for 30 cat "$warm" || not_ok 'a file is there'
sim_faults 'stall@*/data/*'
: >"$sim_log"
cat >"$scratch/waiting.py" <<'END'
import os, sys, threading
def wait(path):
    os.sendfile(os.pipe()[1], os.open(path, os.O_RDONLY), None, 65536)
for path in sys.argv[1:]:
    threading.Thread(target=wait, args=(path,)).start()
END
python3 "$scratch/waiting.py" "$p1"/data/day/2025/05/2025-05-{10..29}.csv 2>/dev/null &
waiting=$!
started "$waiting"
wait_for 20 asked 'data/day/'
is 'while twenty wait, pages that the kernel has dropped are read again' "$(stat -c %s "$warm")" \
  "$(within 10 python3 -c 'import os, sys
file = os.open(sys.argv[1], os.O_RDONLY)
os.posix_fadvise(file, 0, 0, os.POSIX_FADV_DONTNEED)
print(sum(iter(lambda: len(os.read(file, 65536)), 0)))' "$warm")"
kill -s KILL "$waiting" || true
ends 'SIGKILL ends them' "$waiting"

# A reader that handles a signal is not killed: the system call ends with EINTR.
cat >"$scratch/handler.py" <<'END'
import os, signal, sys
def handler(number, frame):
    raise KeyboardInterrupt
signal.signal(signal.SIGALRM, handler)
file = os.open(sys.argv[1], os.O_RDONLY)
signal.alarm(1)
try:
    if sys.argv[2] == "read":
        os.read(file, 65536)
    else:
        os.sendfile(os.pipe()[1], file, None, 65536)
except KeyboardInterrupt:
    print("interrupted")
END
unmount_fs # the stalled requests still occupy all connections
sim_faults
mount_fs -o realtime_ttl=1
check 'the values can be read' cat "$p1/realtime.json"
sim_faults 'promise-forever@*/p1/realtime/*'
sleep 1.1 # until the values have expired
for way in read sendfile; do
  is "a signal that is handled interrupts $way" interrupted "$(within 10 python3 "$scratch/handler.py" "$p1/realtime.json" "$way")"
done

# ---- answers that become large files ---------------------------------------------------

sim_faults
unmount_fs
if ldd "$build/fs/cemmfs" | grep libasan >/dev/null; then
  echo '# ASan keeps freed memory: memory is not measured'
else
  python3 "$here/grown.py" "$sim_cloud" >"$scratch/grown" &
  started "$!"
  wait_for 20 grep -q http "$scratch/grown"
  sed -i "s|^url = .*|url = $(<"$scratch/grown")|; s|^timeout = .*|timeout = 60|" "$conf"
  mount_fs -o realtime_ttl=3600
  ls "$m" >/dev/null
  large=("$m"/00-*/p1/realtime.json)
  for file in "${large[@]}"; do
    jq -e '.more' "$file" >/dev/null || not_ok 'a large file is whole' "$file"
  done
  total=$(stat -c %s "${large[@]}" | awk '{ n += $1 } END { print int(n / 1048576) }')
  check "files of $total MiB were read" test "$total" -gt 200
  peak=$(awk '/^VmHWM/ { print int($2 / 1024) }' "/proc/$fs_pid/status")
  check "few of them are kept in memory ($peak MiB)" test "$peak" -lt 160
  is 'status.json: the files in memory do not exceed their limit by more than one' true "$(jq '.files.bytes <= 67108864 + 10485760' "$m/status.json")"
  unmount_fs
fi
is 'the log has only messages' '' "$(grep -v '^cemmfs: ' "$scratch/fs.log" || true)"
finish
