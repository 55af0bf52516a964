#!/usr/bin/env bash
# tls.sh BUILD_DIR: TLS with valid certificates, and with certificates that are each invalid in a different
# way; all are made here. There is one simulated cloud per case; a kernel mount, the program and a real
# collectd each use all of these clouds at once. A cloud with valid TLS is read. A cloud with invalid
# TLS is refused before any request is sent, with a message that names the cloud and says what to do.
# It does not affect the other clouds; once its fault is fixed, it is read without intervention.
# shellcheck disable=SC1091,SC2154
set -euo pipefail
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/collectd-lib.sh"
. "$(dirname "$0")/certs-lib.sh"
. "$(dirname "$0")/key-lib.sh"
begin "$@"
[[ -c /dev/fuse && -r /dev/fuse && -w /dev/fuse ]] || skip '/dev/fuse cannot be opened'
command -v openssl >/dev/null || skip 'openssl is not installed'
collectd_begin
the_search_finds_keys

export TZ=Europe/Amsterdam LC_ALL=C
m=$scratch/m
run=$scratch/collectd
conf_file=$scratch/cemm.conf
readonly only=NORMAL:-VERS-ALL:+VERS-TLS # the version is appended

# ---- the clouds: NAME CERTIFICATE (-: no TLS) TLS_VERSION (-: any) CA_FILE (-: none) FAULT (-: none)
# EXPECTED_ERRNO (-: success) EXPECTED_MESSAGE
readonly table='
tls              good     -    ca      -                   -
tls-1.2          good     1.2  ca      -                   -
tls-1.3          good     1.3  ca      -                   -
tls-1.0          good     1.0  ca      -                   EHOSTUNREACH  no TLS connection (1.2 or later) can be made
tls-1.1          good     1.1  ca      -                   EHOSTUNREACH  no TLS connection (1.2 or later) can be made
no-tls           -        -    ca      -                   EHOSTUNREACH  no TLS connection (1.2 or later) can be made
self-signed      self     -    ca      -                   EHOSTUNREACH  self-signed (to trust it, set ca-file)
unknown-ca       unknown  -    ca      -                   EHOSTUNREACH  signed by an unknown authority (to trust it, set ca-file)
no-ca-file       good     -    -       -                   EHOSTUNREACH  signed by an unknown authority (to trust it, set ca-file)
broken-ca-file   good     -    broken  -                   EHOSTUNREACH  the ca-file contains no usable certificate
cut-ca-file      good     -    cut     -                   EHOSTUNREACH  the ca-file contains no usable certificate
expired          expired  -    ca      -                   EHOSTUNREACH  has expired (or is this machine
not-yet-valid    early    -    ca      -                   EHOSTUNREACH  is not valid yet (is this machine
wrong-name       name     -    ca      -                   EHOSTUNREACH  is for another host (is the address right?)
refused          good     -    ca      gone                EHOSTUNREACH  the cloud can'\''t be reached: the port is closed (check the url, or the proxy
handshake-stall  good     -    ca      stop                ETIMEDOUT     no answer in time
redirect         good     -    ca      redirect            EIO           unexpected answer: HTTP 302
redirect-http    good     -    ca      redirect-http       EIO           unexpected answer: HTTP 302
redirect-port    good     -    ca      redirect-port=TRAP  EIO           unexpected answer: HTTP 302
'
rows() { awk 'NF' <<<"$table"; }

make_all_certificates() {
  local here=IP:127.0.0.1,DNS:localhost
  make_ca ca && make_ca other &&
    make_cert good ca '-1 day' '+10 days' "$here" &&
    make_cert unknown other '-1 day' '+10 days' "$here" &&
    make_cert expired ca '-10 days' '-1 day' "$here" &&
    make_cert early ca '+1 day' '+10 days' "$here" &&
    make_cert name ca '-1 day' '+10 days' DNS:elsewhere.example &&
    make_self_signed self "$here"
}
make_all_certificates >"$scratch/openssl.log" 2>&1 || { echo "Bail out! openssl: $(<"$scratch/openssl.log")"; exit 1; }
mkdir "$scratch/broken" "$scratch/cut" # for files that look like certificates but are not
head -c 600 "$scratch/ca/ca.pem" >"$scratch/cut/ca.pem"
printf -- '-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n' >"$scratch/broken/ca.pem"

declare -A pid log url uid
trap_log=

# start_cloud NAME NUMBER CERT VERSION FAULT PORT: starts a cloud with the device of that number.
start_cloud() {
  local options=(--first "$2" --devices 1 --meters p1 --since "$since" --cloud-port "$6")
  [[ $3 == - ]] || options+=(--tls-cert "$scratch/$3.pem" --tls-key "$scratch/$3.tls")
  [[ $4 == - ]] || options+=(--tls-priority "$only$4")
  case $5 in
    - | stop | gone) ;;
    *) options+=(--fault "${5/TRAP/$trap_port}@*") ;;
  esac
  start_sim "${options[@]}"
  if [[ $5 == stop ]]; then kill -s STOP "$sim_pid"; fi
  if [[ $5 == gone ]]; then stop "$sim_pid"; fi
  pid[$1]=$sim_pid
  log[$1]=$sim_log
  url[$1]=${sim_cloud/http:/https:}
  uid[$1]=$(printf '00-1E-C0-00-00-%02X' "$2")
}

port_of() {
  local port=${url[$1]##*:}
  echo "${port%%/*}"
}

# ---- all of them at once ------------------------------------------------------------

start_sim --first 200 --devices 1 --meters p1 # the target of a redirection
trap_log=$sim_log
trap_port=${sim_cloud##*:}
trap_port=${trap_port%%/*}
start_sim --first 100 --devices 1 --meters p1 --since "$since" # a healthy cloud, without TLS
healthy=00-1E-C0-00-00-64
write_config "$conf_file"
{
  echo '<Plugin cemm>'
  echo 'TimeZone "Europe/Amsterdam"'
} >"$scratch/collectd-block"
number=0
while read -r name cert version ca fault _; do
  number=$((number + 1))
  start_cloud "$name" "$number" "$cert" "$version" "$fault" 0
  timeout=120
  [[ $fault != stop ]] || timeout=6 # because this cloud times out
  {
    printf '\n[cloud %s]\nurl = %s\napi-key-file = %s.key\ntimeout = %s\ndevice = %s\n' \
      "$name" "${url[$name]}" "$conf_file" "$timeout" "${uid[$name]}"
    [[ $ca == - ]] || echo "ca-file = $scratch/$ca/ca.pem"
  } >>"$conf_file"
  {
    printf '<Cloud "%s">\nURL "%s"\nApiKeyFile "%s.key"\nTimeout %s\nInterval 1\nDevice "%s"\n' \
      "$name" "${url[$name]}" "$conf_file" "$timeout" "${uid[$name]}"
    [[ $ca == - ]] || printf 'CAFile "%s"\n' "$scratch/$ca/ca.pem"
    echo '</Cloud>'
  } >>"$scratch/collectd-block"
done < <(rows)
export CEMM_CONFIG=$conf_file
conf "$run" < <(cat "$scratch/collectd-block" && echo '</Plugin>')
start_collectd "$run"
mkdir "$m"
"$build/fs/cemmfs" "$conf_file" "$m" -f -o realtime_ttl=0 2>"$scratch/fs.log" &
fs_pid=$!
started "$fs_pid"
mounted "$m"
wait_for 10 cat "$m/status" || { echo "Bail out! cemmfs did not mount: $(<"$scratch/fs.log")"; exit 1; }

exits 'the program: some meters were printed' 1 "$build/plugin/exec/cemm" read --format csv
printf '%s' "$out" >"$scratch/read.out"
printf '%s' "$err" >"$scratch/read.err"

errno_words() {
  case $1 in
    EIO) echo 'Input/output error' ;;
    ETIMEDOUT) echo 'Connection timed out' ;;
    EHOSTUNREACH) echo 'No route to host' ;;
  esac
}

read_file() {
  cat "$m/$1/p1/realtime.csv"
}

# status_of NAME: prints the cloud's entry in `status`.
status_of() {
  awk -v name="source cloud $1" '/^[a-z]/ { on = $0 == name } on' "$m/status"
}

# in_log FILE NAME WORDS: whether a line has the cloud's name and WORDS.
in_log() {
  grep -F "cloud $2: " "$1" | grep -F -- "$3" >/dev/null
}

good_one() {
  local name=$1
  check "$name: the mount reads it" read_file "${uid[$name]}"
  has "$name: the program reads it" "$(<"$scratch/read.out")" "${uid[$name]},p1,electric_power,"
  check "$name: collectd gets its values" wait_for 20 has_lines 1 "${uid[$name]}" power-p1-electric_power
}

bad_one() {
  local name=$1 fault=$2 errno=$3 words=$4 message
  message=$(read_file "${uid[$name]}" 2>&1) || true
  is "$name: the mount says $errno" "$(errno_words "$errno")" "${message##*: }"
  has "$name: status says why" "$(status_of "$name")" "$words"
  hasnt "$name: the program has no value of it" "$(<"$scratch/read.out")" "${uid[$name]}"
  check "$name: the program names the cloud and says why" in_log "$scratch/read.err" "$name" "$words"
  check "$name: cemmfs logs the name of the cloud and why" in_log "$scratch/fs.log" "$name" "$words"
  check "$name: collectd logs the name of the cloud and why" wait_for 20 in_log "$run/log" "$name" "$words"
  refute "$name: collectd has no value of it" has_lines 1 "${uid[$name]}" power-p1-electric_power
  [[ $fault == redirect* ]] || is "$name: no request was sent" '' "$(<"${log[$name]}")"
}

check 'the healthy cloud, configured with http://, is read' read_file "$healthy"
while read -r name _ _ _ fault errno words; do
  if [[ $errno == - ]]; then good_one "$name"; else bad_one "$name" "$fault" "$errno" "$words"; fi
done < <(rows)
is 'no redirection was followed' '' "$(<"$trap_log")"
no_key 'after all of them'
no_core cemmfs "$fs_pid"

# Another client accepts the TLS versions that our programs refused, so the simulator was not simply
# broken.
for version in 1.0 1.1; do
  is "the simulator speaks TLS $version" 200 "$(curl -s -o "$scratch/answer" -w '%{http_code}' --cacert "$scratch/ca/ca.pem" \
    --tlsv1.0 --tls-max "$version" --ciphers DEFAULT@SECLEVEL=0 "${url[tls-$version]}cemm/?api_key=$sim_key")"
done
is 'the trap would have answered' 200 \
  "$(curl -s -o "$scratch/answer" -w '%{http_code}' "http://127.0.0.1:$trap_port/v1/cemm/?api_key=$sim_key")"

# ---- with the faults fixed -------------------------------------------------------------

number=0
while read -r name _ _ ca _ errno _; do
  number=$((number + 1))
  [[ $errno != - && $ca == ca ]] || continue
  kill -s CONT "${pid[$name]}" 2>/dev/null || true # the simulator may have ended
  stop "${pid[$name]}"
  start_cloud "$name" "$number" good - - "$(port_of "$name")"
done < <(rows)
while read -r name _ _ ca _ errno _; do
  [[ $errno != - && $ca == ca ]] || continue
  check "$name: after correction, the mount reads it" wait_for 30 read_file "${uid[$name]}"
  check "$name: after correction, collectd gets its values" wait_for 240 has_lines 1 "${uid[$name]}" power-p1-electric_power
done < <(rows)
stop_collectd 'after all of them' "$run"

# ---- the system's certificates ---------------------------------------------------------------

# trusting CA COMMAND…: runs the command as on a machine that trusts only this CA.
trusting() {
  local certs=$scratch/certs-$1
  mkdir -p "$certs"
  cp "$scratch/$1/ca.pem" "$certs/ca-certificates.crt"
  cp "$scratch/$1/ca.pem" "$certs/$(openssl x509 -noout -hash -in "$scratch/$1/ca.pem").0"
  shift
  "${as_root_of_mounts[@]}" sh -c 'mount --bind "$1" /etc/ssl/certs && shift && exec "$@"' - "$certs" "$@"
}
if "${as_root_of_mounts[@]}" true 2>/dev/null; then
  {
    sed '/^\[cloud/,$d' "$conf_file"
    printf '[cloud plain]\nurl = %s\napi-key-file = %s.key\n' "${url[tls]}" "$conf_file"
    printf '[cloud strict]\nurl = %s\napi-key-file = %s.key\nca-file = %s\n' "${url[tls-1.2]}" "$conf_file" "$scratch/other/ca.pem"
  } >"$scratch/system.conf"
  exits 'with the CAs of the system, some meters were printed' 1 trusting ca "$build/plugin/exec/cemm" read --config "$scratch/system.conf" --format csv
  has 'without a ca-file, the CAs of the system are trusted' "$out" "${uid[tls]},p1,electric_power,"
  hasnt 'with a ca-file, only that CA is trusted' "$out" "${uid[tls-1.2]}"
  has 'the error names the cloud' "$err" 'cloud strict: '
  has 'the error has the reason' "$err" 'signed by an unknown authority (to trust it, set ca-file)'
else
  left_out 'the CAs of the system are trusted' 'needs root, or user namespaces'
fi

# ---- refused before anything starts -------------------------------------------------------

# refuses_to_start WHAT WORDS LINE: checks that each program refuses a configuration with that line.
refuses_to_start() {
  local what=$1 words=$2 line=$3 file=$scratch/bad.conf option name value
  printf '[archive]\ndirectory = %s\n[discovery]\nenabled = no\n[cloud home]\napi-key-file = %s\n%s\n' \
    "$scratch/bad.archive" "$conf_file.key" "$line" >"$file"
  exits "$what: the program refuses to start" 2 "$build/plugin/exec/cemm" read --config "$file"
  has "$what: the program names the line" "$err" "$file: line 7: "
  has "$what: the program says why" "$err" "$words"
  mkdir -p "$scratch/bad-m"
  exits "$what: cemmfs refuses to start" 2 "$build/fs/cemmfs" "$file" "$scratch/bad-m" -f
  has "$what: cemmfs names the line" "$err" "$file: line 7: "
  name=${line%% =*}
  value=${line#*= }
  option=$([[ $name == url ]] && echo URL || echo CAFile)
  refused "$what" "<Plugin cemm>
<Cloud \"home\">
ApiKeyFile \"$conf_file.key\"
$option \"$value\"
</Cloud>
</Plugin>" "<Cloud \"home\">: $option: "
}
choose_test_option
refuses_to_start 'http to elsewhere' 'the key would travel unencrypted' 'url = http://open-api.cemm.example/v1/'
refuses_to_start 'a missing ca-file' 'No such file' "ca-file = $scratch/missing.pem"
refuses_to_start 'a ca-file without a certificate' 'no PEM certificate' "ca-file = $scratch/openssl.log"
refuses_to_start 'a key as the ca-file' 'no PEM certificate' "ca-file = $scratch/good.tls"
no_key 'at the end'
finish
