#!/usr/bin/env bash
# Shows what cemm does, on this machine only: builds cemm, starts a simulated CEMM cloud, mounts it, and
# reads it with collectd. Nothing is left behind except for the Debian packages.
set -euo pipefail

usage() {
  cat <<'TEXT'
usage: examples/demo.sh [--no-install]

  --no-install   do not install Debian packages; those of .ci/packages, owner and demo,
                 must be installed
TEXT
}

install=yes
for option in "$@"; do
  case $option in
    --no-install) install=no ;;
    --help) usage && exit 0 ;;
    *) usage >&2 && exit 2 ;;
  esac
done

top=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
cd "$top"
PATH=$PATH:/usr/sbin # where collectd is; a user's PATH often lacks this directory

scratch=$(mktemp -d "${TMPDIR:-/tmp}/cemm-demo.XXXXXX")
mount=$scratch/cemm
declare -A pids=()
cleanup() {
  trap - EXIT INT TERM HUP
  [[ ! -d $mount ]] || fusermount3 -q -u -z "$mount" 2>/dev/null || true
  for pid in "${pids[@]}"; do
    kill -TERM "$pid" 2>/dev/null || true
    wait "$pid" 2>/dev/null || true
  done
  rm -rf --one-file-system "$scratch"
}
trap cleanup EXIT
trap 'exit 130' INT
trap 'exit 143' TERM HUP

bold='' faint='' plain=''
if [[ -t 1 && ${TERM:-dumb} != dumb ]]; then
  bold=$'\e[1m' faint=$'\e[2m' plain=$'\e[0m'
fi
say() { printf '\n%s== %s%s\n' "$bold" "$*" "$plain"; }
# show COMMAND: prints the command as it would be typed in $place, and runs it.
show() {
  printf '\n%s$ %s%s\n' "$faint" "$*" "$plain"
  (cd "$place" && bash -c "$*")
}
place=$scratch

# quietly COMMAND…: runs the command, and shows its output only if it fails.
quietly() {
  "$@" >"$scratch/command.log" 2>&1 || {
    tail -n 30 "$scratch/command.log" >&2
    exit 1
  }
}
# begin NAME COMMAND…: starts a program in the background; its output goes to $scratch/NAME.log.
begin() {
  local name=$1
  shift
  "$@" >"$scratch/$name.log" 2>&1 &
  pids[$name]=$!
}
# await NAME WHAT COMMAND…: waits until the command succeeds. Fails if the program NAME ends, or after two
# minutes.
await() {
  local name=$1 what=$2 end=$((SECONDS + 120)) why=
  shift 2
  until "$@" >/dev/null 2>&1; do
    ((SECONDS < end)) || why='after two minutes'
    kill -0 "${pids[$name]}" 2>/dev/null || why='and it has ended'
    [[ -z $why ]] || {
      echo "$name: no $what, $why. Last messages:" >&2
      tail -n 20 "$scratch/$name.log" >&2
      exit 1
    }
    sleep 0.1
  done
}

if [[ $install == yes ]]; then
  say "Installing the packages"
  .ci/install demo
fi

say "Building"
build=$scratch/build
programs=(plugin/exec/cemm fs/cemmfs plugin/collectd/cemm.so)
quietly meson setup "$build" --buildtype=release
# At a terminal, ninja shows its progress.
if [[ -n $bold ]]; then ninja=(ninja); else ninja=(quietly ninja); fi
"${ninja[@]}" -C "$build" "${programs[@]}" tests/simulator/cemm-sim
echo "done: ${programs[*]}"
PATH=$build/plugin/exec:$build/fs:$PATH

say "A simulated CEMM cloud: each first answer is a promise (202) for 0.3 s"
begin simulator "$build/tests/simulator/cemm-sim" --devices 2 --promise 300 --log "$scratch/requests.log"
await simulator 'address' grep -q '^ready ' "$scratch/simulator.log"
url=$(sed -nE 's/^ready cloud=([^ ]+).*/\1/p' "$scratch/simulator.log")
(umask 077 && echo test-key-4e4f657 >"$scratch/home.key")
cat >"$scratch/cemm.conf" <<CONF
time-zone = Europe/Amsterdam

