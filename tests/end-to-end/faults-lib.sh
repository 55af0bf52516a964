# shellcheck shell=bash disable=SC2034,SC2154
# A table with every fault of the simulator and its expected result, and functions that check them.
# Source it after mount-lib.sh (or after lib.sh, for the table alone). Then:
#
#   make_cases day io                # one case (a device) for each fault in each of these documents
#   start_sim --devices "$devices" … # the first device, $dev, stays healthy
#   break_cases cloud                # sets the faults of all cases at once
#   read_cases && check_cases        # checks the results and the mount's error messages
#   mend_cases                       # ends the faults; everything must work again

# ---- the table of faults: FAULT ERRNO WORDS…. ERRNO is what the reader of a file gets (0: no error;
# the program's exit status is 0 then, and otherwise 1). WORDS are the reason in the message.
table='
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
busy-for=150        EIO          too many requests (HTTP 429)
busy-until=150      EIO          too many requests (HTTP 429)
busy                EIO          too many requests (HTTP 429)
down                EIO          out of service for now (HTTP 503)
redirect            EIO          unexpected answer: HTTP 302
redirect-http       EIO          unexpected answer: HTTP 302
redirect-port=9     EIO          unexpected answer: HTTP 302
redirect-round      EIO          unexpected answer: HTTP 302
promise-forever     ETIMEDOUT    did not come in time
stall               ETIMEDOUT    no answer in time
stall-in-header     ETIMEDOUT    no answer in time
stall-before-body   ETIMEDOUT    no answer in time
stall-in-body       ETIMEDOUT    no answer in time
drip                ETIMEDOUT    no answer in time
delay=50            0
forget=600000       0
drop                EHOSTUNREACH closed the connection without an answer
reset-at-once       EHOSTUNREACH connection broke
reset-before-body   EHOSTUNREACH connection broke
reset-in-header     EHOSTUNREACH connection broke
reset-in-body       EHOSTUNREACH connection broke
close-in-header     EIO          documented form
date=2000000000     0
truncate            EIO          cut off
no-length           0
close               0
close-unsaid        0
close-late          0
length-short        EIO          documented form
length-long         EIO          cut off
length-4g           EIO          256 KiB
length-negative     EIO          not HTTP
length-word         EIO          not HTTP
chunked             0
chunk-cut           EIO          cut off
chunk-bad           EHOSTUNREACH connection broke
no-http             EIO          not HTTP
no-header           EIO          not HTTP
long-header         EIO          header
many-headers        EIO          64 KiB
many-interim        EIO          64 KiB
many-trailers       EIO          64 KiB
zipped              0
html                EIO          documented form
html-type           0
empty               EIO          documented form
garbage             EIO          documented form
huge                EIO          256 KiB
endless             EIO          256 KiB
deep                EIO          documented form
null                EIO          documented form
array               EIO          documented form
text                EIO          documented form
number              EIO          documented form
bom                 EIO          documented form
trailing            EIO          documented form
comment             EIO          documented form
no-data             EIO          documented form
data-null           EIO          documented form
data-number         EIO          documented form
data-nested         EIO          documented form
data-list           EIO          documented form
time-negative       0
time-zero           0
time-in-seconds     0
time-far            0
time-beyond         0
time-null           EIO          documented form
time-text           EIO          documented form
time-fraction       EIO          documented form
clock-ahead         0
clock-behind        0
data-frozen         0
disorder            0
value-nan           0
value-infinite      0
value-huge          0
value-text          EIO          documented form
value-null          0
value-true          EIO          documented form
value-list          EIO          documented form
never-read          0
pair-short          EIO          documented form
pair-empty          EIO          documented form
pair-long           EIO          documented form
pair-object         EIO          documented form
key-twice           0
name-slash          0
name-dots           0
name-newline        0
name-nul            0
name-quote          0
name-long           0
name-empty          0
bad-utf8            EIO          documented form
uid-absurd          EIO          documented form
uid-twice           EIO          documented form
odd-members         0
odd-rows            0
odd-entries         0
many-channels       0
many-devices        EIO          256 KiB
many-samples        EIO          256 KiB
'
# json-c 0.18 has no usable strict mode (see common/base/json.c), so it accepts comments.
[[ $(pkg-config --modversion json-c) != 0.18 ]] || table=$(sed 's/^comment .*/comment 0/' <<<"$table")
readonly table

# Faults that leave no sample in an answer.
readonly no_sample='time-negative|time-zero|time-in-seconds|time-far|time-beyond|value-nan|value-infinite|value-huge|value-null|never-read'

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

