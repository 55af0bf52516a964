#!/usr/bin/env bash
# resolver.sh BUILD_DIR: name resolution never blocks the loop. A name server that never answers delays
# neither a device whose address is known nor an unmount. A device that can't be reached is reported
# with the reason. Runs in namespaces, because it changes resolv.conf.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
# shellcheck source=tests/end-to-end/lib.sh
. "$here/lib.sh"
# shellcheck source=tests/end-to-end/netns.sh
. "$here/netns.sh"
enter_namespaces "$@"
begin "$1"
command -v python3 >/dev/null || skip "there is no python3"
[[ -c /dev/fuse && -r /dev/fuse && -w /dev/fuse ]] || skip '/dev/fuse cannot be opened'
net_begin

# This name server receives queries and never answers.
"${asker[@]}" python3 -c '
import socket, time
server = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
server.bind(("127.0.0.1", 53))
print("ready", flush=True)
while True:
    server.recvfrom(2048)
    print("asked", flush=True)
' >"$scratch/server" &
started $!
wait_for 10 grep -q ready "$scratch/server"
printf 'nameserver 127.0.0.1\noptions timeout:30 attempts:5\n' >"$scratch/resolv.conf"
mount --bind "$scratch/resolv.conf" /etc/resolv.conf

start_sim_in_asker --devices 1 --lan 1
m=$scratch/m
mkdir "$m"
cat >"$scratch/conf" <<CONF
time-zone = Europe/Amsterdam

[local unknown]
address = cemm.example
timeout = 1

[local known]
address = ${sim_lan[0]}
timeout = 30
CONF
"${asker[@]}" "$build/fs/cemmfs" "$scratch/conf" "$m" -f 2>"$scratch/fs.log" &
fs_pid=$!
started "$fs_pid"
mounted "$m"
wait_for 10 mountpoint -q "$m"

# If the loop were blocked, each of these steps would take the resolver's timeout of 150 s, because
# libcurl waits for the end of its resolver thread.
device=$m/00-1E-C0-00-00-01
has 'a device whose address is known is read meanwhile' \
  "$(within 10 cat "$device/p1/realtime.csv" 2>&1)" electric_power
check 'the name server has been asked' wait_for 10 grep -q asked "$scratch/server"
check 'the device with a host name fails after its own timeout, not the resolver'"'"'s' \
  wait_for 10 grep -q 'local unknown: cemm.example' "$scratch/fs.log"
has 'another meter of the known device is read, too' "$(within 10 cat "$device/s01/realtime.csv" 2>&1)" electric_power
has 'status is read, too' "$(within 10 cat "$m/status" 2>&1)" 'local unknown'
kill -s TERM "$fs_pid"
ends 'the mount ends' "$fs_pid"

# In the asker's networks, no host has the address 10.77.0.99, and there is no route to 192.0.2.1.
write_key "$scratch/key" test-key-4e4f657
cat >"$scratch/nowhere.conf" <<CONF
time-zone = Europe/Amsterdam
[archive]
directory = $scratch/archive
[local absent]
address = 10.77.0.99
timeout = 60
[local far]
address = 192.0.2.1
[local closed]
address = 127.0.0.1:1
[cloud home]
url = https://192.0.2.1/v1/
api-key-file = $scratch/key
[cloud closed]
url = http://127.0.0.1:1/v1/
api-key-file = $scratch/key
CONF
exits 'devices that cannot be reached fail' 1 "${asker[@]}" "$build/plugin/exec/cemm" read --config "$scratch/nowhere.conf"
has 'a message says that no host has the address' "$err" "10.77.0.99: it can't be reached: no host answers at this address (is it on?)"
has 'a message says that no network leads to the device' "$err" "192.0.2.1: it can't be reached: this machine has no network that leads to it"
has 'a message says that the port of the device is closed' "$err" "127.0.0.1:1: it can't be reached: the port is closed (is the address right?)"
has 'a message says that no network leads to the cloud' "$err" "cloud home: the account: the cloud can't be reached: this machine has no network that leads to it"
has 'a message says that the port of the cloud is closed' "$err" "cloud closed: the account: the cloud can't be reached: the port is closed (check the url, or the proxy's address)"
finish
