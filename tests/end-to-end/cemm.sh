#!/usr/bin/env bash
# cemm.sh BUILD_DIR: tests the program `cemm` with the simulator, as scripts and people use it. The
# meters' clock is stopped, so that cemm must print exactly the values that curl gets.
set -euo pipefail
# shellcheck source=tests/end-to-end/lib.sh
. "$(dirname "$0")/lib.sh"
begin "$@"

source_root=$(cd "$(dirname "$0")/../.." && pwd)
cemm=$build/plugin/exec/cemm
one=00-1E-C0-00-00-01
two=00-1E-C0-00-00-02
config=$scratch/cemm.conf
all_output=$scratch/all_output # everything that cemm printed, to search for the key at the end
: >"$all_output"

# cemm_exits WHAT CODE [ARGUMENT…]: as `exits`, for cemm with these arguments. Adds its output to
# $all_output.
cemm_exits() {
  local what=$1 code=$2
  shift 2
  exits "$what" "$code" "$cemm" "$@"
  cat "$scratch/stdout" "$scratch/stderr" >>"$all_output"
}

# read_exits WHAT CODE [ARGUMENT…]: as cemm_exits, for `cemm read` with the configuration $config.
read_exits() {
  local what=$1 code=$2
  shift 2
  cemm_exits "$what" "$code" read --config "$config" "$@"
}

# simulated UID ALIAS: prints the simulator's values of a meter, "UID ALIAS CHANNEL MS TEXT" for each
# sample. No JSON tool reads the numbers, because it might change their digits.
simulated() {
  cloud_get "cemm/$1/$2/realtime/" | tr -d ' \n\r\t' | grep -oE '"[A-Za-z0-9_]+":\[[^]]*\]' |
    sed -E "s/^\"([^\"]*)\":\[([^,]*),(.*)\]\$/$1 $2 \1 \2 \3/" | grep -v ' 0 0$' || true
}

all_simulated() {
  local uid alias
  for uid in "$@"; do
    for alias in p1 p1-gas s01; do simulated "$uid" "$alias"; done
  done | LC_ALL=C sort
}

# The functions of_FORMAT convert cemm's output on stdin to lines like those of `simulated`.
of_influx() {
  awk '{
    split($1, tags, "[,=]"); count = split($2, fields, ",")
    for (i = 1; i <= count; i++) {
      split(fields[i], field, "=")
      print tags[3], tags[5], field[1], substr($3, 1, length($3) - 6), field[2]
    }
  }' | LC_ALL=C sort
}

of_csv() {
  local uid alias channel value time
  tail -n +2 | while IFS=, read -r uid alias channel value _ time _; do
    [[ -n $value && $value != null ]] || continue # the channel was never read
    echo "$uid $alias $channel $(($(date -d "$time" +%s%N) / 1000000)) $value"
  done | LC_ALL=C sort
}

# This does not use jq, which may reformat a number.
of_json() {
  sed -nE 's/^\{ "uid": "([^"]*)", "alias": "([^"]*)", "channel": "([^"]*)", "value": ([^,]*), "unit": "[^"]*", "time": "?([^"},]*)"?, "type": "[^"]*" \},?$/\1,\2,\3,\4,,\5/p' |
    sed '1i header' | of_csv
}

formats() {
  local want
  want=$(all_simulated "$one" "$two")
  is 'the simulator has samples to compare' 18 "$(wc -l <<<"$want")"

  read_exits 'read --format influx' 0 --format influx
  is 'influx: every sample, with its own text and time' "$want" "$(of_influx <<<"$out")"
  is 'influx: nothing on stderr' '' "$err"
  is 'influx: sorted by uid, then alias' "$out" "$(sort -s -t, -k2,3.8 <<<"$out")"
  is 'influx: nanoseconds' 0 "$(grep -cvE ' [0-9]{19}$' <<<"$out" || true)"
  local influx=$out
  read_exits 'read without a format, not on a terminal' 0
  is 'the default is influx' "$influx" "$out"

  read_exits 'read --format csv' 0 --format csv
  is 'csv: every sample, with its own text and time' "$want" "$(of_csv <<<"$out")"
  is 'csv: the header' 'uid,alias,channel,value,unit,time,type' "$(head -n 1 <<<"$out")"
  is 'csv: seven columns everywhere' 7 "$(awk -F, '{ print NF }' <<<"$out" | sort -u)"
  is 'csv: local time with its offset' 0 \
    "$(tail -n +2 <<<"$out" | grep -cvE ',(20[0-9-]{8}T[0-9:]{8}\+0[12]:00)?,(p1|gas|solar_energy)$' || true)"
  has 'csv: units' "$(grep ,electric_power, <<<"$out")" ',W,'

  read_exits 'read --format json' 0 --format json
  is 'json: every sample, with its own text and time' "$want" "$(of_json <<<"$out")"
  is 'json: one array of objects' '["object"]' "$(jq -c '[.[] | type] | unique' <<<"$out")"
  is 'json: a row for each sample' 18 "$(jq '[.[] | select(.value != null)] | length' <<<"$out")"
  is 'json: null if the channel was never read' '["switch"]' \
    "$(jq -c '[.[] | select(.value == null and .time == null).channel] | unique' <<<"$out")"
  is 'json: sorted' true "$(jq '. as $a | ($a | map([.uid, .alias])) | . == sort' <<<"$out")"
  is 'json: values are numbers' '["null","number"]' "$(jq -c '[.[].value | type] | unique' <<<"$out")"
}

