#!/usr/bin/env bash
# Every fault that the simulator knows, against a kernel mount, the program and a real collectd: what
# each of them must do with it, that devices beside the faulty one notice nothing, that all is well
# again by itself when the fault is over, and that no value was ever wrong. Called as:
# faults.sh BUILD_DIR
# shellcheck disable=SC1091,SC2154
set -euo pipefail
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/collectd-lib.sh"
begin "$@"
[[ -c /dev/fuse && -r /dev/fuse && -w /dev/fuse ]] || skip '/dev/fuse cannot be opened'
collectd_begin

export TZ=Europe/Amsterdam LC_ALL=C
faulty=00-1E-C0-00-00-01
healthy=00-1E-C0-00-00-02
m=$scratch/m
conf_file=$scratch/cemm.conf
run=$scratch/collectd

# ---- what each fault must come to: the reader's errno (0: none); the program's exit is 1 with one
# and 0 without. Why, in the words that are said.
readonly table='
status=200          0
status=204          EIO          unexpected answer: HTTP 204
status=301          EIO          unexpected answer: HTTP 301
status=400          EIO          unexpected answer: HTTP 400
status=401          EACCES       HTTP 401
status=403          EACCES       HTTP 403
status=404          ENOENT       HTTP 404
status=408          ETIMEDOUT    HTTP 408
status=412          ENOENT       HTTP 412
status=429          EIO          HTTP 429
status=500          EIO          unexpected answer: HTTP 500
status=502          EIO          HTTP 502
status=503          EIO          HTTP 503
busy                ETIMEDOUT    more patience than the timeout allows
down                ETIMEDOUT    more patience than the timeout allows
redirect            EIO          unexpected answer: HTTP 302
redirect-http       EIO          unexpected answer: HTTP 302
redirect-round      EIO          unexpected answer: HTTP 302
promise-forever     ETIMEDOUT    did not come in time
stall               ETIMEDOUT    no answer in time
stall-in-header     ETIMEDOUT    no answer in time
stall-before-body   ETIMEDOUT    no answer in time
stall-in-body       ETIMEDOUT    no answer in time
drip                ETIMEDOUT    no answer in time
delay=50            0
reset               EHOSTUNREACH closed the connection without an answer
reset-at-once       EHOSTUNREACH connection broke
reset-in-header     EHOSTUNREACH connection broke
reset-in-body       EHOSTUNREACH connection broke
close-in-header     EIO          does not fit
truncate            EIO          cut off
no-length           0
length-short        EIO          does not fit
length-long         EIO          cut off
length-4g           EIO          4 MiB
length-negative     EIO          not HTTP
length-word         EIO          not HTTP
chunked             0
chunk-cut           EIO          cut off
chunk-bad           EHOSTUNREACH connection broke
no-http             EIO          not HTTP
no-header           EIO          not HTTP
long-header         EIO          header
zipped              0
html                EIO          does not fit
html-type           0
empty               EIO          does not fit
garbage             EIO          does not fit
huge                EIO          4 MiB
deep                EIO          does not fit
null                EIO          does not fit
array               EIO          does not fit
text                EIO          does not fit
number              EIO          does not fit
bom                 EIO          does not fit
trailing            EIO          does not fit
comment             EIO          does not fit
no-data             EIO          does not fit
data-null           EIO          does not fit
data-number         EIO          does not fit
data-nested         EIO          does not fit
data-list           EIO          does not fit
time-negative       EIO          does not fit
time-zero           EIO          does not fit
time-in-seconds     EIO          does not fit
time-far            EIO          does not fit
time-beyond         EIO          does not fit
time-null           EIO          does not fit
time-text           EIO          does not fit
time-fraction       EIO          does not fit
disorder            0
value-nan           EIO          does not fit
value-infinite      EIO          does not fit
value-huge          EIO          does not fit
value-text          EIO          does not fit
value-null          0
value-true          EIO          does not fit
value-list          EIO          does not fit
pair-short          EIO          does not fit
pair-empty          EIO          does not fit
pair-long           EIO          does not fit
pair-object         EIO          does not fit
key-twice           EIO          does not fit
name-slash          0
name-dots           0
name-newline        0
name-nul            EIO          does not fit
name-quote          0
name-long           0
name-empty          0
bad-utf8            EIO          does not fit
uid-absurd          EIO          does not fit
uid-twice           EIO          does not fit
many-channels       EIO          does not fit
many-devices        EIO          does not fit
many-samples        EIO          4 MiB
'

errno_words() {
  case $1 in
    0) ;;
    EIO) echo 'Input/output error' ;;
    EACCES) echo 'Permission denied' ;;
    ENOENT) echo 'No such file or directory' ;;
    ETIMEDOUT) echo 'Connection timed out' ;;
    EHOSTUNREACH) echo 'No route to host' ;;
  esac
}

