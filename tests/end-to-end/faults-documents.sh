#!/usr/bin/env bash
# Tests a mount and the program with every fault of the simulator, in all documents of the cloud. A
# fault must cause an error, never a wrong file, and no faulty answer may be archived. Other devices
# and accounts must not be affected, and after the fault, everything must work again without
# intervention.
#
# cemmfs runs in the background and logs to a syslog that the test provides.
#
# Called as: faults-documents.sh BUILD_DIR. With CEMM_E2E_LONG in its environment it also does what
# takes long: histories of sources that do not answer, and every fault in the list of devices.
# shellcheck disable=SC1091,SC2034,SC2154
set -euo pipefail
. "$(dirname "$0")/mount-lib.sh"
. "$(dirname "$0")/faults-lib.sh"
. "$(dirname "$0")/key-lib.sh"
enter_namespaces "$@"
begin_mount "$@"
sim=$build/tests/simulator/cemm-sim

# ---- our own syslog ------------------------------------------------------------------------

# there COMMAND: runs the command in a namespace that has the mount. The namespace and the mount end
# with this script.
there() {
  printf '%s\n' "$1" >&"$world"
}

make_world() {
  mkdir "$scratch/dev" "$scratch/m"
  touch "$scratch"/dev/{fuse,null,urandom}
  python3 -c '
import socket, sys
log = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
log.bind(sys.argv[1])
while True:
    line = log.recv(65536)
    with open(sys.argv[2], "ab") as file:
        file.write(line + b"\n")' "$scratch/dev/log" "$scratch/syslog" &
  started $!
  wait_for 10 test -S "$scratch/dev/log" || { echo 'Bail out! there is no syslog'; exit 1; }
  exec {world}> >(scratch=$scratch exec unshare --mount bash 2>>"$scratch/fs.log")
  world_pid=$!
  there 'for node in fuse null urandom; do mount --bind /dev/$node "$scratch/dev/$node"; done'
  there 'mount --rbind "$scratch/dev" /dev; trap "umount \"\$scratch/m\"" EXIT'
}

# Checks that the search finds a key in the syslog.
the_search_finds_keys_in_the_syslog() {
  there 'logger <"$scratch/cemm.conf.key"'
  wait_for 10 test -s "$scratch/syslog"
  is 'the search finds a key in the syslog' "$scratch/syslog" "$(key_files "$scratch")"
  : >"$scratch/syslog"
}

one_cemmfs() {
  [[ $(pgrep -c -x cemmfs --ns "$1" --nslist mnt) == 1 ]]
}

# mount_there: mounts in that namespace. Sets $fs_pid, and $m to the path of the mount from here.
mount_there() {
  there "'$build/fs/cemmfs' '$conf' '$m' -o realtime_ttl=0"
  m=/proc/$world_pid/root$m
  wait_for 30 cat "$m/status" || { echo "Bail out! cemmfs did not mount: $(<"$scratch/fs.log")"; exit 1; }
  wait_for 20 one_cemmfs "$world_pid" # until the parent process of the background process has ended
  fs_pid=$(pgrep -x cemmfs --ns "$world_pid" --nslist mnt)
  own_pids+=("$fs_pid") # so that its command line and environment are searched for the key
}

# ---- documents ------------------------------------------------------------------------------------

start_programs() {
  local span
  # shellcheck disable=SC2046
  for span in day month year; do
    run_program "$scratch/$span" history --from "$day" --to "$day" --period "$span" --format csv "$dev/p1" $(uids "$span" /p1 "$silent") &
    programs+=($!)
  done
  # shellcheck disable=SC2046
  run_program "$scratch/info" read --format csv "$dev" $(uids info) &
  programs+=($!)
}

# ---- the list of devices --------------------------------------------------------------------------

# one_list FAULT ERRNO: tests a fault in the list of devices. The program reads a meter of that account
# and a meter of another account, both of which its arguments name.
one_list() {
  local hurry=list
  [[ $1 != @($waits) ]] || hurry=hasty
  sim_faults "$1@*/v1/cemm/"
  exits "list: $1: the program's exit" "$([[ $2 == 0 ]] && echo 0 || echo 1)" \
    "$build/plugin/exec/cemm" read --config "$scratch/$hurry.conf" --format csv "$dev/p1" "$other/p1"
  is "list: $1: the program prints the values of the other account" 6 "$(grep -c "^$other,p1,.*,.*,.*,20" <<<"$out")"
  [[ $2 == 0 ]] || has "list: $1: the program says why" "$err" 'E! '
}

# ---- all faults ------------------------------------------------------------------------------------

check 'every fault has a row' every_fault_has_a_row
the_search_finds_keys
make_cases day month year totals info io value
start_sim --first 4096 --devices 1 --meters p1
other=00-1E-C0-00-10-00
other_cloud=$sim_cloud
start_sim --devices "$devices" --meters p1 --since "$(date -d '2 years ago' +%F)"
write_config "$conf" 'timeout = 30' 'max-connections = 1024'
sed 's/^directory = .*/&.program/' "$conf" >"$scratch/program.conf"
# The timeout is long, because otherwise an account would seem not to answer on a busy machine.
write_config "$scratch/list.conf" 'timeout = 120'
printf '\n[cloud other]\nurl = %s\napi-key-file = %s\n' "$other_cloud" "$conf.key" >>"$scratch/list.conf"
sed 's/^timeout = .*/timeout = 6/' "$scratch/list.conf" >"$scratch/hasty.conf"
make_world
the_search_finds_keys_in_the_syslog
mount_there
break_cases cloud
read_cases
programs=()
start_programs
for document in day month year totals info io value; do
  check "$document: the healthy device is read" cat "$(file_of "$document" "$dev")"
done
check_cases
wait "${programs[@]}" || true
for document in day month year info; do
  is "$document: the program: some cases failed" 1 "$(<"$scratch/$document.exit")"
  check_program 'the program' "$document" "$scratch/$document" "$([[ $document == info ]] || echo "$silent")"
  check "$document: the program prints the healthy device" grep -q "^$dev,p1," "$scratch/$document.out"
done
mend_cases
check_periods "${sim_cloud}cemm/UID/" "&api_key=$sim_key"
check 'the syslog has the messages' test "$(grep -c 'cemmfs\[.*cloud home: ' "$scratch/syslog")" -gt $((devices * 3 / 7))
no_key 'after all documents'
no_core cemmfs "$fs_pid"
there "umount '$scratch/m'"
check 'unmounting ends cemmfs' wait_for 30 gone_or_zombie "$fs_pid"
cases=()
make_cases list
few='status=@(403|500)|stall|garbage|html|empty|huge|endless|deep|null|array|text|number|no-data|data-*|bom|trailing'
few+='|comment|name-nul|bad-utf8|key-twice|uid-*|many-devices'
while read -r _ fault _ errno _; do
  if [[ -n ${CEMM_E2E_LONG-} || $fault == @($few) ]]; then one_list "$fault" "$errno"; fi
done < <(printf '%s\n' "${cases[@]}")
no_key 'after all lists'
finish