table() {
  local power channel value
  power=$(simulated "$one" p1 | awk '$3 == "electric_power" { print $5 }')
  read_exits 'read --format table' 0 --format=table
  is 'table: the titles' 'DEVICE METER CHANNEL VALUE UNIT TIME AGE SOURCE' \
    "$(head -n 1 <<<"$out" | tr -s ' ')"
  has 'table: the value' "$(grep -m1 electric_power <<<"$out")" " $power  W "
  while read -r channel value; do
    check "table: $channel has three decimals at most, $value" grep -qE " $channel +$value  " <<<"$out"
  done < <(simulated "$one" p1 | awk '{ print $3, $5 ~ /[.]..../ ? sprintf("%.3f", $5) : $5 }')
  refute 'table: no value has more decimals' grep -qE '[.][0-9]{4}' <<<"$out"
  has 'table: the source' "$(grep -m1 electric_power <<<"$out")" 'cloud home'
  is 'table: each device is named once' 1 "$(grep -c "$one" <<<"$out")"
  has 'table: a channel that was never read says so' "$(grep -m1 switch <<<"$out")" 'no sample'
  check 'table: an age' grep -qE 'electric_power .* [0-9]+ (s|min)  ' <<<"$out"
  is 'table: no spaces at line ends' 0 "$(grep -c ' $' <<<"$out" || true)"

  cemm_exits 'list' 0 list --config "$config"
  is 'list: the titles' 'DEVICE METER TYPE CHANNELS SOURCE ADDRESS' "$(head -n 1 <<<"$out" | tr -s ' ')"
  is 'list: a line for each meter' 7 "$(wc -l <<<"$out")"
  has 'list: channels' "$out" 't1 t2 t3 t4 electric_power rate switch gas'
  has 'list: the source and its address' "$(grep -m1 "$one" <<<"$out")" "cloud home  $sim_cloud"
  has 'list: gas that has two names is one meter' "$(grep -m1 ' p1-gas ' <<<"$out")" ' gas (the same meter as channel gas of p1)  '
  check 'list: the type' grep -qE '^ +s01 +solar_energy +electric_power ' <<<"$out"
  cemm_exits 'list --format json' 0 list --config "$config" --format json
  is 'list, json: meters' "$(printf '%s\n' "$one "{p1,p1-gas,s01} "$two "{p1,p1-gas,s01})" "$(jq -r '.[] | .uid + " " + .alias' <<<"$out")"
  is 'list, json: types' '["p1","gas","solar_energy"]' "$(jq -c '[.[0:3][].type]' <<<"$out")"
  is 'list, json: channels with units' '[{"name":"electric_power","unit":"W"}]' "$(jq -c '.[2].channels' <<<"$out")"
  is 'list, json: sources' '[["cloud home"]]' "$(jq -c '[.[].sources] | unique' <<<"$out")"
  cemm_exits 'list has no other formats' 2 list --config "$config" --format influx
  has 'the message has the formats of list' "$err" "unknown format 'influx' for list: use one of table, json"
}

meters() {
  read_exits 'uid/alias' 0 --format influx "$one/p1"
  is 'uid/alias: only that meter' "$(simulated "$one" p1 | LC_ALL=C sort)" "$(of_influx <<<"$out")"
  read_exits 'uid with colons, in lower case' 0 00:1e:c0:00:00:02 --format influx
  is 'a uid: only the meters of that device' "$(all_simulated "$two")" "$(of_influx <<<"$out")"
  read_exits 'an alias' 0 p1-gas
  is 'an alias: that meter of each device' "$(printf '%s\n' "$one p1-gas" "$two p1-gas")" \
    "$(of_influx <<<"$out" | cut -d' ' -f1,2)"
  cemm_exits 'options and METERs in any order' 0 read s01 --format csv --config "$config" "$one/p1-gas"
  is 'both METERs are read' "$(printf '%s\n' "$one p1-gas" "$one s01" "$two s01")" \
    "$(of_csv <<<"$out" | cut -d' ' -f1,2)"
  POSIXLY_CORRECT=1 cemm_exits 'the same with POSIXLY_CORRECT' 0 read s01 --format csv --config "$config" "$one/p1-gas"
  is 'both METERs are read with POSIXLY_CORRECT, too' "$(printf '%s\n' "$one p1-gas" "$one s01" "$two s01")" \
    "$(of_csv <<<"$out" | cut -d' ' -f1,2)"
  read_exits 'the same METER twice' 0 "$one/s01" "$one/s01" --format csv
  is 'a repeated METER is printed once' 2 "$(wc -l <<<"$out")"
  read_exits 'a METER after --' 0 --format csv -- "$one/s01"

  read_exits 'an alias that does not exist' 1 --format csv s02 "$one/s01"
  is 'the other METER is printed' 2 "$(wc -l <<<"$out")"
  has 'the message names the alias' "$err" 's02'
  is 'all messages are errors' '' "$(grep -v '^E! ' <<<"$err" || true)"
  read_exits 'an unknown alias' 1 --format json nothing-of-that-name
  is 'json without a meter is an empty array' '[]' "$out"
  has 'the message names the unknown alias' "$err" 'E! cemm: nothing-of-that-name: '
  read_exits 'a device that does not exist' 1 00-00-00-00-00-09
  has 'the message names the device' "$err" '00-00-00-00-00-09'
  is 'influx without a meter is empty' '' "$out"
}

