# shellcheck shell=bash disable=SC2154
# What tests of `cemm energy` have in common. To be sourced after lib.sh; $here and $since, the first
# day of the simulator, are the test's.

# energy_begin BUILD_DIR: begins, and sets $cemm, $sim, $one (a device), $zone and $config.
energy_begin() {
  begin "$@"
  cemm=$build/plugin/exec/cemm
  sim=$build/tests/simulator/cemm-sim
  one=00-1E-C0-00-00-01
  zone=Europe/Amsterdam
  config=$scratch/cemm.conf
}

# is_file WHAT WANTED GOT: two files are the same.
is_file() {
  local differences
  if differences=$(diff "$2" "$3" 2>&1); then ok "$1"; else not_ok "$1" "$differences"; fi
}

# work_out ALIAS FROM TO BY[,BY…] [MORE…]: the rows, worked out anew by energy.py.
work_out() {
  python3 "$here/energy.py" "$sim" "$zone" "$since" "$one" "$@"
}

# archived ENDPOINT DATE: the file of p1.
archived() { echo "$config.archive/$one/p1/$1/${2:0:4}/${2:5:2}/$2.json"; }

# edit FILE PYTHON: changes what an archived answer has in `data`.
edit() {
  python3 -c '
import json, sys
with open(sys.argv[1]) as file: answer = json.load(file)
data = answer["data"]
exec(sys.argv[2])
with open(sys.argv[1], "w") as file: json.dump(answer, file)' "$@"
}

# without_minutes FROM UNTIL: the archive has no minutes of p1 from one second to another; of one day.
without_minutes() {
  edit "$(archived data/day "$(TZ=$zone date -d "@$1" +%F)")" "
data['electric_power'] = [row for row in data['electric_power'] if not $1 <= row[0] // 1000 < $2]"
}
