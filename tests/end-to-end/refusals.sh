#!/usr/bin/env bash
# refusals.sh BUILD_DIR: a cloud refuses requests with 429 and Retry-After (a number or a date), with 429
# alone, and with 403. An interactive program reports the refusal immediately. A poller repeats the
# request only after the time that Retry-After says, or otherwise after longer and longer pauses, and
# logs the refusal once. Meanwhile it goes on reading a meter that the cloud does not refuse. A key
# file that was rewritten is read again.
# shellcheck disable=SC1091,SC2154
set -euo pipefail
. "$(dirname "$0")/mount-lib.sh"
. "$(dirname "$0")/collectd-lib.sh"
. "$(dirname "$0")/key-lib.sh"
enter_namespaces "$@"
begin_mount "$@"
collectd_begin
cemm=$build/plugin/exec/cemm
healthy=00-1E-C0-00-00-05
# The fault of each device whose requests are refused.
declare -A kind=([00-1E-C0-00-00-01]=busy-for=3600 [00-1E-C0-00-00-02]=busy-until=3600
  [00-1E-C0-00-00-03]=status=429 [00-1E-C0-00-00-04]=status=403)

refuse() {
  local uid specs=()
  for uid in "${!kind[@]}"; do specs+=("${kind[$uid]}@cloud:$uid:*/realtime/*"); done
  sim_faults "${specs[@]}"
}

# asked_for UID: prints how often the device's realtime was requested.
asked_for() {
  requests " $1 GET .*/realtime/ "
}

healthy_asked() {
  (($(asked_for "$healthy") >= $1))
}

# check_pauses WHAT: checks how often the refused requests were repeated. Without Retry-After, the pauses
# are 1, 2, 4, … s, plus or minus a quarter.
check_pauses() {
  local uid most
  for uid in "${!kind[@]}"; do
    most=1
    [[ ${kind[$uid]} == busy-* ]] || most=$(awk -v uid="$uid" '$3 == uid && /realtime/ { if (!first) first = $1; last = $1 }
      END { print int(2 + log((last - first) / 750 + 1) / log(2)) }' "$sim_log")
    check "$1: ${kind[$uid]}: asked for at most $most times" test "$(asked_for "$uid")" -le "$most"
    check "$1: ${kind[$uid]}: asked for at least once" test "$(asked_for "$uid")" -ge 1
  done
}

# reported_once WHAT FILE: checks that the messages in FILE report each refusal once.
reported_once() {
  local uid
  for uid in "${!kind[@]}"; do
    is "$1: ${kind[$uid]}: logged once" 1 "$(grep -v Notification "$2" | grep -c "$uid.*HTTP 4" || true)"
  done
  has "$1: the message says for how long" "$(<"$2")" 'too many requests (HTTP 429); not asked again for 3600 s'
}

start_sim --devices 5 --meters p1 --since "$since"
write_config "$conf" 'timeout = 3600'

# ---- a reader -------------------------------------------------------------------------------

mount_fs -o realtime_ttl=0
check 'all meters are known' stat "$m"/00-*/p1
refuse
for uid in "${!kind[@]}"; do
  words='Input/output error'
  [[ ${kind[$uid]} != status=403 ]] || words='Permission denied'
  fails_with "mount: ${kind[$uid]}: fails at once" "$words" within 10 cat "$m/$uid/p1/realtime.json"
done
exits 'read: some meters fail, without waiting' 1 within 10 "$cemm" read --format csv --config "$conf"
sim_faults
for uid in "${!kind[@]}"; do
  check "mount: ${kind[$uid]}: afterwards it is read at once" within 10 cat "$m/$uid/p1/realtime.json"
done

# ---- pollers --------------------------------------------------------------------------------

refuse
: >"$sim_log"
"$cemm" stream --config "$conf" --interval 0.2 >"$scratch/out" 2>"$scratch/err" &
stream=$!
started "$stream"
check 'stream: the healthy meter is still read' wait_for 60 healthy_asked 60
check_pauses stream
reported_once stream "$scratch/err"
sim_faults
comes_back() {
  grep -q "uid=$1" "$scratch/out"
}
for uid in 00-1E-C0-00-00-03 00-1E-C0-00-00-04; do
  check "stream: ${kind[$uid]}: it is read again afterwards" wait_for 60 comes_back "$uid"
done
for uid in 00-1E-C0-00-00-01 00-1E-C0-00-00-02; do
  refute "stream: ${kind[$uid]}: not before Retry-After is over" comes_back "$uid"
done
stop "$stream"

refuse
: >"$sim_log"
run=$scratch/collectd
conf "$run" <<CONF
<Plugin cemm>
TimeZone "Europe/Amsterdam"
<Cloud "home">
URL "$sim_cloud"
ApiKeyFile "$conf.key"
Timeout 120
Interval 0.2
</Cloud>
</Plugin>
CONF
start_collectd "$run"
check 'collectd: the healthy meter is still read' wait_for 60 healthy_asked 60
check_pauses collectd
stop_collectd collectd "$run"
reported_once collectd "$run/log"
sim_faults

# ---- keys -----------------------------------------------------------------------------------

stream_says() {
  grep -qF "$1" "$scratch/err"
}
streams() {
  [[ -s $scratch/out ]]
}
# Keeps the output of the previous stream, because it is searched for the key.
cat "$scratch/out" "$scratch/err" >"$scratch/printed-before"
: | tee "$scratch/out" "$scratch/err"
write_key "$conf.key" wrong-key-0815
"$cemm" stream --config "$conf" --interval 0.2 >"$scratch/out" 2>"$scratch/err" &
stream=$!
started "$stream"
check 'stream: a wrong key is refused' wait_for 60 stream_says 'HTTP 40'
write_key "$conf.key"
check 'stream: the new key is used' wait_for 60 streams
check 'stream: the use of a new key is logged' wait_for 60 stream_says 'the key file has a new key, which is used now'
rm "$conf.key"
sim_faults "status=403@*/realtime/*"
check 'stream: a missing key file is logged' wait_for 60 stream_says "key file $conf.key: No such file or directory; the old key is still used"
sim_faults
: >"$scratch/out"
check 'stream: the old key is still used' wait_for 60 streams
is 'stream: the missing key file is logged once' 1 "$(grep -c 'No such file' "$scratch/err")"
stop "$stream"

unmount_fs
write_key "$conf.key" wrong-key-0815
mount_fs -o realtime_ttl=0
fails_with 'mount: a wrong key is refused' 'Permission denied' cat "$m/$healthy/p1/realtime.json"
write_key "$conf.key"
check 'mount: the new key is used at once' within 10 cat "$m/$healthy/p1/realtime.json"
unmount_fs
cat "$scratch/err" "$scratch/fs.log" >>"$scratch/all-logs"
no_key 'after all'
finish
