#!/usr/bin/env bash
# discovery.sh BUILD_DIR: discovery of CEMMs that are not configured. It runs in separate networks
# (netns.sh), which no broadcast can leave.
# shellcheck disable=SC2154,SC2317 # out and err are of lib.sh; functions are called by wait_for
set -euo pipefail
here=$(dirname "$0")
# shellcheck source=tests/end-to-end/lib.sh
. "$here/lib.sh"
# shellcheck source=tests/end-to-end/netns.sh
. "$here/netns.sh"
enter_namespaces "$@"
begin "$@"
command -v python3 >/dev/null || skip 'there is no python3'
# Hides the machine's configuration.
[[ ! -e /etc/cemm/cemm.conf ]] || mount -t tmpfs tmpfs /etc/cemm
net_begin

export LC_ALL=C
cemm=$build/plugin/exec/cemm
one=00-1E-C0-00-00-01
two=00-1E-C0-00-00-02
three=00-1E-C0-00-00-03
own=$XDG_CONFIG_HOME/cemm/cemm.conf

# ---- helpers -------------------------------------------------------------------

# asks WHAT CODE COMMAND [ARGUMENT…]: like `exits`, with cemm run in the asker's namespace.
asks() {
  local what=$1 code=$2
  shift 2
  exits "$what" "$code" "${asker[@]}" "$cemm" "$@"
}

# found: prints the devices of the table on stdin, "UID ADDRESS" each, all on one line.
found() {
  tail -n +2 | awk '{ printf "%s%s %s", (NR > 1 ? ", " : ""), $1, $2 }'
}

# world [OPTION…]: stops the simulator, and starts a new one in the site's namespace.
world() {
  if [[ -n ${world_pid-} ]]; then stop "$world_pid"; fi
  start_sim_in_site --discovery "$@"
  world_pid=$sim_pid
}

no_world() {
  stop "$world_pid"
  world_pid=
}

# roots UID: prints how often the root document of the device was requested.
roots() {
  requests "^[0-9.]+ lan $1 GET /open-api/v1/ "
}

# python NAMESPACE SCRIPT [ARGUMENT…]: starts the script in the background, in this namespace (asker or
# site), and waits until it prints "ready". Sets $python_pid.
python() {
  local output=$scratch/python.$((python_count += 1))
  local -n enter=$1
  shift
  "${enter[@]}" python3 -c "$@" >"$output" 2>&1 &
  python_pid=$!
  started "$python_pid"
  if ! wait_for 10 grep -q '^ready' "$output"; then
    echo "Bail out! python3: $(<"$output")"
    exit 1
  fi
}
python_count=0

# Binds the port and reads nothing. The argument says whether other programs may also bind it.
holder='
import socket, sys, time
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, int(sys.argv[1]))
s.bind(("", 9777))
print("ready", flush=True)
time.sleep(600)
'

# A forger answers each query from ADDRESS with COUNT packets that pretend to be from other devices.
# With "stall", its HTTP server accepts all connections and answers no request.
forger='
import socket, sys, threading
address, count, stall = sys.argv[1], int(sys.argv[2]), sys.argv[3:] == ["stall"]
listener = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
listener.bind(("", 9777))
answering = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
answering.bind((address, 0))
kept = []
def serve():
    server = socket.create_server((address, 80), backlog=512)
    while True:
        kept.append(server.accept())
if stall:
    threading.Thread(target=serve, daemon=True).start()
print("ready", flush=True)
while True:
    query, sender = listener.recvfrom(2048)
    if query != b"cemm_query":
        continue
    for i in range(count):
        claim = "{\"ip\": \"10.77.0.11\", \"mac\": \"00:1E:C0:FE:%02X:%02X\", \"version\": \"1.24\", \"type\": \"CEMM_basic\", \"init_state\": 1}"
        answering.sendto((claim % (i >> 8, i & 255)).encode(), sender)
'