[cloud home]
url = $url
api-key-file = $scratch/home.key

[discovery]
enabled = no

[archive]
directory = $scratch/archive
CONF
export CEMM_CONFIG=$scratch/cemm.conf
sed "s|$scratch/||" "$scratch/cemm.conf"

say "The table that people see first"
show cemm read --format table

say "The same as files: cemmfs mounts the cloud"
mkdir "$mount"
begin cemmfs cemmfs "$scratch/cemm.conf" "$mount" -f
await cemmfs 'mount' mountpoint -q "$mount"
device=00-1E-C0-00-00-01
show "ls cemm cemm/$device"
printf '\n%s$ cd cemm/%s%s\n' "$faint" "$device" "$plain"
place=$mount/$device
show "ls p1 p1/realtime"
show "cat p1/realtime.csv"
show "cat p1/realtime/electric_power"

say "A whole day is a file; grep selects the quarter of an hour around noon"
show "grep -E 'T(11:5[5-9]|12:0[0-9]):' p1/data/day/yesterday.csv"
show "wc -l */data/day/yesterday.csv"
place=$scratch

say "collectd with the cemm plugin, writing CSV, on the same meter"
plugins=$(dpkg -L collectd-core | sed -n 's|/csv\.so$||p')
mkdir "$scratch/plugins"
cp "$build/plugin/collectd/cemm.so" "$plugins/csv.so" "$plugins/logfile.so" "$scratch/plugins/"
cat >"$scratch/collectd.conf" <<CONF
Hostname "demo"
FQDNLookup false
BaseDir "$scratch"
PIDFile "$scratch/collectd.pid"
PluginDir "$scratch/plugins"
TypesDB "/usr/share/collectd/types.db"
Interval 5
LoadPlugin logfile
<Plugin logfile>
  File "stderr"
</Plugin>
LoadPlugin csv
<Plugin csv>
  DataDir "$scratch/csv"
</Plugin>
LoadPlugin cemm
<Plugin cemm>
  TimeZone "Europe/Amsterdam"
  <Cloud "home">
    URL "$url"
    ApiKeyFile "$scratch/home.key"
    Device "$device"
    Alias "p1"
  </Cloud>
</Plugin>
CONF
begin collectd env LD_LIBRARY_PATH="$build/common" collectd -f -C "$scratch/collectd.conf"
# collectd starts a new file each day.
values="csv/demo/cemm-*-${device##*-}/power-p1-electric_power-*"
# shellcheck disable=SC2086 # it is a pattern
two_values() { (($(cd "$scratch" && cat $values | grep -c '^[0-9]') >= 2)); }
await collectd 'two values' two_values
show "cat $values | grep '^[0-9]' | head -n 2"
echo "(the first column is the time of the meter, not that of the poll)"

say "The power of yesterday, plotted in the terminal (W; below zero is feed-in)"
# Prints ten-minute means: rows such as 2026-11-23T07:43:00+01:00,1083 become one row for 2026-11-23T07:4.
awk -F, 'NR > 1 { ten = substr($1, 1, 15); sum[ten] += $2; n[ten]++ }
  END { for (ten in sum) print ten "0," sum[ten] / n[ten] }' \
  "$mount/$device/p1/data/day/yesterday.csv" | sort >"$scratch/means.csv"
gnuplot <<PLOT
set terminal dumb nofeed 79 24
set datafile separator comma
set xdata time
set timefmt "%Y-%m-%dT%H:%M"
set format x "%H:%M"
unset key
set ylabel "W"
plot "$scratch/means.csv" using 1:2 with lines
PLOT

say "The requests that the cloud received"
show "awk '{ print \$NF }' requests.log | sort | uniq -c"
echo "(202: promises and their repeats; 200: answers; 412: meters that do not exist)"

say "Done; everything is cleaned up now"