usage() {
  local argument
  cemm_exits '--help' 0 --help
  for argument in discover list read stream history; do
    has "--help names $argument" "$out" "  $argument "
  done
  for argument in '' discover list read stream history; do
    # shellcheck disable=SC2086 # none or one
    cemm_exits "$argument --help" 0 $argument --help
    check "$argument --help fits a screen" test "$(wc -l <<<"$out")" -le 24
    is "$argument --help fits its width" '' "$(grep -E '^.{81}' <<<"$out" || true)"
  done
  cemm_exits '--version' 0 --version
  check '--version prints a version' grep -qE '^cemm [0-9]+\.[0-9]+\.[0-9]+$' <<<"$out"
  local page
  cemm_exits '--help' 0 --help
  page=$out
  for argument in -h help; do
    cemm_exits "$argument" 0 "$argument"
    is "$argument prints the same as --help" "$page" "$out"
  done
  cemm_exits 'history --help' 0 history --help
  page=$out
  for argument in 'help history' '--help history' '-h history' 'history -h'; do
    # shellcheck disable=SC2086 # words
    cemm_exits "$argument" 0 $argument
    is "$argument prints the same as history --help" "$page" "$out"
  done
  cemm_exits 'help nonsense' 2 help nonsense
  has 'the message names the unknown command' "$err" "unknown command 'nonsense'"
  exits 'cemmfs -h' 0 "$build/fs/cemmfs" -h
  has 'cemmfs -h prints the usage' "$out" 'usage: cemmfs '
  cemm_exits 'read --help, other arguments do not matter' 0 read s01 --help --nonsense
  for argument in --config --format --output --help METER; do
    has "read --help has $argument" "$out" "$argument"
  done
  cemm_exits 'history --help' 0 history --help
  hasnt 'history --help does not list the format prometheus' "$out" prometheus
  has 'history --help lists the format openmetrics' "$out" openmetrics
  cemm_exits 'list --help' 0 list --help
  has 'list --help lists two formats' "$out" 'table, json'
  cemm_exits 'discover --help' 0 discover --help
  has 'discover --help has --config' "$out" '--config'

  cemm_exits 'no command' 2
  has 'no command: there is a message' "$err" 'E! '
  for argument in nonsense --nonsense ''; do
    cemm_exits "no such command: '$argument'" 2 "$argument"
  done
  cemm_exits 'an option before the command' 2 --config "$config" read
  has 'the message says that options come after the command' "$err" 'options must come after'
  for argument in nonsense prom ''; do
    read_exits "no such format: '$argument'" 2 --format "$argument"
  done
  for argument in --nonsense -f -fh --form=csv - --help=1 a/b/c nonsense/p1 "$one/" /p1 .. ''; do
    read_exits "read '$argument' is refused" 2 "$argument"
    is "read '$argument' prints no data" '' "$out"
  done
  read_exits '--format without a value' 2 --format
  cemm_exits 'list with an argument' 2 list --config "$config" p1
  cemm_exits 'list --format' 2 list --config "$config" --format csv
  cemm_exits 'discover with an argument' 2 discover --config "$config" p1
  cemm_exits 'discover --format' 2 discover --config "$config" --format csv
  for argument in 0 -1 0.05 86401 nan inf 1s '' 10x; do
    cemm_exits "stream --interval '$argument' is refused" 2 stream --config "$config" --interval "$argument"
  done
  cemm_exits 'stream --interval and --stdin' 2 stream --config "$config" --interval 1 --stdin
  cemm_exits 'stream --stdin=yes' 2 stream --config "$config" --stdin=yes
  cemm_exits 'stream --output without prometheus' 2 stream --config "$config" --output "$scratch/never"
  cemm_exits 'read --interval' 2 read --config "$config" --interval 1
  cemm_exits 'read --from' 2 read --config "$config" --from 2024-01-01
  cemm_exits 'history without --from' 2 history --config "$config"
  has 'the message names --from' "$err" '--from'
  for argument in 2024-02-30 2024-1-1 2024-01 yesterday '' 20240101; do
    cemm_exits "history --from '$argument' is refused" 2 history --config "$config" --from "$argument"
    cemm_exits "history --to '$argument' is refused" 2 history --config "$config" --from 2024-01-01 --to "$argument"
  done
  cemm_exits 'history --to before --from' 2 history --config "$config" --from 2024-01-02 --to 2024-01-01
  cemm_exits 'history --period week' 2 history --config "$config" --from 2024-01-02 --period week
  cemm_exits 'history --format prometheus' 2 history --config "$config" --from 2024-01-02 --format prometheus
  has 'the message names the format prometheus' "$err" 'prometheus'
  for argument in read stream; do
    cemm_exits "$argument --format openmetrics" 2 "$argument" --config "$config" --format openmetrics
    has 'the message says that openmetrics is for history' "$err" 'openmetrics is a format of history'
  done
  cemm_exits 'history of the future' 2 history --config "$config" --from 2099-01-01
}

# completes WORD…: prints what bash offers for the last word, sorted, in one line.
completes() (
  # shellcheck source=plugin/exec/cemm.bash
  . "$source_root/plugin/exec/cemm.bash"
  COMP_WORDS=(cemm "$@")
  COMP_CWORD=$#
  _cemm
  printf '%s\n' "${COMPREPLY[@]}" | LC_ALL=C sort | paste -sd ' '
)

completion() {
  local command
  is 'completes commands' '--help --version discover energy help history list read stream' "$(completes '')"
  is 'completes the rest of a command' 'stream' "$(completes st)"
  for command in discover list read stream history energy; do
    cemm_exits "$command --help" 0 "$command" --help
    is "completes all options of $command" \
      "$(grep -oE '^  --[a-z]+|^  --from D, --to' <<<"$out" | tr -d ' ' | LC_ALL=C sort -u | paste -sd ' ')" \
      "$(completes "$command" --)"
  done
  is 'completes formats' 'csv influx json prometheus putval table' "$(completes read --format '')"
  is 'completes the rest of a format' 'prometheus putval' "$(completes stream p1 --format p)"
  is 'completes the formats of history' 'csv influx json openmetrics putval table' "$(completes history --format '')"
  is 'completes the formats of energy' 'csv home-assistant influx json table' "$(completes energy --format '')"
  is 'completes the intervals of energy' 'day hour month quarter' "$(completes energy --by '')"
  is 'completes after =, which bash passes as a word' 'prometheus putval' "$(completes read --format = p)"
  is 'completes directly after =' 'csv influx json prometheus putval table' "$(completes read --format =)"
  is 'completes periods' 'day month year' "$(completes history --period '')"
  is 'completes files' "$config.key" "$(completes read --config "$config.k")"
  is 'completes nothing for a number' '' "$(completes stream --interval '')"
}