# every_fault_has_a_row: checks that the table has all faults of the simulator.
every_fault_has_a_row() {
  diff <("$sim" --help | sed -n '/^A fault acts/,/^The log/p' | awk '/^  [a-z]/ { sub(/=.*/, "", $1); print $1 }' | sort -u) \
    <(awk 'NF { sub(/=.*/, "", $1); print $1 }' <<<"$table" | sort -u)
}

# ---- every fault in every document -----------------------------------------------------------
#
# Each case has its own device, so all cases run at once, and no case is affected by a back-off that
# another one has caused.

# Exceptions to the table: DOCUMENT FAULT (patterns) ERRNO WORDS. The first row that matches
# applies. Lists of devices and meters have no samples that could be wrong. Among many connections,
# a dropped one is sometimes reported as broken.
readonly exceptions='
info|io|root|list  time-*|value-*|pair-*  0
io                 many-channels          EIO     too large
info|io            uid-*                  0
list               uid-twice              0
info|root          status=4@(04|12)       ENOENT  no source says anything
root               html                   EIO     not a CEMM Basic or Plus
*                  drop                   EHOSTUNREACH the connection
'

# Exceptions for programs. Without a list of meters they try the documented aliases. If the list is
# invalid, there are no meters. Without its root document, a device does not exist.
readonly exceptions_of_programs='
io    status=4@(04|12)|many-channels  0
io    uid-*                           ENOENT
root  status=4@(04|12)                EIO     HTTP 4
'

# look_up TABLE DOCUMENT FAULT: sets $errno and $words if the table has a row for the fault.
look_up() {
  local documents faults errno_there words_there
  while read -r documents faults errno_there words_there; do
    if [[ $2 == @($documents) && $3 == @($faults) ]]; then
      errno=$errno_there words=$words_there
      return
    fi
  done <<<"$1"
}

# The documents of periods are those of this day, of its month and of its year, which have all ended.
day=$(date -d '1 year ago' +%F)
readonly day

# file_of DOCUMENT UID [FORM]: prints the path of the file. FORM is csv (the default) or json.
file_of() {
  local year=${day:0:4} month=${day:0:7} meter=$m/$2/p1
  case $1 in
    day) echo "$meter/data/day/${month/-//}/$day.${3-csv}" ;;
    month) echo "$meter/data/month/$year/$month.${3-csv}" ;;
    year) echo "$meter/data/year/$year.${3-csv}" ;;
    totals) echo "$meter/totals/${month/-//}/$day.${3-csv}" ;;
    realtime) echo "$meter/realtime.csv" ;;
    value) echo "$meter/realtime/electric_power" ;;
    info) echo "$meter/info.json" ;;
    io) echo "$m/$2/io.csv" ;;
    root) echo "$m/$2/info.json" ;;
  esac
}

# requests_of DOCUMENT: prints a glob, for use in a fault, that matches the requests for the document.
requests_of() {
  case $1 in
    day | month | year) echo "*/data/$1/*" ;;
    totals) echo '*/totals/*' ;;
    realtime | value) echo '*/realtime/*' ;;
    info) echo '*/p1/' ;;
    io) echo '*/io*' ;;
    root) echo '*/v1/' ;;
  esac
}

uid_of() {
  printf '00-1E-C0-00-%02X-%02X' $(($1 / 256)) $(($1 % 256))
}