# A crowd: in each search, each address from .20 to .219 of both networks sends a packet that pretends
# to be from another device. With "confirm", the root document at each address has the same uid. With
# "stall", no HTTP request is answered. It prints a line for each search.
crowd='
import resource, socket, sys, threading, time
most = resource.getrlimit(resource.RLIMIT_NOFILE)[1] # more than the usual 1024 are needed
resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
stall = sys.argv[1] == "stall"
claims, kept, scans, last = {}, [], 0, 0.0
def answer(address, client):
    kept.append(client)
    try:
        request = client.recv(4096)
        if stall:
            return
        body = "{\"data\":{\"mac\":\"%s\"}}" % claims[address]
        status = "200 OK" if b"/open-api/v1/ " in request else "404 None"
        head = "HTTP/1.1 %s\r\nConnection: close\r\nContent-Length: %d\r\n\r\n"
        client.sendall((head % (status, len(body)) + body).encode())
        client.close()
    except OSError:
        pass
    if not stall:
        kept.remove(client)
def serve(address):
    server = socket.create_server((address, 80), backlog=64)
    while True:
        threading.Thread(target=answer, args=(address, server.accept()[0]), daemon=True).start()
listener = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
listener.bind(("", 9777))
sockets = {}
for number in range(400):
    address = "10.%d.0.%d" % (77 + number % 2, 20 + number // 2)
    sockets[address] = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    sockets[address].bind((address, 0))
    threading.Thread(target=serve, args=(address,), daemon=True).start()
print("ready", flush=True)
while True:
    query, sender = listener.recvfrom(2048)
    if query != b"cemm_query":
        continue
    if time.monotonic() - last > 1.5:
        scans, last = scans + 1, time.monotonic()
        print("scan", scans, flush=True)
        for number, address in enumerate(sockets):
            claims[address] = "00:1E:C0:%02X:%02X:%02X" % (0xA0 + scans % 64, number >> 8, number & 255)
    for address, answering in sockets.items():
        claim = "{\"ip\": \"%s\", \"mac\": \"%s\", \"version\": \"1.24\", \"type\": \"CEMM_basic\", \"init_state\": 1}"
        try:
            answering.sendto((claim % (address, claims[address])).encode(), sender)
        except OSError:
            pass
'

# mount_in_asker NAME CONFIG: mounts a file system in the asker's namespace. Sets $fs_pid and $m. Its
# messages are in $scratch/NAME.log.
mount_in_asker() {
  m=$scratch/$1
  fs_log=$scratch/$1.log
  mkdir "$m"
  "${asker[@]}" "$build/fs/cemmfs" "$2" "$m" -f -o realtime_ttl=1 2>"$fs_log" &
  fs_pid=$!
  started "$fs_pid"
  mounted "$m"
  if ! wait_for 10 cat "$m/status"; then
    echo "Bail out! cemmfs did not mount: $(<"$fs_log")"
    exit 1
  fi
}

# config FILE [LINE…]: writes a configuration with these lines in [discovery].
config() {
  local file=$1
  shift
  {
    echo 'time-zone = Europe/Amsterdam'
    printf '[archive]\ndirectory = %s\n' "$scratch/archive"
    echo '[discovery]'
    [[ $# -eq 0 ]] || printf '%s\n' "$@"
  } >"$file"
}

power() {
  cat "$m/$one/p1/realtime/electric_power"
}

# no_reading: whether the first device can't be read. Otherwise records its reading, in whole kWh.
no_reading() {
  local reading
  reading=$(cat "$m/$one/p1/realtime/t1") || return 0
  echo "${reading%.*}" >>"$scratch/still"
  return 1
}

# log_lines PATTERN: prints the number of matching lines in the file system's log.
log_lines() {
  grep -cE -- "$1" "$fs_log" || true
}

# ---- the program ---------------------------------------------------------------

no_device() {
  asks 'discover without a CEMM' 1 discover
  is 'discover without a CEMM prints no data' '' "$out"
  has 'a message says how many addresses were asked' "$err" 'E! cemm: no CEMM answered: 2 broadcast addresses were asked'
  hasnt 'the message does not count its own query as a packet' "$err" 'packet'
  hasnt 'the message does not say that the port is taken' "$err" 'another program'
  has 'the message of discover says which file to write' "$err" "$own:"
  has 'the message has the content of a configuration' "$err" 'E! cemm:     [local home]'
  local command
  for command in list read; do
    asks "$command without a configuration" 1 "$command"
    is "$command without a configuration prints no data" '' "$out"
    has "a message of $command says which files it looked for" "$err" "there is no $own and no /etc/cemm/cemm.conf"
    has "a message of $command says how many addresses were asked" "$err" '2 broadcast addresses were asked'
    has "a message of $command says which file to write" "$err" "write two lines into $own:"
    has 'the message says how to use the cloud' "$err" 'api-key-file = FILE'
    is 'all messages are errors' '' "$(grep -v '^E! ' <<<"$err" || true)"
  done
  asks 'read of a meter by its name' 1 read "$one/p1"
  config "$scratch/bare.conf"
  asks 'a configuration without a source' 1 read --config "$scratch/bare.conf"
  has 'a configuration without a source leads to a search, and is named' "$err" "write two lines into $scratch/bare.conf:"
  exits 'history without a configuration' 1 env STATE_DIRECTORY="$scratch/state" "${asker[@]}" "$cemm" history --from 2024-05-01
  is 'history without a configuration prints no data' '' "$out"
  has 'a message says which files history looked for' "$err" "there is no $own and no /etc/cemm/cemm.conf"
  has 'the message says which file to write' "$err" "write two lines into $own:"
  exits 'stream without a configuration' 1 "${asker[@]}" "$cemm" stream --stdin <<<''
  has 'a message of stream says which file to write' "$err" "write two lines into $own:"
  # The archive has a device that no longer exists.
  mkdir -p "$scratch/lost/$one/p1/data/day/2024/05"
  printf '[archive]\ndirectory = %s\n' "$scratch/lost" >"$scratch/lost.conf"
  asks 'history of a device that is gone' 1 history --config "$scratch/lost.conf" --from 2024-05-01 --to 2024-05-20 p1
  is 'the device that is gone is reported once, not for each day' 1 "$(grep -c '^W! .*not where it was' <<<"$err")"
  is 'the device that is gone is reported at the end, with the days' 1 "$(grep -c "^E! cemm: $one/p1 2024-05-01 to 2024-05-20: " <<<"$err")"
  asks 'discover --output without a CEMM' 1 discover --output "$scratch/never"
  refute 'discover --output without a CEMM writes nothing' test -e "$scratch/never"
}

all_networks() {
  world --devices 3 --lan-bind 10.77.0.11,10.77.0.12,10.78.0.11
  asks 'discover' 0 discover
  is 'discover prints a table' "$(
    echo 'UID                ADDRESS     TYPE        CORE'
    echo "$one  10.77.0.11  CEMM_basic  1.25"
    echo "$two  10.77.0.12  CEMM_basic  1.25"
    echo "$three  10.78.0.11  CEMM_basic  1.25"
  )" "$out"
  is 'discover prints no message' '' "$err"
  is 'each network was asked from its own address' '10.77.0.1:9777 10.78.0.1:9777 ' \
    "$(awk '$2 == "udp" { print $5 }' "$sim_log" | sort -u | tr '\n' ' ')"
  is 'each root document was requested once' '1 1 1' "$(roots "$one") $(roots "$two") $(roots "$three")"
  asks 'discover --output' 0 discover --output "$scratch/table"
  is 'discover --output writes the same devices' "$one 10.77.0.11, $two 10.77.0.12, $three 10.78.0.11" "$(found <"$scratch/table")"
  is 'discover --output prints nothing on stdout' '' "$out"
}

# values: compares the output of `read --format csv` on stdin with the simulator's values.
values() {
  local uid alias channel value time want from
  tail -n +2 | while IFS=, read -r uid alias channel value _ time _; do
    [[ -n $value && $value != null ]] || continue
    from=lan:
    [[ $channel != electric_energy* ]] || from=lan:totals:
    want=$("$build/tests/simulator/cemm-sim" --devices 3 --print "$uid" "$alias" "$from$channel" \
      $(($(date -d "$time" +%s%N) / 1000000))) || want='no value'
    [[ $value == "$want" ]] || echo "$uid $alias $channel $time: $value, not $want"
  done
}

reading() {
  asks 'list without a configuration' 0 list
  is 'list prints a line for each meter' 10 "$(wc -l <<<"$out")"
  check 'list: the line has the source and the address' grep -qE "^$two .* discovery +10\.77\.0\.12\$" <<<"$out"
  is 'list prints no message' '' "$err"
  asks 'read without a configuration' 0 read --format csv
  is 'read without a configuration: all devices are printed' 3 "$(tail -n +2 <<<"$out" | cut -d, -f1 | sort -u | wc -l)"
  check 'read without a configuration: many values are printed' test "$(tail -n +2 <<<"$out" | wc -l)" -ge 24
  is 'read without a configuration: the values are the simulated ones' '' "$(values <<<"$out")"
  asks 'read of one meter' 0 read --format csv "$three/s01"
  is 'read of one meter prints only that meter' "$three,s01" "$(tail -n +2 <<<"$out" | cut -d, -f1,2 | sort -u)"
  asks 'read of a device that does not exist' 1 read 00-00-00-00-00-09
  has 'a message names the device that does not exist' "$err" 'E! cemm: 00-00-00-00-00-09'
}

configured() {
  local before
  config "$scratch/one.conf" 'enabled = no' 'broadcast = 10.78.0.255'
  before=$(requests "udp ($one|$two)")
  asks 'discover asks the configured address' 0 discover --config "$scratch/one.conf"
  is 'no other address is asked if discovery is off' "$three 10.78.0.11" "$(found <<<"$out")"
  is 'the other devices were not asked' "$before" "$(requests "udp ($one|$two)")"
  config "$scratch/two.conf" 'broadcast = 10.78.0.255' 'broadcast = 10.77.0.255'
  asks 'two configured addresses' 0 discover --config "$scratch/two.conf"
  is 'two configured addresses: all devices are found' 4 "$(wc -l <<<"$out")"
  asks 'discovery that is off' 2 read --config "$scratch/one.conf"
  has 'discovery that is off leaves no source' "$err" "E! cemm: $scratch/one.conf: "

  printf '[local shed]\naddress = 10.77.0.11\n' >"$scratch/local.conf"
  before=$(requests udp)
  asks 'with a [local] section there is no broadcast' 0 list --config "$scratch/local.conf"
  is 'the device of the [local] section is found' "$one" "$(grep -oE '00-1E-[-0-9A-F]*' <<<"$out" | sort -u)"
  check 'the device of the [local] section has its address' grep -qE "^$one .* local shed +10\.77\.0\.11\$" <<<"$out"
  is 'there was no broadcast' "$before" "$(requests udp)"
  asks 'discover sends a broadcast in spite of the [local] section' 0 discover --config "$scratch/local.conf"
  is 'discover finds all devices in spite of the [local] section' 4 "$(wc -l <<<"$out")"
  printf '[discovery]\nenabled = yes\n' >>"$scratch/local.conf"
  asks 'list with a [local] section and enabled discovery' 0 list --config "$scratch/local.conf"
  is 'list with a [local] section and enabled discovery has all devices, each once' 3 "$(grep -c 00-1E- <<<"$out")"
}

# Checks `cemm discover` with a terminal as stderr.
terminal() {
  command -v script >/dev/null || return 0
  local screen
  screen=$(TERM=vt100 "${asker[@]}" script -qec "'$cemm' discover" /dev/null </dev/null | tr -d '\r')
  has 'the terminal shows that discover is searching' "$screen" 'looking for CEMMs …'
  has 'the terminal shows this until the search has finished' "$screen" $'…\e[KUID '
}

# ---- the port ------------------------------------------------------------------

port() {
  local holder_pid
  world --devices 2 --lan-bind 10.77.0.11,10.77.0.12 --beacon-to 9777
  asks 'devices that answer to port 9777' 0 discover
  is 'devices that answer to port 9777 are found' "$one 10.77.0.11, $two 10.77.0.12" "$(found <<<"$out")"

  python asker "$holder" 0
  holder_pid=$python_pid
  asks 'devices that answer to port 9777 are not found while another program holds it' 1 discover
  has 'a message says why' "$err" 'E! cemm: another program holds UDP port 9777'
  world --devices 2 --lan-bind 10.77.0.11,10.77.0.12
  asks 'devices that answer the sender' 0 discover
  is 'devices that answer the sender are still found' "$one 10.77.0.11, $two 10.77.0.12" "$(found <<<"$out")"
  has 'a warning says that some devices may be missing' "$err" 'W! cemm: another program holds UDP port 9777'
  is 'the warning is the only message' 1 "$(wc -l <<<"$err")"
  is 'the query came from another port' 0 "$(requests 'udp .*:9777 ')"
  if can_mount; then
    config "$scratch/port.conf" 'interval = 1'
    mount_in_asker port "$scratch/port.conf"
    check 'a program that keeps running finds devices that answer the sender, too' wait_for 10 power
    check 'the program searches repeatedly' wait_for 15 scanned 4
    is 'the program says once that the port is taken' 1 "$(log_lines 'another program holds UDP port 9777')"
    stop "$fs_pid"
  fi
  stop "$holder_pid"

  python asker "$holder" 1
  asks 'a program that shares the port' 0 discover
  is 'a program that shares the port does not disturb' "$one 10.77.0.11, $two 10.77.0.12" "$(found <<<"$out")"
  is 'there is no message' '' "$err"
  stop "$python_pid"
}

can_mount() {
  [[ -c /dev/fuse && -r /dev/fuse && -w /dev/fuse ]]
}

# scanned COUNT: whether there were COUNT searches since the simulator started. Each one sends two
# queries.
scanned() {
  (($(requests "udp $one") >= 2 * $1))
}

# ---- invalid packets ---------------------------------------

claims() {
  local claim
  world --devices 2 --lan-bind 10.77.0.11,10.77.0.12 --beacon-times 5
  asks 'answers that come five times' 0 discover
  is 'answers that come five times are merged' "$one 10.77.0.11, $two 10.77.0.12" "$(found <<<"$out")"
  is 'both devices are confirmed once' '1 1' "$(roots "$one") $(roots "$two")"

  for claim in 10.77.0.99 127.0.0.1 10.77.0.12; do
    world --devices 1 --lan-bind 10.77.0.11 --beacon-claim "$claim"
    asks "a packet that claims $claim" 0 discover
    is "a packet that claims $claim is used only at the address of its sender" "$one 10.77.0.11" "$(found <<<"$out")"
    is "the sender of a packet that claims $claim is asked to confirm it" 1 "$(roots "$one")"
  done

  world --devices 1 --lan-bind 10.77.0.11 --beacon-version 1.22
  asks 'core 1.22' 1 discover
  is 'core 1.22 is not used' 0 "$(roots "$one")"
  has 'a message says that packets were not from a CEMM' "$err" 'E! cemm: 2 packets received that were not from a CEMM'
  world --devices 1 --lan-bind 10.77.0.11 --beacon-version 2.0
  asks 'core 2.0' 0 discover
  has 'core 2.0 is used' "$out" '  2.0'
}

junk() {
  world --devices 2 --lan-bind 10.77.0.11,10.77.0.12 --beacon-junk
  asks 'junk before each answer' 0 discover
  is 'the devices are found at their own addresses' "$one 10.77.0.11, $two 10.77.0.12" \
    "$(found <<<"$out")"
  world --devices 1 --lan-bind 10.77.0.11 --beacon-junk
  asks 'a packet with the MAC of another device' 0 discover
  is 'a packet with the MAC of another device adds no device' "$one 10.77.0.11" "$(found <<<"$out")"
  has 'a message says that the claim is ignored' "$err" \
    "W! cemm: discovery: the device at 10.77.0.11 reports the MAC $one, but its discovery packet claimed $two; ignored"
  can_mount || return 0
  config "$scratch/junk.conf"
  mount_in_asker junk "$scratch/junk.conf"
  for _ in 1 2 3 4 5; do
    ls "$m" >/dev/null
    cat "$m/00-00-00-00-00-09/p1/info.json" 2>/dev/null || true
  done
  is 'a program that keeps running finds only the device that exists' "$one" "$(basename -a "$m"/00-1E-*)"
  is 'a program that keeps running logs the ignored claim once' 1 "$(log_lines '; ignored')"
  asks 'read, with packets that have the MAC of another device' 0 read --format csv
  is 'read prints only the device that exists' "$one" "$(tail -n +2 <<<"$out" | cut -d, -f1 | sort -u)"
}

# ---- programs that keep running ------------------------------------------------------

moving() {
  config "$scratch/moving.conf" 'interval = 1'
  world --devices 1 --lan-bind 10.77.0.11
  mount_in_asker moving "$scratch/moving.conf"
  check 'a value of a discovered device' wait_for 10 power
  has 'status has its address' "$(<"$m/status")" '10.77.0.11'
  world --devices 1 --lan-bind 10.77.0.12
  check 'the device has moved: it can be read again' wait_for 30 asked_and_read
  is 'the first move is logged once' 1 "$(log_lines "$one has moved from 10.77.0.11 to 10.77.0.12")"
  world --devices 1 --lan-bind 10.78.0.13
  check 'the device is read after it moved to another network' wait_for 30 asked_and_read
  is 'the second move is logged once' 1 "$(log_lines "$one has moved from 10.77.0.12 to 10.78.0.13")"
  world --devices 1 --lan-bind 10.77.0.11
  check 'the device is read after it moved back' wait_for 30 asked_and_read
  is 'the third move is logged once' 1 "$(log_lines "$one has moved from 10.78.0.13 to 10.77.0.11")"
}

# asked_and_read: whether a value is read from the new simulator.
asked_and_read() {
  power && (($(requests "lan $one GET /open-api/v1/p1/realtime") > 0))
}

# Two programs that run at the same time share the port, and each must receive its own answers.
sharing() {
  local mounts=() i address
  config "$scratch/sharing.conf" 'interval = 1'
  for i in 0 1; do
    world --devices 1 --lan-bind 10.77.0.11
    mount_in_asker "sharing-$i" "$scratch/sharing.conf"
    mounts+=("$m")
    check "program $i of two that share the port finds a device" wait_for 20 power
  done
  for address in 10.77.0.12 10.77.0.13; do
    world --devices 1 --lan-bind "$address"
    for i in 0 1; do
      m=${mounts[i]}
      check "program $i: the device at $address can be read" wait_for 30 power_at "$address"
    done
  done
}

# power_at ADDRESS: whether the device is at that address and can be read.
power_at() {
  power && grep -A1 "^  address  *$1\$" "$m/status" | grep 'devices  *1' >/dev/null
}

# A device gets the address of another device. Values must not be attributed to the wrong device.
swapping() {
  config "$scratch/swapping.conf" 'interval = 1'
  world --devices 2 --lan-bind 10.77.0.11,10.77.0.12
  mount_in_asker swapping "$scratch/swapping.conf"
  check 'two devices are found' wait_for 10 power
  is 'two devices have their own values' '' "$(all_values)"
  world --devices 3 --lan-bind 10.77.0.12,10.77.0.13,10.77.0.11
  check 'the first device gets the address of the second' wait_for 30 gone_from 10.77.0.11 10.77.0.12
  check 'a third device gets the address of the first' wait_for 30 cat "$m/$three/p1/realtime/electric_power"
  check 'all can be read' wait_for 30 all_read
  is 'each has its own values' '' "$(all_values)"
  world --devices 3 --lan-bind 10.77.0.13,10.77.0.11,10.77.0.12
  check 'all exchange addresses' wait_for 30 gone_from 10.77.0.12 10.77.0.13
  check 'there are new searches' wait_for 15 scanned 3
  check 'all can be read' wait_for 30 all_read
  is 'each has its own values' '' "$(all_values)"
  # The first device disappears, and another device gets its address.
  world --devices 1 --first 2 --lan-bind 10.77.0.13
  check 'another device gets the address of the first' wait_for 30 \
    logged "$one is no longer at 10.77.0.13, where $two is now"
  # A value that was read less than a second ago may be cached. It must be the first device's.
  : >"$scratch/still"
  check 'no values of the first device are shown' wait_for 10 no_reading
  hasnt 'the values of the second device were never shown as those of the first' "$(<"$scratch/still")" \
    "$(cut -d. -f1 "$m/$two/p1/realtime/t1")"
  hasnt 'the first device is unreachable, not gone' "$(power 2>&1 || true)" 'No such file'
  check 'the first device is still listed' test -d "$m/$one"
}

# gone_from ADDRESS NEXT: whether a message says that the first device has moved from ADDRESS to NEXT, or
# that the third device is at ADDRESS now.
gone_from() {
  logged "$one has moved from $1 to $2" || logged "$one is no longer at $1, where $three is now"
}

all_read() {
  cat "$m/$one/p1/realtime/t1" "$m/$two/p1/realtime/t1" "$m/$three/p1/realtime/t1"
}

logged() {
  (($(log_lines "$1") > 0))
}

# all_values: prints the values in the mount that differ from the simulator's.
all_values() {
  local uid
  for uid in "$one" "$two" "$three"; do
    [[ ! -e $m/$uid ]] ||
      sed "s/^\([^,]*,\)\(.*\)/$uid,p1,\1\2/" "$m/$uid/p1/realtime.csv" | values
  done
}

# memory: prints the peak memory of the file system in MiB.
memory() {
  awk '/^VmHWM/ { print int($2 / 1024) }' "/proc/$fs_pid/status"
}

sources() {
  grep -c '^source discovery' "$m/status" || true
}

flood() {
  local before address stall kind
  for kind in 10.77.0.13: 10.77.0.11: 10.77.0.14:stall; do
    IFS=: read -r address stall <<<"$kind"
    no_world
    config "$scratch/flood.conf" 'interval = 1'
    mount_in_asker "flood-$address" "$scratch/flood.conf"
    before=$(memory)
    python site "$forger" "$address" 300 ${stall:+"$stall"}
    world --devices 1 --lan-bind 10.77.0.11
    check "300 forged answers from $address${stall:+, which stalls}: the device is found" wait_for 40 power
    check 'the forged answers are received repeatedly' wait_for 40 scanned 3
    check 'the device can still be read' power
    check 'the forged answers add one source at most' test "$(sources)" -le 2
    is 'no forged device is listed' '' "$(compgen -G "$m/00-1E-C0-FE*" || true)"
    check "at most two lines are logged: $(log_lines '')" test "$(log_lines '')" -le 2
    check "bounded memory: $before, then $(memory) MiB" test $(($(memory) - before)) -lt 64
    check 'cemmfs still runs' alive "$fs_pid"
    stop "$python_pid"
    stop "$fs_pid"
    is 'cemmfs exits cleanly' 0 "$stopped"
  done
}

# crowd_scanned COUNT: whether the crowd has answered COUNT searches.
crowd_scanned() {
  (($(grep -c '^scan' "$scratch/python.$python_count") >= $1))
}

# many COMMAND: whether the command prints a number greater than 100.
many() {
  (($("$1") > 100))
}

listed() {
  find "$m" -mindepth 1 -maxdepth 1 -name '00-1E-*' | wc -l
}

crowds() {
  local kind before last
  for last in {20..219}; do
    in_site ip addr add "10.77.0.$last/24" dev net77
    in_site ip addr add "10.78.0.$last/24" dev net78
  done
  for kind in confirm stall; do
    no_world
    config "$scratch/crowd.conf" 'interval = 1'
    mount_in_asker "crowd-$kind" "$scratch/crowd.conf"
    before=$(memory)
    python site "$crowd" "$kind"
    ls "$m" >/dev/null || true # starts the first search
    check "$kind: 400 addresses claim new devices in each search" wait_for 60 crowd_scanned 3
    world --devices 1 --lan-bind 10.77.0.11
    check "$kind: a real device is also found" wait_for 60 power
    check "$kind: the crowd goes on" wait_for 60 crowd_scanned 6
    check "$kind: the real device can still be read" wait_for 10 power
    if [[ $kind == confirm ]]; then check "$kind: claims of the crowd are used" wait_for 60 many listed; fi
    if [[ $kind == stall ]]; then check "$kind: claims of the crowd are used" wait_for 60 many sources; fi
    check "$kind: no more than 256 devices: $(listed)" test "$(listed)" -le 256
    check "$kind: no more than 256 sources" test "$(sources)" -le 256
    check "$kind: few lines are logged: $(log_lines '')" test "$(log_lines '')" -le 40
    check "$kind: bounded memory: $before, then $(memory) MiB" test $(($(memory) - before)) -lt 64
    stop "$python_pid"
    stop "$fs_pid"
    is "$kind: cemmfs exits cleanly" 0 "$stopped"
  done
}

no_device
all_networks
reading
configured
terminal
port
claims
junk
can_mount || skip '/dev/fuse cannot be opened: programs that keep running are not tested'
moving
swapping
sharing
flood
crowds
finish