configuration() {
  local before
  before=$(requests .)
  exits 'CEMM_CONFIG names the file' 0 env "CEMM_CONFIG=$config" "$cemm" list
  before=$(requests .)
  cp "$config.key" "$scratch/open.key" && chmod 644 "$scratch/open.key"
  sed "s|^api-key-file.*|api-key-file = $scratch/open.key|" "$config" >"$scratch/open.conf"
  cemm_exits 'a key file that others can read' 2 read --config "$scratch/open.conf"
  has 'the message names the key file' "$err" "$scratch/open.key"
  is 'no request was sent' "$before" "$(requests .)"
  sed "s|^api-key-file.*|api-key-file = $scratch/none.key|" "$config" >"$scratch/none.conf"
  # Paths are relative to the file, or begin with ~/.
  mkdir "$scratch/home" && cp "$config.key" "$scratch/home/my.key" && cp "$config.key" "$scratch/beside.key"
  sed 's|^api-key-file.*|api-key-file = ~/my.key|; s|^directory.*|directory = ~/archive|' "$config" >"$scratch/paths.conf"
  exits 'a key in the home directory' 0 env HOME="$scratch/home" "$cemm" list --config "$scratch/paths.conf"
  sed 's|^api-key-file.*|api-key-file = beside.key|' "$config" >"$scratch/paths.conf"
  exits 'a key beside the file' 0 bash -c 'cd / && "$@"' - "$cemm" list --config "$scratch/paths.conf"
  before=$(requests .)
  cemm_exits 'a key file that does not exist' 2 read --config "$scratch/none.conf"
  sed 's|^api-key-file.*|api-key-file = 4e4f657261bc0d9e4f5a|' "$config" >"$scratch/pasted.conf"
  cemm_exits 'the key instead of its file' 2 read --config "$scratch/pasted.conf"
  has 'the message explains that a file is needed' "$err" 'if this is the key itself, write it into a file'
  hasnt 'the message does not have the key' "$err" 4e4f
  sed 's|^url.*|&\nurrl = x|' "$config" >"$scratch/typo.conf"
  cemm_exits 'an unknown key' 2 read --config "$scratch/typo.conf"
  has 'the message names file and line' "$err" "E! cemm: $scratch/typo.conf: line $(grep -n urrl "$scratch/typo.conf" | cut -d: -f1): "
  sed 's|^url.*|&\n&|' "$config" >"$scratch/twice.conf"
  cemm_exits 'a key that is set twice' 2 read --config "$scratch/twice.conf"
  has 'the message names file, line and key' "$err" "E! cemm: $scratch/twice.conf: line $(grep -n url "$scratch/twice.conf" | tail -n 1 | cut -d: -f1): url"
  cemm_exits 'a configuration that does not exist' 2 read --config "$scratch/no-such.conf"
  printf '[discovery]\nenabled = no\n' >"$scratch/empty.conf"
  cemm_exits 'a configuration without a source' 2 list --config "$scratch/empty.conf"
  has 'the message names the configuration' "$err" "E! cemm: $scratch/empty.conf: "
  is 'no request was sent' "$before" "$(requests .)"
}

failures() {
  sim_faults "status=502@*$two/s01/realtime*"
  read_exits 'one meter fails' 1 --format csv
  is 'the other meters are printed' "$(all_simulated "$one" "$two")" "$(of_csv <<<"$out")"
  check 'the message names the meter, with a prefix for Telegraf' grep -qE "^E! cemm: $two/s01: .*502" <<<"$err"
  is 'the meter that fails is reported once' 1 "$(wc -l <<<"$err")"
  read_exits 'a table shows the failure' 1 --format table
  # shellcheck disable=SC2016 # awk expands these
  check 'the failure is below its device' awk -v uid="$two" '
    $1 == uid { inside = 1 } inside && /^ +s01: .*502/ { found = 1 } END { exit !found }' <<<"$out"
  cemm_exits 'list shows the failure, too' 1 list --config "$config"
  has 'list names the meter that fails' "$out" 's01: '
  sim_faults 'garbage@*/p1/realtime*'
  read_exits 'an answer that is not a document' 1 --format influx p1
  is 'influx is empty' '' "$out"
  sim_faults

  sed "s|^api-key-file.*|api-key-file = $scratch/wrong.key|" "$config" >"$scratch/wrong.conf"
  write_key "$scratch/wrong.key" wrong-key-0123456789
  cemm_exits 'a wrong key' 1 read --config "$scratch/wrong.conf" --format json
  is 'json is an empty array' '[]' "$out"
  has 'the message says 403' "$err" '403'
  hasnt 'the message does not have the wrong key' "$err" 'wrong-key'

  sed 's|^url = .*|&nope/|' "$config" >"$scratch/nope.conf"
  cemm_exits 'a URL without the API' 1 list --config "$scratch/nope.conf"
  is 'the message names the address' \
    "E! cemm: cloud home: list of devices of ${sim_cloud}nope/: there is no CEMM API at this address (HTTP 404)" "$err"

  printf '[local nowhere]\naddress = 127.0.0.1:1\ntimeout = 2\n' >"$scratch/nowhere.conf"
  cemm_exits 'a device that cannot be reached' 1 read --config "$scratch/nowhere.conf"
  check 'an error message names the source' grep -q '^E! .*nowhere' <<<"$err"
  is 'a device that cannot be reached is reported once' 1 "$(wc -l <<<"$err")"
  cat "$config" "$scratch/nowhere.conf" >"$scratch/both.conf"
  cemm_exits 'one source of two' 1 read --config "$scratch/both.conf" --format csv
  is 'the meters of the other source are printed' "$(all_simulated "$one" "$two")" "$(of_csv <<<"$out")"

  # With one of these limits there are enough descriptors to start the sweep but not to wait for answers.
  local limit
  for limit in {4..12}; do
    (ulimit -n "$limit" && "$cemm" read --config "$config" --format csv 2>&1 >/dev/null) || echo "code $?"
  done >"$scratch/limits"
  if pkg-config --atleast-version=8.14 libcurl; then
    left_out 'an aborted sweep says why' 'since 8.14 libcurl waits without an additional descriptor'
  else
    check 'an aborted sweep says why' \
      grep -qxF 'E! cemm: the meters could not be read: Too many open files' "$scratch/limits"
  fi
  # With the lowest limits, libraries cannot be loaded.
  is 'with few descriptors, cemm ends with a message and an exit code' '' "$(grep -vE '^[EW]! |^code (1|2|127)$|: error while loading shared libraries: ' "$scratch/limits" || true)"
}

