#!/usr/bin/env bash
# systemd.sh BUILD_DIR: systemd finds no mistake in the units in examples/ and rates their exposure low,
# and the programs work with the rights that the units leave them. systemd itself need not run.
# shellcheck disable=SC1091,SC2154
set -euo pipefail
. "$(dirname "$0")/mount-lib.sh"
. "$(dirname "$0")/key-lib.sh"
begin_mount "$@"
command -v systemd-analyze >/dev/null || skip 'systemd-analyze is not installed'
examples=$(cd "$(dirname "$0")/../../examples" && pwd)

# value UNIT KEY: prints the value of a key.
value() {
  sed -n "s/^$2=//p" "$examples/$1.service"
}

# verified UNIT PROGRAM: prints systemd's messages about the unit, with the program that was built.
verified() {
  local file=$scratch/$1.service
  sed "s|^ExecStart=$(basename "$2") |ExecStart=$2 |" "$examples/$1.service" >"$file"
  systemd-analyze verify --man=no "$file" 2>&1 | grep -F "$1.service" || true
}

# exposure UNIT: prints the unit's exposure level times ten.
exposure() {
  systemd-analyze security --offline=true --no-pager "$examples/$1.service" | sed -n 's/.*Overall exposure level for [^:]*: \([0-9]*\)\.\([0-9]\).*/\1\2/p'
}

is 'cemmfs.service has no mistake' '' "$(verified cemmfs "$build/fs/cemmfs")"
is 'cemm-stream.service has no mistake' '' "$(verified cemm-stream "$build/plugin/exec/cemm")"
echo 'Nonsense=yes' >>"$scratch/cemmfs.service"
has 'a typo would be reported' "$(systemd-analyze verify --man=no "$scratch/cemmfs.service" 2>&1 || true)" 'Nonsense'
check "cemm-stream.service has an exposure of 2.0 at most ($(exposure cemm-stream) tenths)" test "$(exposure cemm-stream)" -le 20
# cemmfs.service can't be restricted further if other users may read the mount, as the unit says.
check "cemmfs.service has an exposure of 3.6 at most ($(exposure cemmfs) tenths)" test "$(exposure cemmfs)" -le 36

# ---- with the rights that they have under systemd --------------------------------------------------

start_sim --devices 1 --meters p1
write_config "$conf"
sed -i 's|^api-key-file = .*|api-key-file = credential:home.key|' "$conf"
mkdir "$scratch/credentials" "$scratch/state" "$scratch/run" "$m"
mv "$conf.key" "$scratch/credentials/home.key"
chmod 400 "$scratch/credentials/home.key"
export CREDENTIALS_DIRECTORY=$scratch/credentials STATE_DIRECTORY=$scratch/state
((EUID == 0)) || skip 'only root can run a command as another user'
chmod 711 "$scratch"
chown -R 65534:65534 "$scratch/credentials" "$scratch/state" "$scratch/run" "$m"
sed -i '/^\[archive\]/,/^$/d' "$conf" # so that $STATE_DIRECTORY is used

# as_unit UNIT COMMAND…: runs the command with the unit's capabilities, as a user who has no privileges
# and can't gain any.
as_unit() {
  local capabilities
  capabilities=-all$(value "$1" AmbientCapabilities | sed 's/CAP_\([A-Z_]*\)/,+\L\1/')
  shift
  exec setpriv --reuid 65534 --regid 65534 --clear-groups --no-new-privs --inh-caps "$capabilities" \
    --ambient-caps "$capabilities" --bounding-set "$capabilities" "$@"
}

# Under systemd, udev lets everyone open /dev/fuse. Here only the /dev/fuse of a new namespace is open to
# everyone, so the mount is in that namespace.
mknod "$scratch/fuse" c 10 229
chmod 666 "$scratch/fuse"
read -r -a options <<<"$(value cemmfs ExecStart | sed 's|^cemmfs /etc/cemm/service.conf /cemm ||')"
export -f as_unit value
export examples build conf m scratch
# shellcheck disable=SC2016
unshare -m bash -c 'mount --bind "$scratch/fuse" /dev/fuse && as_unit cemmfs "$build/fs/cemmfs" "$conf" "$m" "$@"' \
  - "${options[@]}" 2>"$scratch/fs.log" &
fs_pid=$!
started "$fs_pid"
inside() {
  nsenter -t "$fs_pid" -m "$@"
}
check 'cemmfs mounts with one capability' wait_for 20 inside cat "$m/status"
is 'other users can read the mount' 1 "$(inside bash -c "cat $m/*/p1/realtime.csv" | grep -c ^electric_power,)"
check 'a closed day can be read' inside bash -c "cat $m/*/p1/data/day/$(date -d '3 days ago' +%Y/%m/%Y-%m-%d).csv"
check 'the closed day is written to the archive in STATE_DIRECTORY' wait_for 20 eval 'find "$scratch/state" -type f | grep -q .'
is 'cemmfs has no other capability' 0000000000200000 "$(awk '/^CapEff/ { print $2 }' "/proc/$fs_pid/status")"
no_core cemmfs "$fs_pid"
no_key cemmfs
stop "$fs_pid"
is 'cemmfs exits cleanly' 0 "$stopped"

(as_unit cemm-stream "$build/plugin/exec/cemm" stream --config "$conf" --interval 1 --format prometheus --output "$scratch/run/cemm.prom") \
  2>"$scratch/stream.log" &
stream_pid=$!
started "$stream_pid"
check 'cemm stream writes its file without any capability' wait_for 20 grep -q '^cemm_up.* 1$' "$scratch/run/cemm.prom"
is 'cemm stream has no capability' 0000000000000000 "$(awk '/^CapEff/ { print $2 }' "/proc/$stream_pid/status")"
no_core 'cemm stream' "$stream_pid"
no_key 'cemm stream'
stop "$stream_pid"
finish
