#!/usr/bin/env bash
# evcc.sh BUILD_DIR: runs the commands of examples/evcc.yaml in a mount as evcc does: without a shell,
# and the whole output must be a number. evcc itself does not run.
# shellcheck disable=SC2154,SC2317 # variables of the libraries; functions are called by check
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
# shellcheck source=tests/end-to-end/mount-lib.sh
. "$here/mount-lib.sh"
begin_mount "$@"
debian_python=/usr/bin/python3 # has the YAML module
"$debian_python" -c 'import yaml' 2>/dev/null || skip 'python3-yaml is not installed'
sim=$build/tests/simulator/cemm-sim
since=2025-01-01
now=$(($(date +%s) / 60 * 60 - 3600))
start_sim --devices 1 --meters p1,s01 --since "$since" --now "$now" --speed 0
write_config "$conf"
mount_fs -o realtime_ttl=1

# meters: prints "NAME KEY NUMBER" for each value that evcc would read. Fails if evcc knows no
# such key.
meters() {
  "$debian_python" - "$here/../../examples/evcc.yaml" "$m" <<'END'
import shlex
import subprocess
import sys

import yaml


def value(config):
    if config["source"] == "calc":
        assert set(config) == {"source", "add"}, config
        return sum(map(value, config["add"]))
    assert set(config) == {"source", "cmd", "timeout"} and config["source"] == "script", config
    words = shlex.split(config["cmd"].replace("/cemm/", sys.argv[2] + "/"))
    return float(subprocess.run(words, check=True, stdout=subprocess.PIPE, text=True).stdout.strip())


whole = yaml.safe_load(open(sys.argv[1]))
assert set(whole) == {"meters", "site"}, whole
names = set()
for meter in whole["meters"]:
    assert meter["type"] == "custom" and set(meter) - {"energy"} == {"name", "type", "power"}, meter
    names.add(meter["name"])
    for key in ("power", "energy"):
        if key in meter:
            print(meter["name"], key, repr(value(meter[key])))
used = whole["site"]["meters"]
assert {used["grid"], *used["pv"]} == names, used
END
}
# truth ALIAS CHANNEL…: prints the sum of these channels of the simulator's meter.
truth() {
  local channel
  for channel in "${@:2}"; do "$sim" --since "$since" --print "$dev" "$1" "$channel" "${now}000"; done |
    "$debian_python" -c 'import sys; print(sum(map(float, sys.stdin)))'
}
exits 'evcc accepts the file, and its commands succeed' 0 meters
is 'they print the values of the meters' "cemm-grid power $(truth p1 electric_power)
cemm-grid energy $(truth p1 t1 t2)
cemm-solar power $(truth s01 electric_power)" "$out"
sim_faults 'status=502@*realtime*'
fails() { ! meters; }
check 'a meter that can not be read is an error' wait_for 30 fails
has 'the meter that can not be read has a reason in the output' "$(meters 2>&1 || true)" 'Input/output error'
unmount_fs
finish
