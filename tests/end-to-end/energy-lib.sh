# shellcheck shell=bash disable=SC2154
# What the tests of `cemm energy` share. Source it after lib.sh; the test sets $here, its directory,
# and $since, the simulator's first day.

# energy_begin BUILD_DIR: begins the test, and sets $cemm, $sim, $one (a device), $zone and $config.
energy_begin() {
  begin "$@"
  cemm=$build/plugin/exec/cemm
  sim=$build/tests/simulator/cemm-sim
  one=00-1E-C0-00-00-01
  zone=Europe/Amsterdam
  config=$scratch/cemm.conf
}

# is_file WHAT WANTED GOT: ok if two files are the same.
is_file() {
  local differences
  if differences=$(diff "$2" "$3" 2>&1); then ok "$1"; else not_ok "$1" "$differences"; fi
}

# work_out ALIAS FROM TO BY[,BY…] [MORE…]: prints the expected rows, which energy.py calculates.
work_out() {
  python3 "$here/energy.py" "$sim" "$zone" "$since" "$one" "$@"
}

# archived ENDPOINT DATE: prints the name of an archived file of p1.
archived() { echo "$config.archive/$one/p1/$1/${2:0:4}/${2:5:2}/$2.json"; }

# edit FILE PYTHON: changes an archived answer with Python code, in which `data` is its member `data`.
edit() {
  python3 -c '
import json, sys
with open(sys.argv[1]) as file: answer = json.load(file)
data = answer["data"]
exec(sys.argv[2])
with open(sys.argv[1], "w") as file: json.dump(answer, file)' "$@"
}

# without_minutes FROM UNTIL: removes the minutes of p1 between two times of one day (in seconds since
# 1970) from the archive.
without_minutes() {
  edit "$(archived data/day "$(TZ=$zone date -d "@$1" +%F)")" "
data['electric_power'] = [row for row in data['electric_power'] if not $1 <= row[0] // 1000 < $2]"
}