# If many requests fail for the same reason, the reason is reported once.
causes() {
  local yesterday dead=$scratch/dead.conf
  local both=("$one/p1" "$two/s01")
  yesterday=$(date -d yesterday +%F)
  cemm_exits 'two meters, and a wrong key' 1 read --config "$scratch/wrong.conf" "${both[@]}"
  is 'two meters, and a wrong key: one message' 1 "$(wc -l <<<"$err")"
  has 'the message names both meters' "$err" "E! cemm: $one/p1, $two/s01: cloud home: "
  exits 'a table with its messages' 1 bash -c '"$@" 2>&1' - "$cemm" list --config "$scratch/wrong.conf"
  is 'a table with its messages says once that the key is wrong' 1 "$(grep -c 'rejected this key' <<<"$out")"
  rm -rf "$config.archive"
  cemm_exits 'history with a wrong key' 1 history --config "$scratch/wrong.conf" --from "$yesterday"
  is 'history says once that the key is wrong' 1 "$(grep -c 'rejected this key' <<<"$err")"
  has 'history reports the wrong key as an error' "$err" 'E! cemm: cloud home: '
  cemm_exits 'history of two meters with a wrong key' 1 history --config "$scratch/wrong.conf" --from "$yesterday" --to "$yesterday" "${both[@]}"
  is 'history of two meters says once that the key is wrong' 1 "$(grep -c 'rejected this key' <<<"$err")"
  has 'history names both meters' "$err" "E! cemm: $one/p1, $two/s01 $yesterday: failed, see above"

  printf '[cloud home]\nurl = http://127.0.0.1:9/v1/\napi-key-file = %s\ndevice = %s\ndevice = %s\n' \
    "$scratch/wrong.key" "$one" "$two" >"$dead"
  cemm_exits 'a cloud that cannot be reached' 1 read --config "$dead"
  has 'a cloud that cannot be reached: the message names the devices' "$err" "E! cemm: $one, $two: cloud home: the cloud can't be reached: the port is closed"
  is 'a cloud that cannot be reached: one message' 1 "$(wc -l <<<"$err")"

  start_sim --devices 1 --lan 1 --meters p1,s01
  printf '[archive]\ndirectory = %s\n[local garage]\naddress = %s\n' "$dead.archive" "${sim_lan[0]}" >"$dead"
  sim_faults 'reset-at-once@*/p1/realtime*' 'reset-at-once@*/s01/realtime*'
  cemm_exits 'a device that does not answer' 1 read --config "$dead"
  is 'a device that does not answer: one message with its meters' "E! cemm: $one/p1, $one/s01: local garage: the connection broke" "$err"
  exits 'list of a device that does not answer' 1 bash -c '"$@" 2>&1' - "$cemm" list --config "$dead"
  is 'list reports its meters once, below the device' 1 "$(grep -c '^  p1, s01: local garage: the connection broke' <<<"$out")"
  stop "$sim_pid"
}

output() {
  local file=$scratch/out/meters.csv inode mask
  mask=$(umask)
  mkdir "$scratch/out"
  umask 022
  read_exits '--output' 0 --format csv --output "$file"
  is '--output: nothing on stdout' '' "$out"
  is '--output: the file has all samples' "$(all_simulated "$one" "$two")" "$(of_csv <"$file")"
  is '--output: a new file has mode 0644' 644 "$(stat -c %a "$file")"
  inode=$(stat -c %i "$file")
  chmod 640 "$file"
  umask 077
  read_exits '--output to an existing file' 0 --output "$file"
  refute 'the existing file is replaced by a new one' test "$inode" = "$(stat -c %i "$file")"
  is 'the new file has the mode of the old one' 640 "$(stat -c %a "$file")"
  ln -s not/../dangling "$scratch/out/to"
  mkdir "$scratch/out/not"
  read_exits '--output to a link whose target does not exist yet' 0 --format csv --output "$scratch/out/to"
  umask "$mask"
  is 'the link stays, and leads to a new file' 'not/../dangling 600' "$(readlink "$scratch/out/to") $(stat -L -c %a "$scratch/out/to")"
  ln -s loop "$scratch/out/loop"
  read_exits '--output to a link loop' 2 --output "$scratch/out/loop"
  has 'the message says that links form a loop' "$err" "$scratch/out/loop: Too many levels of symbolic links"
  rm -r "$scratch/out"/{to,loop,not,dangling}
  if [[ $(id -u) == 0 ]]; then
    install -m 600 -o nobody -g nogroup /dev/null "$file"
    read_exits "--output to another user's file" 0 --output "$file"
    is "another user's file keeps its owner, group and mode" 'nobody nogroup 600' "$(stat -c '%U %G %a' "$file")"
    rm "$file"
    read_exits "another user's file is removed: it is written again" 0 --output "$file"
  else
    left_out "another user's file keeps its owner" 'needs root'
  fi
  has '--output without a format writes influx' "$(<"$file")" 'cemm,uid='
  ln -s meters.csv "$scratch/out/link"
  read_exits '--output to a symbolic link' 0 --format json --output "$scratch/out/link" s01
  check 'the link stays a link' test -L "$scratch/out/link"
  is 'the target of the link is replaced' 2 "$(jq length "$file")"

  cp "$file" "$scratch/before"
  read_exits 'a directory that does not exist' 2 --output "$scratch/none/file"
  read_exits 'a directory as the file' 2 --output "$scratch/out"
  read_exits 'a device as the file' 2 --output /dev/null
  check 'the device stays a device' test -c /dev/null
  # Before the program starts, TSan writes to $TMPDIR if that directory exists. The limit does not allow
  # this, so $TMPDIR is a directory that does not exist.
  (export TMPDIR=$scratch/none && ulimit -f 0 && "$cemm" read --config "$config" --output "$file" 2>&1 || echo "exit $?") |
    cat >"$scratch/full"
  is 'no room to write: exit code 1' 'exit 1' "$(tail -n 1 "$scratch/full")"
  has 'no room to write: there is an error message' "$(<"$scratch/full")" "E! cemm: $file: "
  check 'no room to write: the old file stays' cmp "$scratch/before" "$file"
  local format
  for format in influx json csv putval table; do
    read_exits "no meter at all, $format" 1 --output "$file" --format "$format" s77
    check "no meter at all, $format: the old file stays" cmp "$scratch/before" "$file"
    has "no meter at all, $format: the message says that the file was not changed" "$err" "E! cemm: $file: not changed, because there was no sample"
  done
  cemm_exits 'list, with a cloud that fails' 1 list --config "$scratch/nowhere.conf" --output "$file"
  check 'list leaves the old file, too' cmp "$scratch/before" "$file"
  cemm_exits 'history of no meter' 1 history --config "$config" --from 2024-05-01 --output "$file" s77
  local day
  day=$(date -d yesterday +%F)
  sim_faults 'status=502@*/data/*'
  for format in influx json csv putval table; do
    cemm_exits "history that fails, $format" 1 history --config "$config" --from "$day" --to "$day" \
      --output "$file" --format "$format" s01
    check "history that fails, $format: the old file stays" cmp "$scratch/before" "$file"
    has "history that fails, $format: the message says that the file was not changed" "$err" "E! cemm: $file: not changed, because there was no sample"
  done
  sim_faults
  cemm_exits 'history of days without data' 1 history --config "$config" --from 2010-01-01 \
    --to 2010-01-02 --output "$file" s01
  check 'history of days without data leaves the old file' cmp "$scratch/before" "$file"
  read_exits '--output with one meter of two' 1 --output "$scratch/out/part" --format csv s77 "$one/s01"
  is 'the meter that answers is written' 2 "$(wc -l <"$scratch/out/part")"
  sim_faults "status=502@*/s01/realtime*"
  read_exits 'prometheus, if all meters fail' 1 --output "$scratch/out/part" --format prometheus "$one/s01"
  is 'the file says that the meter is down' "cemm_up{uid=\"$one\",alias=\"s01\"} 0" "$(grep '^cemm_up' "$scratch/out/part")"
  sim_faults
  rm "$scratch/out/part"
  read_exits 'a wrong option' 2 --output "$file" --format nonsense
  check 'a wrong option does not change the file' cmp "$scratch/before" "$file"
  is 'no other file is left' "$(printf 'link\nmeters.csv')" "$(ls -A "$scratch/out")"
}

