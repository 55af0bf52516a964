#!/usr/bin/env bash
# Every fault that the simulator knows, in what faults.sh leaves out: a day, and the list of devices.
# What is wrong is an error, never a wrong file, and nothing of it is kept in the archive; devices and
# accounts beside the faulty one notice nothing.
# Called as: faults-documents.sh BUILD_DIR
# shellcheck disable=SC1091,SC2034,SC2154
set -euo pipefail
. "$(dirname "$0")/mount-lib.sh"
. "$(dirname "$0")/faults-lib.sh"
. "$(dirname "$0")/key-lib.sh"
begin_mount "$@"
sim=$build/tests/simulator/cemm-sim
faulty=$dev
healthy=00-1E-C0-00-00-02

# As many fields in each line, and the last one ends.
well_formed_csv() {
  awk -F, 'NR == 1 { n = NF } NF != n { exit 1 } END { exit NR < 1 }' "$1" && [[ -z $(tail -c 1 "$1") ]]
}

# one_day FAULT ERRNO: in a day that nobody has read, nor one beside it: after two in turn those that
# follow would be there already.
one_day() {
  local fault=$1 errno=$2 day said
  count=$((count + 2))
  day=$(date -d "2025-02-01 + $count days" +%F)
  sim_faults "$fault@*/$faulty/p1/data/*"
  said=$(cat "$(day_file "$faulty" p1 "$day" csv)" 2>&1 >"$scratch/content") || true
  is "$fault: a day: the mount says $errno" "$(errno_words "$errno")" "${said##*: }"
  check "$fault: the device beside it is read" cat "$(day_file "$healthy" p1 "$day" csv)"
  sim_faults
  if [[ $errno == 0 ]]; then
    check "$fault: it is a whole file" well_formed_csv "$scratch/content"
  else
    wait_for 30 cat "$(day_file "$faulty" p1 "$day" csv)" || not_ok "$fault: it is over by itself"
    is "$fault: the day is what was measured" "$(cloud_get "cemm/$faulty/p1/data/day/" "time=$(midnight "$day")" | expected_csv | sha256sum)" \
      "$(sha256sum <"$(day_file "$faulty" p1 "$day" csv)")"
  fi
}

# one_list FAULT: in the list of devices. With a meter that is named, and one of an account beside it.
one_list() {
  sim_faults "$1@*/v1/cemm/"
  exits "$1: a list: the program's exit" "$2" "$build/plugin/exec/cemm" read --format csv "$faulty/p1" "$other/p1"
  is "$1: a list: the program gives what the other account has" 6 "$(grep -c "^$other,p1,.*,.*,.*,20" <<<"$out")"
  [[ $2 == 0 ]] || has "$1: a list: the program says why" "$err" 'E! '
  sim_faults
}

check 'every fault has a row' every_fault_has_a_row
the_search_finds_keys
start_sim --first 9 --devices 1 --meters p1
other=00-1E-C0-00-00-09
other_cloud=$sim_cloud
start_sim --devices 2 --meters p1 --since 2025-01-01
write_config "$conf" 'timeout = 2'
printf '\n[cloud other]\nurl = %s\napi-key-file = %s\n' "$other_cloud" "$conf.key" >>"$conf"
export CEMM_CONFIG=$conf
mount_fs
count=0
while read -r fault errno _; do
  [[ -z $fault || $fault == status=200 ]] || one_day "$fault" "$errno"
done <<<"$table"
unmount_fs
for fault in status=403 status=500 stall garbage html empty huge endless deep null array text number no-data data-null \
  data-number data-nested data-list bom trailing comment name-nul bad-utf8 key-twice; do
  one_list "$fault" 1
done
one_list uid-absurd 1
one_list uid-twice 0 # which has that device
one_list many-devices 1
no_key 'after all faults'
finish
