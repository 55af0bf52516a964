#!/usr/bin/env bash
# valgrind.sh BUILD_DIR: under valgrind, the programs read no uninitialized memory and leak nothing, with
# good answers, with bad answers, and without a cloud.
# shellcheck disable=SC1091,SC2154
set -euo pipefail
. "$(dirname "$0")/mount-lib.sh"
begin_mount "$@"
command -v valgrind >/dev/null || skip 'valgrind is not installed'
watched=(valgrind --quiet --leak-check=full '--errors-for-leak-kinds=definite,possible' --error-exitcode=99)

start_sim --devices 2 --lan 1 --meters p1,s01 --since 2025-01-01
write_config "$conf"
printf '\n[local one]\naddress = %s\n' "${sim_lan[0]}" >>"$conf"
export CEMM_CONFIG=$conf
cemm=$build/plugin/exec/cemm

# watch WHAT CODE COMMAND…: checks the command's exit status, and that valgrind reports nothing.
watch() {
  exits "$1" "$2" "${watched[@]}" "${@:3}"
  is "$1: valgrind reports nothing" '' "$(grep '^==' <<<"$err" || true)"
}

for format in influx putval prometheus json csv table; do
  watch "read --format $format" 0 "$cemm" read --format "$format"
done
watch list 0 "$cemm" list
watch history 0 "$cemm" history --from 2025-03-01 --to 2025-03-02
watch 'history, from the archive' 0 "$cemm" history --from 2025-03-01 --to 2025-03-02
watch 'history, openmetrics' 0 "$cemm" history --from 2025-03-01 --to 2025-03-02 --format openmetrics
watch 'history of months' 0 "$cemm" history --from 2025-03-01 --to 2025-05-02 --period month
watch 'a wrong option' 2 "$cemm" read --nonsense
watch 'a wrong configuration' 2 "$cemm" read --config /dev/null/none
sim_faults "garbage@*/p1/realtime*" "many-channels@*/s01/realtime*"
watch 'read, bad answers' 1 "$cemm" read

mkdir "$m"
"${watched[@]}" "$build/fs/cemmfs" "$conf" "$m" -f -o realtime_ttl=0 2>"$scratch/fs.log" &
fs_pid=$!
started "$fs_pid"
mounted "$m"
check 'cemmfs mounts' wait_for 60 cat "$m/status"
refute 'cemmfs: a file with a bad answer can not be read' cat "$m/$dev/p1/realtime.csv"
sim_faults
check 'cemmfs: find walks through the directories' wait_for 60 find "$m" -maxdepth 4
check 'cemmfs: files with good answers are read' wait_for 60 cat "$m/$dev/p1/realtime.csv" "$m/$dev/p1/info.json" "$m/$dev/io.csv" "$m/status.json"
check 'cemmfs: a day is read' cat "$(day_file "$dev" p1 2025-03-05 csv)" "$(day_file "$dev" p1 2025-03-01 json)"
stop "$sim_pid"
refute 'cemmfs: without a cloud, another day can not be read' cat "$(day_file "$dev" p1 2025-04-05 csv)"
unmount "$m"
wait_for 60 gone_or_zombie "$fs_pid" || not_ok 'cemmfs ends'
stop "$fs_pid"
is 'cemmfs: valgrind reports nothing' '0 ' "$stopped $(grep '^==' "$scratch/fs.log" || true)"
finish