# Runs cemm in the background while the meters do not answer: checks what other processes see, and how
# signals and a closed or full stdout end it.
signals() {
  local pid name number
  write_config "$scratch/patient.conf" 'timeout = 3600'
  for name in INT TERM; do
    number=$(kill -l "$name")
    sim_faults 'stall@*/realtime*'
    : >"$sim_log"
    env --default-signal=INT "$cemm" read --config "$scratch/patient.conf" --output "$scratch/out/never" \
      >"$scratch/stdout" 2>"$scratch/stderr" &
    pid=$!
    started "$pid"
    check "$name: it waits for meters" wait_for 20 grep -q realtime "$sim_log"
    hasnt "$name: no key among the arguments" "$(tr '\0' ' ' <"/proc/$pid/cmdline")" "$sim_key"
    hasnt "$name: no key in the environment" "$(tr '\0' ' ' <"/proc/$pid/environ")" "$sim_key"
    check "$name: no core files" grep -qE '^Max core file size +0 +0 ' "/proc/$pid/limits"
    kill -s "$name" "$pid"
    ends "$name: it ends" "$pid"
    stop "$pid"
    is "$name: ended by that signal" $((128 + number)) "$stopped"
    cat "$scratch/stdout" "$scratch/stderr" >>"$all_output"
  done
  is 'no file is left' "$(printf 'link\nmeters.csv')" "$(ls -A "$scratch/out")"
  sim_faults

  local status=0
  mkfifo "$scratch/gone"
  exec 8<>"$scratch/gone" 7>"$scratch/gone" 8<&- # a pipe without a reader
  "$cemm" read --config "$config" >&7 2>"$scratch/stderr" || status=$?
  exec 7>&-
  is 'without a reader, SIGPIPE ends cemm' 141 "$status"
  is 'SIGPIPE: there is no message' '' "$(<"$scratch/stderr")"
  exits 'stdout that is full' 1 bash -c '"$@" >/dev/full' - "$cemm" read --config "$config"
  has 'stdout that is full: there is an error message' "$err" 'E! cemm: stdout: '
  exits 'stdout that is closed' 1 bash -c '"$@" >&-' - "$cemm" read --config "$config"
}

# on_terminal ARGUMENT…: runs cemm with a terminal as stdout and stderr. Sets $screen to its content.
on_terminal() {
  local command status=0
  command=$(printf '%q ' "$cemm" "$@")
  TERM=vt100 script -qec "$command" /dev/null </dev/null >"$scratch/screen" || status=$?
  screen=$(tr -d '\r' <"$scratch/screen")
  cat "$scratch/screen" >>"$all_output"
  return "$status"
}

terminal() {
  command -v script >/dev/null || return 0
  check 'on a terminal' on_terminal read --config "$config"
  on_terminal read --config "$config" || true
  has 'a terminal gets a table' "$screen" 'DEVICE '
  on_terminal list --config "$config" || true
  has 'list says where channels are explained' "$screen" 'cemm(1) explains meters and channels'
  quick() {
    local begun
    begun=$(now_ms)
    on_terminal read --config "$config"
    (($(now_ms) - begun < 2000))
  }
  wait_for 30 quick || not_ok 'cemm reads all meters within 2 s'
  hasnt 'no progress is shown if reading is quick' "$screen" ' of '
  on_terminal read --config "$config" s02 || true
  has 'the table shows problems' "$screen" 's02: '
  hasnt 'problems in the table are not also printed as messages' "$screen" 'cemm: '
  on_terminal read --config "$config" --format influx nothing || true
  has 'messages begin with the name of the program' "$screen" 'cemm: nothing: '
  sim_faults "status=502@*/s01/realtime*"
  on_terminal read --config "$config" || true
  hasnt 'failures that the library logs are only in the table' "$screen" 'cemm: '
  sim_faults "delay=6000@*$two/s01/realtime*"
  on_terminal read --config "$config" || true
  has 'progress is shown if reading takes long' "$screen" '5 of 6 meters …'
  is 'progress is shown once for each meter' 1 "$(grep -o '5 of 6' <<<"$screen" | wc -l)"
  has 'progress is erased at the end' "$screen" $'6 meters …\e[K'
  sim_faults
}

