#!/usr/bin/env bash
# shards.sh BUILD_DIR: three configurations divide an account of 60 devices into shards. Together they
# have every device once, and each reports how many devices belong to the other shards.
# shellcheck disable=SC1091,SC2119,SC2154
set -euo pipefail
. "$(dirname "$0")/mount-lib.sh"
# shellcheck source=tests/end-to-end/key-lib.sh
. "$(dirname "$0")/key-lib.sh"
enter_namespaces "$@"
begin_mount "$@"

cemm=$build/plugin/exec/cemm

# config_of SHARD: writes a configuration with that shard of the account.
config_of() {
  conf=$scratch/${1/\//-}.conf
  write_config "$conf" "shard = $1"
}

start_sim --devices 60 --meters p1
for shard in 1/3 2/3 3/3; do
  config_of "$shard"
  name=$scratch/${shard/\//-}
  : >"$sim_log"
  exits "$shard: list" 0 "$cemm" list --config "$conf" --format json
  jq -r '.[].uid' "$scratch/stdout" >"$name.uids"
  count=$(wc -l <"$name.uids")
  others="I! cemm: cloud home: $((60 - count)) devices belong to other shards, which other programs read"
  check "$shard: has its share ($count)" test "$count" -gt 8
  is "$shard: says how many devices it does not read" "$others" "$err"
  is "$shard: requests only its own devices" "$(cat "$name.uids")" "$(grep -oE '00-1E-C0-00-00-..' "$sim_log" | sort -u)"
  exits "$shard: list, as a table" 0 "$cemm" list --config "$conf"
  is "$shard: the table has the same message" "$others" "$err"
done
is 'together they have all devices, each once' "$(printf '00-1E-C0-00-00-%02X\n' {1..60})" "$(cat "$scratch"/?-3.uids | sort)"

# A METER argument may name a device of another shard.
config_of 1/3
own=$(head -n 1 "$scratch/1-3.uids")
other=$(head -n 1 "$scratch/2-3.uids")
words="the device $other belongs to shard 2/3 of cloud home, which another program reads"
exits 'a device of the shard' 0 "$cemm" read --config "$conf" "$own"
is 'a device of the shard is read without a message' '' "$err"
for meter in "$other" "$other/p1"; do
  for command in read {history,energy}' --from 2025-01-01 --to 2025-01-02'; do
    # shellcheck disable=SC2086 # words
    exits "${command%% *} $meter" 1 "$cemm" $command --config "$conf" "$meter"
    has "${command%% *} $meter: the message names the other shard" "$err" "E! cemm: $meter: $words"
    is "${command%% *} $meter: the message is printed once" 1 "$(grep -cF "$words" <<<"$err")"
    is "${command%% *} $meter: there is no other message" 1 "$(wc -l <<<"$err")"
  done
done
exits 'stream of a device of another shard' 0 "$cemm" stream --config "$conf" --stdin "$other" <<<''
has 'stream: the message names the other shard' "$err" "W! cemm: $other: $words"
exits 'a device that does not exist' 1 "$cemm" read --config "$conf" 00-1E-C0-00-00-FF
hasnt 'a device that does not exist: the message names no shard' "$err" shard

# Devices that the configuration names are also divided among the shards.
write_config "$conf" "shard = 1/3" "device = $own" "device = $other"
exits 'two devices by name' 0 "$cemm" list --config "$conf" --format json
is 'the device of the shard is listed' "$own" "$(jq -r '.[].uid' <<<"$out")"
is 'the device of another shard is reported' 'I! cemm: cloud home: 1 device belongs to another shard, which another program reads' "$err"

for shard in 0/3 4/3 3 a/b 1/0 1/257; do
  config_of "$shard"
  exits "shard = $shard" 2 "$cemm" list --config "$conf"
  is "shard = $shard is refused with a message" "E! cemm: $conf: line $(grep -n ^shard "$conf" | cut -d: -f1): shard = $shard: write PART/PARTS, like 2/3; at most 256 parts" "$err"
done

# The mount shows the devices of its shard, and counts the others.
config_of 2/3
mount_fs
is 'the mount has its share' "$(<"$scratch/2-3.uids")" "$(cd "$m" && printf '%s\n' 00-*)"
count=$(wc -l <"$scratch/2-3.uids")
is 'status says how many devices it does not show' "  other shards  $((60 - count))" "$(grep 'other shards' "$m/status")"
is 'status.json says how many devices it does not show' "$((60 - count))" "$(jq '.sources[0].other_shards' "$m/status.json")"
refute 'a device of another shard does not exist' test -e "$m/$own"
unmount_fs

no_key 'at the end'
finish