# make_cases DOCUMENT…: sets $devices, their number, and $cases, an array of "DOCUMENT FAULT UID ERRNO
# WORDS". The first case has the second device. For a day and for the list of devices there is a case
# for every fault; for other documents only for every fourth fault (different ones for each document),
# unless CEMM_E2E_LONG is set.
make_cases() {
  local document fault errno words i first=0
  cases=()
  for document in "$@"; do
    i=$((first++))
    while read -r fault errno words; do
      [[ -n $fault && $fault != status=200 ]] || continue
      ((i++ % 4 == 0)) || [[ $document == @(day|list) || -n ${CEMM_E2E_LONG-} ]] || continue
      look_up "$exceptions" "$document" "$fault"
      cases+=("$document $fault $(uid_of $((${#cases[@]} + 2))) $errno $words")
    done <<<"$table"
  done
  devices=$((${#cases[@]} + 1))
}

# break_cases cloud|lan: sets the faults of all cases. The meters are looked up before: on a busy
# machine a look-up may exceed a timeout, and then the directory would have no error message.
break_cases() {
  local document fault uid specs=()
  # shellcheck disable=SC2046
  check 'the meters are known' stat $(printf '%s\n' "${cases[@]}" | awk -v m="$m" '$1 !~ /^(io|root|list)$/ { print m "/" $3 "/p1" }')
  while read -r document fault uid _; do
    specs+=("$fault@$1:$uid:$(requests_of "$document")")
  done < <(printf '%s\n' "${cases[@]}")
  sim_faults "${specs[@]}"
}

# read_file DOCUMENT UID: reads the file of a document. Writes its content to $scratch/content/UID, and
# the error message to $scratch/errors/UID.
read_file() {
  within 60 cat "$(file_of "$1" "$2")" >"$scratch/content/$2" 2>"$scratch/errors/$2" </dev/null || true
}

# Faults that make the library repeat a request until the timeout, which may expire during an answer.
readonly repeated='busy|down'
# Faults that only the timeout ends.
readonly waits="promise-forever|stall*|drip|$repeated"

# read_cases: reads the file of each case. Faults that cause no answer are read all at once. The
# others are read meanwhile, one document after another, so that a slow simulator does not look like
# one that does not answer.
read_cases() {
  local document=none next fault uid hanging=() pids=()
  mkdir -p "$scratch/content" "$scratch/errors"
  while read -r next fault uid _; do
    if [[ $next != "$document" ]]; then
      [[ ${#pids[@]} == 0 ]] || wait "${pids[@]}"
      document=$next pids=()
    fi
    read_file "$document" "$uid" &
    if [[ $fault == @($waits) ]]; then hanging+=($!); else pids+=($!); fi
  done < <(printf '%s\n' "${cases[@]}")
  wait "${pids[@]}" "${hanging[@]}"
}

# whole_csv FILE [HEADER]: whether every line has the same number of fields (an empty line is one
# empty field), and the file ends with a newline. If a header is given, the file must also have rows.
whole_csv() {
  python3 -c '
import csv, sys
text = open(sys.argv[1], newline="").read()
rows = list(csv.reader(open(sys.argv[1], newline=""), strict=True))
whole = text.endswith("\n") and len({len(row) or 1 for row in rows}) == 1
for header in sys.argv[2:]:
    whole = whole and ",".join(rows[0]) == header and len(rows) > 1
sys.exit(not whole)' "$@"
}

# well_formed DOCUMENT FILE: whether the file has the form of that document.
well_formed() {
  case $1 in
    value) [[ $(<"$2") =~ ^-?[0-9.]*$ ]] ;; # empty if there is no sample
    info | root) jq -e . "$2" ;;
    realtime) whole_csv "$2" channel,value,unit,time ;;
    *) whole_csv "$2" ;;
  esac
}

# says WHAT TEXT WORDS: ok if TEXT contains WORDS, or the timeout of the waiting reader, which may
# expire first.
says() {
  if [[ $3 == *' in time' && $2 == *@( in time|no answer within)* ]]; then ok "$1"; else has "$@"; fi
}

# reasons: prints the error message of the directory of each case, as "UID WORDS".
reasons() {
  local document uid
  while read -r document _ uid _; do
    dirname "$(file_of "$document" "$uid")"
  done < <(printf '%s\n' "${cases[@]}") | sort -u | xargs getfattr --absolute-names -n user.cemm.error 2>/dev/null |
    awk -v m="$m/" '/^# file: / { uid = substr($3, length(m) + 1, 17) } /^user/ { print uid, $0 }'
}

# check_cases: checks what read_cases has read, and the error messages in the attributes of the
# directories.
check_cases() {
  local document fault uid errno words
  declare -A why=()
  while read -r uid words; do why[$uid]=$words; done < <(reasons)
  find "$conf.archive" -type f >"$scratch/archived"
  while read -r document fault uid errno words; do
    message=$(<"$scratch/errors/$uid")
    if [[ $fault == @($repeated) && ${why[$uid]-} == *@( in time|no answer within)* ]]; then errno=ETIMEDOUT words=' in time'; fi
    is "$document: $fault: the mount says $errno" "$(errno_words "$errno")" "${message##*: }"
    if [[ $errno == 0 ]]; then
      check "$document: $fault: it is a whole file" well_formed "$document" "$scratch/content/$uid"
    else
      says "$document: $fault: the attribute says why" "${why[$uid]-}" "$words"
      refute "$document: $fault: nothing of it is archived" grep -E "$uid/p1/(data|totals)/" "$scratch/archived"
    fi
  done < <(printf '%s\n' "${cases[@]}")
}

# truth_of DOCUMENT: prints the path of the simulator's data for that period.
truth_of() {
  local start=$day
  case $1 in
    month) start=${day:0:7}-01 ;;
    year) start=${day:0:4}-01-01 ;;
  esac
  start=$(midnight "$start")
  case $1 in
    totals) echo "p1/totals/?time=$start" ;;
    *) echo "p1/data/$1/?time=$start" ;;
  esac
}