# A new fault must be given its row.
every_fault_has_a_row() {
  diff <("$sim" --help | sed -n '/^A fault acts/,/^The log/p' | awk '/^  [a-z]/ { sub(/=.*/, "", $1); print $1 }' | sort -u) \
    <(awk 'NF { sub(/=.*/, "", $1); print $1 }' <<<"$table" | sort -u)
}

read_file() {
  cat "$m/$1/p1/realtime.csv"
}

# one_fault FAULT ERRNO WORDS…
one_fault() {
  local fault=$1 errno=$2 words=${*:3} got want=0 said
  want=$(errno_words "$errno")
  sim_faults "$fault@*/$faulty/p1/realtime/*"
  said=$(read_file "$faulty" 2>&1 >"$scratch/content") || true
  got=${said##*: }
  if [[ $got != "$want" ]]; then not_ok "$fault: the mount says $errno" "$said"; else ok "$fault: the mount says $errno"; fi
  check "$fault: the device beside it is read" read_file "$healthy"
  if [[ -n $words ]]; then
    has "$fault: why stands in the status" "$(<"$m/status")" "$words"
  else
    check "$fault: it is a whole file" well_formed "$scratch/content"
  fi
  exits "$fault: the program's exit" "$([[ $errno == 0 ]] && echo 0 || echo 1)" \
    "$build/plugin/exec/cemm" read --format csv "$faulty/p1" "$healthy/p1"
  echo "$out$err" >>"$scratch/all-logs"
  is "$fault: the program gives the values of the device beside it" 6 "$(grep -c "^$healthy,p1,.*,.*,.*,20" <<<"$out")"
  if [[ -n $words ]]; then has "$fault: the program says why" "$err" "E! "; fi
  sim_faults
  check "$fault: it is over by itself" wait_for 20 read_file "$faulty"
}

# Header and rows of four fields, newline at the end.
well_formed() {
  awk -F, 'NF != 4 { exit 1 } NR == 1 && $0 != "channel,value,unit,time" { exit 1 } END { exit NR < 2 }' "$1" &&
    [[ -z $(tail -c 1 "$1") ]]
}

# ---- the tour ------------------------------------------------------------------

check 'every fault has a row' every_fault_has_a_row
start_sim --devices 2 --meters p1 --since "$since"
write_config "$conf_file" 'timeout = 1'
export CEMM_CONFIG=$conf_file
mkdir "$m"
"$build/fs/cemmfs" "$conf_file" "$m" -f -o realtime_ttl=0 2>>"$scratch/all-logs" &
started $!
mounted "$m"
wait_for 10 cat "$m/status" || { echo "Bail out! cemmfs did not mount"; exit 1; }
ls "$m/$faulty" "$m/$healthy" >/dev/null
conf "$run" <<CONF
<Plugin cemm>
  TimeZone "Europe/Amsterdam"
  <Cloud "home">
    URL "$sim_cloud"
    ApiKeyFile "$conf_file.key"
    Timeout 1
    Interval 1
  </Cloud>
</Plugin>
CONF
start_collectd "$run"
check 'collectd has values of both devices' wait_for 20 has_lines 1 "$faulty" power-p1-electric_power
check 'and of the second one' wait_for 20 has_lines 1 "$healthy" power-p1-electric_power

while read -r fault errno words; do
  [[ -z $fault || $fault == status=200 ]] || one_fault "$fault" "$errno" "$words"
done <<<"$table"

# of UID FILTER: what status.json says of a device.
of() {
  jq -e --arg uid "$1" ".devices[] | select(.uid == \$uid) | $2" "$m/status.json"
}
check 'status.json: the faulty device, its last failure, and success' of "$faulty" '.last_failure and .last_success and (.last_words | contains("4 MiB"))'
check 'the other one never failed' of "$healthy" '.last_success and .last_failure == null and .last_words == null'
is 'the same in words' 1 "$(grep -A5 "^device $faulty" "$m/status" | grep -c '  last failure  .*4 MiB')"

# ---- what collectd made of all that -----------------------------------------------

before=$(lines "$(csv "$faulty" power-p1-electric_power)")
check 'collectd goes on with the device that was faulty' \
  wait_for 330 has_lines $((before + 1)) "$faulty" power-p1-electric_power
stop_collectd 'after all faults' "$run"
for uid in "$faulty" "$healthy"; do
  compare "$uid" power p1 electric_power 1
  compare "$uid" energy_wh p1 t1 1000
done
check 'collectd missed nothing of the healthy device' without_gaps "$healthy" power-p1-electric_power
is 'no more series than there should be' 6 "$(find "$run/csv" -path "*/cemm-$healthy/*-p1-*" | sed 's/-....-..-..$//' | sort -u | wc -l)"
is 'the key stands nowhere' '' "$(grep -rl -e "$sim_key" "$scratch/all-logs" "$run" || true)"
finish
