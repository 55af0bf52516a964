#!/usr/bin/env bash
# A mount under attack: 64 processes read files, list directories and kill each other, while the faults
# of one device change every second. The bytes of the other devices must always be right, and no
# process may hang.
#
#   mount-attack.sh BUILD_DIR
#     CEMM_E2E_LONG          if set, ten minutes; otherwise some seconds, with fewer processes
#     CEMM_ATTACK_SECONDS    the duration
#     CEMM_ATTACK_PROCESSES  the number of processes
#     CEMM_SEED              the random seed (default: from the clock; it is printed)
# shellcheck disable=SC1091,SC2154,SC2317
set -euo pipefail
. "$(dirname "$0")/mount-lib.sh"
. "$(dirname "$0")/soak-lib.sh"
begin_mount "$@"

readonly seconds=${CEMM_ATTACK_SECONDS:-$([[ -n ${CEMM_E2E_LONG-} ]] && echo 600 || echo 8)}
readonly processes=${CEMM_ATTACK_PROCESSES:-$([[ -n ${CEMM_E2E_LONG-} ]] && echo 64 || echo 24)}
readonly seed=${CEMM_SEED:-$EPOCHSECONDS}
readonly timeout=4   # of the source, in seconds
readonly margin=15   # additional seconds, because many processes share few processors
readonly growth=6144 # KiB: memory for parsing one bad answer of 4 MiB
readonly enough=200  # seconds; in a test this long, all faults have occurred before memory is compared
readonly connections=8
readonly faulty=00-1E-C0-00-00-03
RANDOM=$seed
echo "# seed $seed"

start_sim --devices 3
write_config "$conf" "timeout = $timeout"
mount_fs -o realtime_ttl=1

listed() {
  find "$m/$faulty" -mindepth 1 -maxdepth 1 -printf '%f\n' | sort | xargs
}
# The meters are found before there are faults, because an absent meter (404) would be cached.
readonly whole='info.json io.csv io.json p1 p1-gas s01'
is 'at first, a device is listed completely' "$whole" "$(listed)"

# The caches of cemmfs are filled to their limits first.
if ((seconds >= enough)); then
  check 'the memory is filled' bash -c "cat '$m/$dev'/*/data/day/$(date -d '1 year ago' +%Y)/0[1-6]/*.csv | wc -c"
fi

# All faults. Wrong answers that can't be recognized, because they are valid and have other rows or
# channels, are used only for current data: in a closed day they would be archived.
faults=()
while read -r fault; do
  case $fault in
    redirect-port=*) ;; # not used: it may lead to somebody else's port
    date=*) for date in 1 1500000000 2000000000; do faults+=("date=$date@cloud:$faulty:*"); done ;;
    busy-*=S) faults+=("${fault%S}5@cloud:$faulty:*") ;;
    forget=MS) faults+=("forget=500@cloud:$faulty:*") ;;
    status=NNN) for status in 202 204 400 401 403 404 408 412 500 502 504; do faults+=("status=$status@cloud:$faulty:*"); done ;;
    delay=MS) faults+=("delay=900@cloud:$faulty:*" "delay=5000@cloud:$faulty:*") ;;
    name-* | odd-* | never-* | value-* | time-* | clock-* | pair-* | data-frozen | disorder | many-* | uid-* | bad-utf8) faults+=("$fault@cloud:$faulty:*/realtime/*") ;;
    *) faults+=("$fault@cloud:$faulty:*") ;;
  esac
done < <("$build/tests/simulator/cemm-sim" --help | sed -n '/^A fault acts/,/^The log/p' | awk '/^  [a-z]/ { print $1 }')
check 'there are enough faults' test "${#faults[@]}" -gt 50

SIM_KEY=$sim_key PYTHONDONTWRITEBYTECODE=1 python3 "$(dirname "$0")/attack.py" "$m" "$sim_cloud" "$seconds" "$processes" "$seed" \
  $((timeout + margin)) "$faulty" "$dev" 00-1E-C0-00-00-02 >"$scratch/attack.log" 2>&1 &
attack=$!
started "$attack"
check 'attack.py has the right answers' wait_for 60 grep -q 'are known' "$scratch/attack.log"
switched=0
until gone_or_zombie "$attack"; do
  sim_faults "${faults[RANDOM % ${#faults[@]}]}" || not_ok 'the simulator accepts the faults'
  switched=$((switched + 1))
  figures "$fs_pid" >>"$scratch/figures" || break
  sleep 0.9
done
stop "$attack"
sim_faults
check 'cemmfs still runs' alive "$fs_pid"
is "$processes processes for $seconds s, $switched faults: no process hung, and healthy devices were right" \
  '' "$(grep -v '^#' "$scratch/attack.log" | head -n 20)"
grep '^#' "$scratch/attack.log"
check 'the processes performed many operations' test "$(awk '/operations/ { print $2 }' "$scratch/attack.log")" -gt $((seconds * 10))
((seconds < enough)) || flat cemmfs "$scratch/figures" $((connections + 4)) "$growth"

# right_again: whether the faulty device works again.
right_again() {
  cloud_get "cemm/$faulty/p1/data/day/" "time=$(midnight '40 days ago')" | expected_csv |
    cmp - "$(day_file "$faulty" p1 "$(date -d '40 days ago 12:00' +%F)" csv)" &&
    [[ $(head -n1 "$m/$faulty/s01/realtime.csv") == 'channel,value,unit,time' ]]
}
check 'the faulty device works again' wait_for 200 right_again
is 'the faulty device is listed completely' "$whole" "$(listed)"
is 'nothing in the archive was damaged' 0 "$(jq .archive.damaged "$m/status.json")"
hasnt 'no key is in the log' "$(cat "$scratch/fs.log")" "$sim_key"
unmount_fs
check 'cemmfs is unmounted' not_mounted "$m"
is 'the sanitizers found nothing' '' "$(grep -E 'ERROR: .*Sanitizer|runtime error' "$scratch/fs.log" || true)"
finish
