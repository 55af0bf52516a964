#!/usr/bin/env bash
# Tests a kernel mount, the program and a real collectd with every fault of the simulator on the LAN: in
# the root document, the list of meters, realtime and a day, all at once, each on its own device.
# faults-lib.sh has the expected results.
# Called as: faults-lan.sh BUILD_DIR. With CEMM_E2E_LONG in its environment it also does what takes
# long: histories of devices that do not answer, and the plugin's backfill after the faults.
# shellcheck disable=SC1091,SC2034,SC2154
set -euo pipefail
. "$(dirname "$0")/mount-lib.sh"
. "$(dirname "$0")/collectd-lib.sh"
. "$(dirname "$0")/faults-lib.sh"
. "$(dirname "$0")/key-lib.sh"
begin_mount "$@"
collectd_begin
documents="root io realtime day"
run=$scratch/collectd
power=power-p1-electric_power

# write_configurations: writes a configuration with a source for each device, named by its uid.
write_configurations() {
  local i timeout row
  printf 'time-zone = Europe/Amsterdam\n[discovery]\nenabled = no\n[archive]\ndirectory = %s\n' "$conf.archive" >"$conf"
  printf '<Plugin cemm>\nTimeZone "Europe/Amsterdam"\n<Backfill>\nWriter csv\nWindow 7200\n</Backfill>\n' >"$scratch/block"
  for i in "${!sim_lan[@]}"; do
    # The timeout is long, because otherwise a device would seem not to answer on a busy machine. But a
    # Retry-After that is shorter would be waited for.
    timeout=3600
    row=
    ((i == 0)) || row=${cases[i - 1]}
    if [[ $row == *" "@($waits)" "* ]]; then timeout=8; fi
    if [[ $row == *" busy-"* ]]; then timeout=120; fi # shorter than its Retry-After
    printf '[local %s]\naddress = %s\ntimeout = %s\n' "$(uid_of $((i + 1)))" "${sim_lan[i]}" "$timeout" >>"$conf"
    printf '<Local "%s">\nAddress "%s"\nTimeout %s\nInterval 5\n</Local>\n' "$(uid_of $((i + 1)))" "${sim_lan[i]}" "$timeout" >>"$scratch/block"
  done
  sed 's/^directory = .*/&.program/' "$conf" >"$scratch/program.conf"
  echo '</Plugin>' >>"$scratch/block"
  conf "$run" <"$scratch/block"
}

# collectd_logged UID WORDS: whether collectd has logged WORDS about the device.
collectd_logged() {
  uids_first "$run/log" | awk -v uid="$1" '$1 == uid' | grep -F -e "$2" >/dev/null
}

# has_history: whether there are values of the minutes before collectd started. The first live value
# may be in the same file.
has_history() {
  has_lines 100 "$1" $power
}

# check_collectd: checks collectd's log and values for each case.
check_collectd() {
  local document fault uid errno words
  while read -r document fault uid errno words; do
    look_up "$exceptions_of_programs" "$document" "$fault"
    [[ $words != *' in time' ]] || words=' in time' # only one of several timeouts is logged
    [[ $fault != @($repeated) ]] || words= # possibly nothing is logged
    if [[ $errno != 0 ]]; then
      [[ $errno == ENOENT && $document != realtime ]] ||
        check "$document: $fault: collectd says why" wait_for 60 collectd_logged "$uid" "$words"
      case $document in
        day) refute "$document: $fault: collectd has no history of it" has_history "$uid" ;;
        *) refute "$document: $fault: collectd has nothing of it" has_lines 1 "$uid" $power ;;
      esac
    elif [[ $fault != @($no_sample|clock-ahead) ]]; then # otherwise there is no sample
      check "$document: $fault: collectd has its values" wait_for 60 has_lines 1 "$uid" $power
    fi
  done < <(printf '%s\n' "${cases[@]}")
}

# check_collectd_again: checks that everything works again, except for lists without meters, which are
# cached for some minutes.
check_collectd_again() {
  local document fault uid
  while read -r document fault uid _; do
    [[ $document != io || $fault != uid-* ]] || continue
    if [[ $document == day ]]; then
      [[ -z ${CEMM_E2E_LONG-} ]] || check "$document: $fault: after it, collectd has the history" wait_for 330 has_history "$uid"
    else
      check "$document: $fault: after it, collectd has its values" wait_for 330 has_lines 1 "$uid" $power
    fi
  done < <(printf '%s\n' "${cases[@]}")
}

# shellcheck disable=SC2086
make_cases $documents
start_sim --devices "$devices" --lan "$devices" --meters p1 --since "$(date -d '2 years ago' +%F)"
write_configurations
mount_fs -o realtime_ttl=0
is 'all devices are listed' "$devices" "$(ls "$m" | grep -c 00-1E-C0)"
break_cases lan
read_cases
run_program "$scratch/read" read --format csv &
programs=($!)
# shellcheck disable=SC2046
run_program "$scratch/day" history --from "$day" --to "$day" --format csv "$dev/p1" $(uids day /p1 "$silent") &
programs+=($!)
for document in $documents; do
  check "$document: the healthy device is read" cat "$(file_of "$document" "$dev")"
done
check_cases
wait "${programs[@]}"
is 'the program: some cases failed' '1 1' "$(<"$scratch/read.exit") $(<"$scratch/day.exit")"
check_program 'the program' 'root|io|realtime' "$scratch/read"
check_program 'the program' day "$scratch/day" "$silent"
start_collectd "$run"
check_collectd
mend_cases
sed -i 's/^timeout = .*/timeout = 3600/' "$scratch/program.conf"
run_program "$scratch/all" read --format csv
is 'afterwards, the program reads all of them' 0 "$(<"$scratch/all.exit")"
check_collectd_again
stop_collectd 'after all documents' "$run"
no_key 'after all documents'
no_core cemmfs "$fs_pid"
finish