# Tests the table on terminals of 80 and 150 columns, and in watch(1), which reads it through a pipe.
narrow() {
  command -v script >/dev/null || return 0
  local command
  command=$(printf '%q ' "$cemm" read --config "$config")
  script -qec "stty cols 80; $command" /dev/null </dev/null | tr -d '\r' >"$scratch/screen"
  is '80 columns: no line is longer' '' "$(grep -E '^.{81}' "$scratch/screen" || true)"
  is '80 columns: titles' 'DEVICE METER CHANNEL VALUE UNIT TIME AGE' "$(head -n 1 "$scratch/screen" | tr -s ' ')"
  is '80 columns: the source is below its device' 2 "$(grep -cE '^cloud home +(t2|electric_power)' "$scratch/screen")"
  script -qec "stty cols 150; $command" /dev/null </dev/null | tr -d '\r' >"$scratch/screen"
  is '150 columns: titles' 'DEVICE METER CHANNEL VALUE UNIT TIME AGE SOURCE' "$(head -n 1 "$scratch/screen" | tr -s ' ')"
  command -v watch >/dev/null || return 0
  : >"$scratch/screen"
  TERM=vt100 script -qec "stty cols 80 rows 40; timeout --foreground 20 watch -t -n 1 $command --format table" /dev/null </dev/null >"$scratch/screen" 2>&1 &
  local pid=$!
  started "$pid"
  check 'watch: prints a table' wait_for 15 grep -q 'DEVICE.*CHANNEL.*AGE' "$scratch/screen"
  stop "$pid"
  is 'watch: no line is longer than COLUMNS' '' "$(COLUMNS=80 "$cemm" read --config "$config" --format table | grep -E '^.{81}' || true)"
}