# `cemm history` repeats requests to sources that do not answer. That takes long, so these cases are only
# tested with CEMM_E2E_LONG.
silent='ETIMEDOUT|EHOSTUNREACH'
[[ -z ${CEMM_E2E_LONG-} ]] || silent=
readonly silent

# uids DOCUMENT [SUFFIX [ERRNOS]]: prints the devices of its cases, each followed by SUFFIX, except the
# cases whose errno matches the pattern ERRNOS.
uids() {
  local document uid errno
  while read -r document _ uid errno _; do
    [[ $document != "$1" || $errno == @(${3-}) ]] || echo "$uid${2-}"
  done < <(printf '%s\n' "${cases[@]}")
}

# run_program FILE ARGUMENT…: runs cemm with the configuration program.conf. Writes its exit status to
# FILE.exit.
run_program() {
  local file=$1 code=0
  shift
  within 90 "$build/plugin/exec/cemm" "$@" --config "$scratch/program.conf" >"$file.out" 2>"$file.err" </dev/null || code=$?
  echo "$code" >"$file.exit"
}

# check_program NAME DOCUMENT FILE [ERRNOS]: checks what a program has printed for the cases of that
# document (FILE.out, CSV rows that begin with the uid) and its messages (FILE.err), except for the
# cases whose errno matches the pattern ERRNOS.
check_program() {
  local document fault uid errno words rows
  declare -A printed=() messages=()
  while read -r uid rows; do printed[$uid]=$rows; done < <(awk -F, '{ n[$1]++ } END { for (uid in n) print uid, n[uid] }' "$3.out")
  while read -r uid words; do messages[$uid]+=$words; done < <(uids_first "$3.err")
  while read -r document fault uid errno words; do
    [[ $document == @($2) && $errno != @(${4-}) ]] || continue
    look_up "$exceptions_of_programs" "$document" "$fault"
    if [[ $errno == 0 ]]; then
      if [[ $document:$fault == realtime:clock-ahead ]]; then
        is "$document: $fault: $1 prints nothing of it" 0 "${printed[$uid]-0}"
        says "$document: $fault: $1 says why" "${messages[$uid]-}" 'more than 15 minutes ahead'
      elif [[ $fault != @($no_sample) ]]; then
        check "$document: $fault: $1 prints it" test "${printed[$uid]-0}" -gt 0
      fi
      continue
    fi
    if [[ $fault == @($repeated) && ${messages[$uid]-} == *' in time'* ]]; then words=' in time'; fi
    is "$document: $fault: $1 prints nothing of it" 0 "${printed[$uid]-0}"
    [[ $errno == ENOENT ]] ||
      says "$document: $fault: $1 says why" "${messages[$uid]-}" "$words"
  done < <(printf '%s\n' "${cases[@]}")
}

# uids_first FILE: prints each line that names a device, preceded by the uid.
uids_first() {
  awk 'match($0, /00-1E-C0-00-[0-9A-F][0-9A-F]-[0-9A-F][0-9A-F]/) { print substr($0, RSTART, RLENGTH), $0 }' "$1"
}

# mended: prints the cases that failed and must work again immediately. It omits absences and the list
# that is too large, which are cached for a minute.
mended() {
  printf '%s\n' "${cases[@]}" |
    awk '$4 != "0" && !($1 ~ /^(info|io|root)$/ && ($4 == "ENOENT" || $2 == "many-channels"))'
}

# mend_cases: ends the faults, and checks that everything works again without intervention.
mend_cases() {
  local document fault uid
  sim_faults
  while read -r document fault uid _; do
    check "$document: $fault: it works again afterwards" wait_for 60 cat "$(file_of "$document" "$uid")"
  done < <(mended)
}

# check_periods URL END: compares the mount's days, months, years and totals with the simulator's. URL
# is the address of a device, in which UID stands for its uid; END is the end of each request's URL.
check_periods() {
  local document uid
  while read -r document _ uid _; do
    [[ $document == @(day|month|year|totals) ]] || continue
    cat "$(file_of "$document" "$uid" json)" >&3
    echo "url = \"${1/UID/$uid}$(truth_of "$document")$2\""
  done < <(mended) 3>"$scratch/got.json" | curl -sS -K - >"$scratch/truth.json"
  check 'the periods exist' test -s "$scratch/truth.json"
  is 'the periods have the measured values' '' "$(cmp <(jq -cS . "$scratch/truth.json") <(jq -cS . "$scratch/got.json") 2>&1)"
}