# Tests the LAN together with the cloud, and meters whose clock is two hours ahead, so that even their
# last full hour is in the future.
lan_and_clock() {
  start_sim --devices 2 --lan 1 --meters p1,s01 --now "$1" --speed 0
  write_config "$scratch/lan.conf"
  printf '\n[local garage]\naddress = %s\n' "${sim_lan[0]}" >>"$scratch/lan.conf"
  cemm_exits 'list with LAN and cloud' 0 list --config "$scratch/lan.conf"
  is 'list has each device once' 2 "$(grep -c 00-1E- <<<"$out")"
  has 'list: the LAN, which answered, and the cloud reach one device' "$(grep "$one" <<<"$out")" "local garage, cloud home  ${sim_lan[0]}"
  is 'list, json: the LAN and the cloud are the sources of that device' '["local garage","cloud home"]' \
    "$("$cemm" list --config "$scratch/lan.conf" --format json | jq -c ".[] | select(.uid == \"$one\" and .alias == \"p1\").sources")"
  has 'list: the cloud reaches the other device' "$(grep "$two" <<<"$out")" 'cloud home'
  printf '[local garage]\naddress = %s\n' "${sim_lan[0]}" >"$scratch/lan.conf"
  cemm_exits 'read with the LAN only' 0 read --config "$scratch/lan.conf" --format csv
  is 'read with the LAN only prints one device' "$one" "$(tail -n +2 <<<"$out" | cut -d, -f1 | sort -u)"

  start_sim --devices 1 --meters p1,p1-gas,s01 --now $(($1 + 7200)) --speed 0
  write_config "$scratch/ahead.conf"
  local format
  for format in csv influx json table; do
    cemm_exits "samples of the future, $format" 1 read --config "$scratch/ahead.conf" --format "$format"
    hasnt "samples of the future, $format: no time is printed" "$out" "$(date -d "@$(($1 + 7200))" +%Y-%m-%d)"
    is "samples of the future, $format: no value is printed" '' "$(grep -E 'electric_power.*[0-9]' <<<"${out//$one/}" || true)"
    is "samples of the future, $format: a message for each meter" 3 "$(grep -cE "^E! cemm: $one/[a-z0-9-]+: .*its samples lie more than 15 minutes ahead" <<<"$err")"
    [[ $format != json ]] || check 'samples of the future: the json is complete' jq -e 'type == "array"' <<<"$out"
  done
}

# Meters that are in no list: a LAN device without io is asked for each documented alias, including 247
# Modbus aliases. One of the two devices has mb5.
by_name() {
  local garage shed first second command file=$scratch/by-name.conf
  start_sim --devices 1 --lan 1 --firmware 2.18 --meters p1,mb5 --now "$1" --speed 0
  garage=${sim_lan[0]}
  first=$sim_log
  start_sim --devices 1 --first 2 --lan 1 --firmware 2.18 --meters p1 --now "$1" --speed 0
  shed=${sim_lan[0]}
  second=$sim_log
  printf 'time-zone = Europe/Amsterdam\n\n[archive]\ndirectory = %s\n\n' "$file.archive" >"$file"
  printf '[local garage]\naddress = %s\n\n[local shed]\naddress = %s\n' "$garage" "$shed" >>"$file"
  cemm_exits 'uid/alias that is in no list' 0 read --config "$file" --format csv "$one/mb5"
  local want=$out
  cemm_exits 'only the alias' 0 read --config "$file" --format csv mb5
  is 'the alias finds the same meter' "$want" "$out"
  is 'there is no message about the device without mb5' '' "$err"
  check 'the device without mb5 was asked for it' grep -q " /open-api/v1/mb5/realtime/ - 404" "$second"
  cemm_exits 'two aliases' 0 read --config "$file" --format csv mb5 p1
  is 'two aliases: three meters' "$one,mb5 $one,p1 $two,p1 " "$(tail -n +2 <<<"$out" | cut -d, -f1,2 | sort -u | tr '\n' ' ')"
  cemm_exits 'uid/alias, and an alias' 0 read --config "$file" --format csv "$one/mb5" p1
  is 'uid/alias, and an alias: three meters' "$one,mb5 $one,p1 $two,p1 " "$(tail -n +2 <<<"$out" | cut -d, -f1,2 | sort -u | tr '\n' ' ')"
  cemm_exits 'alias and uid/alias of one meter' 0 read --config "$file" --format csv "$one/mb5" mb5
  is 'alias and uid/alias of one meter: printed once' "$want" "$out"
  cemm_exits 'uid/alias of the device without mb5' 1 read --config "$file" --format csv "$two/mb5" p1
  check 'an error names that uid/alias' grep -q "^E! cemm: $two/mb5: " <<<"$err"
  cemm_exits 'an alias that no device has' 1 read --config "$file" mb6
  is 'an alias that no device has: one message' 'E! cemm: mb6: there is no such meter, or it was not found' "$err"
  : >"$first"
  cemm_exits 'an invalid alias' 1 read --config "$file" mb248
  is 'an invalid alias: the same message' 'E! cemm: mb248: there is no such meter, or it was not found' "$err"
  is 'an invalid alias: no request' 0 "$(grep -c mb248 "$first" || true)"
  exits 'stream of an alias' 0 "$cemm" stream --stdin --config "$file" --format csv mb5 <<<''
  is 'stream prints that meter' "$one,mb5" "$(tail -n +2 <<<"$out" | cut -d, -f1,2 | sort -u)"
  is 'stream prints no message' '' "$err"
  local range=(--from "$(date -d "@$(($1 - 86400))" +%F)" --to "$(date -d "@$(($1 - 86400))" +%F)")
  cemm_exits 'history, uid/alias' 0 history --config "$file" --format csv "${range[@]}" "$one/mb5"
  want=$out
  cemm_exits 'history, only the alias' 0 history --config "$file" --format csv "${range[@]}" mb5
  is 'history, only the alias: the same meter' "$want" "$out"
  is 'history, only the alias: no message' '' "$err"
  cemm_exits 'history of an alias that no device has' 1 history --config "$file" "${range[@]}" mb6
  is 'history of an alias that no device has: one message' 'E! cemm: mb6: there is no such meter, or it was not found' "$err"

  sim_faults "status=502@*/mb5/realtime*"
  cemm_exits 'one device fails' 1 read --config "$file" --format csv mb5
  is 'the meter of the other device is printed' "$one,mb5" "$(tail -n +2 <<<"$out" | cut -d, -f1,2 | sort -u)"
  check 'the failure is reported' grep -q "^E! cemm: $two/mb5: .*502" <<<"$err"
  cemm_exits 'history, if one device fails' 1 history --config "$file" --format csv "${range[@]}" mb5
  is 'history prints what arrived' "$want" "$out"
  check 'history reports the failure' grep -q "^E! cemm: $two/mb5: .*502" <<<"$err"
  stop "$sim_pid"
  cemm_exits 'one device is off' 1 read --config "$file" --format csv mb5
  is 'the meter of the other device is still printed' "$one,mb5" "$(tail -n +2 <<<"$out" | cut -d, -f1,2 | sort -u)"
  printf '[cloud nowhere]\nurl = http://127.0.0.1:1/v1/\napi-key-file = %s\ndevice = %s\n' "$config.key" "$one" >"$file"
  for command in read 'history --from 2024-05-01'; do
    # shellcheck disable=SC2086 # words
    cemm_exits "$command of a device that is off" 1 $command --config "$file" mb5
    is "$command reports the device once" 1 "$(grep -c "^E! cemm: $one" <<<"$err")"
    has "$command reports that the alias was not found" "$err" 'E! cemm: mb5: there is no such meter, or it was not found'
  done
}

# Runs the example as Telegraf would, in both ways that it describes.
telegraf() {
  local example=$source_root/examples/telegraf.conf words
  # The second way is in a comment. Both must be valid TOML.
  sed -E '/^# \[\[inputs.exec\]\]/,$ s/^# ?//' "$example" >"$scratch/telegraf.conf"
  local values='
import sys, tomllib
inputs = tomllib.load(open(sys.argv[1], "rb"))["inputs"]
exec, execd = inputs["exec"][0], inputs["execd"][0]
assert exec["data_format"] == execd["data_format"] == "influx" and execd["signal"] == "STDIN"
print(*(execd["command"] if sys.argv[2] == "execd" else exec["commands"][0].split()), sep="\n")'
  mapfile -t words < <(python3 -c "$values" "$scratch/telegraf.conf" execd |
    sed "s|^/etc/cemm/telegraf.conf$|$config|")
  is 'execd runs a stream' 'cemm stream' "${words[*]:0:2}"
  exits 'the command of execd, with one newline' 0 "$cemm" "${words[@]:1}" <<<''
  is 'the command of execd prints all samples as influx' "$(all_simulated "$one" "$two")" "$(of_influx <<<"$out")"
  mapfile -t words < <(python3 -c "$values" "$scratch/telegraf.conf" exec |
    sed "s|^/etc/cemm/telegraf.conf$|$config|")
  is 'exec reads once' 'cemm read' "${words[*]:0:2}"
  exits 'the command of exec' 0 "$cemm" "${words[@]:1}"
  is 'the command of exec prints all samples as influx' "$(all_simulated "$one" "$two")" "$(of_influx <<<"$out")"
}

now=$(date +%s)
start_sim --devices 2 --promise 100 --now "$now" --speed 0
write_config "$config"
formats
table
meters
usage
completion
configuration
failures
output
signals
terminal
narrow
telegraf
lan_and_clock "$now"
by_name "$now"
causes
is 'the key is nowhere in the output' 0 "$(grep -cF "$sim_key" "$all_output" || true)"
finish
