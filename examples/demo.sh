#!/usr/bin/env bash
# Shows what cemm does, on this machine alone: builds it, starts a simulated CEMM cloud that
# answers with promises, mounts it, and runs collectd on it. Leaves nothing behind.
set -euo pipefail

usage() {
  cat <<'TEXT'
usage: examples/demo.sh [--no-install]

  --no-install   do not install Debian packages; those of .ci/packages up to [demo] must be there
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

scratch=$(mktemp -d "${TMPDIR:-/tmp}/cemm-demo.XXXXXX")
mount=$scratch/cemm
pids=()
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

say() { printf '\n\033[1m== %s\033[0m\n' "$*"; }
show() {
  printf '\n\033[2m$ %s\033[0m\n' "$*"
  # Paths as the reader would have them.
  (cd "$scratch" && bash -c "$*")
}
# wait_for SECONDS COMMAND…: until the command succeeds.
wait_for() {
  local end=$((SECONDS + $1))
  shift
  until "$@" >/dev/null 2>&1; do
    ((SECONDS < end)) || {
      echo "gave up waiting for: $*" >&2
      return 1
    }
    sleep 0.1
  done
}

if [[ $install == yes ]]; then
  say "Installing what is needed"
  .ci/install demo
fi

say "Building"
build=$scratch/build
if ! { meson setup "$build" --buildtype=release && meson compile -C "$build"; } \
  >"$scratch/build.log" 2>&1; then
  tail -n 30 "$scratch/build.log" >&2
  exit 1
fi
export PATH="$build/plugin/exec:$build/fs:$PATH"
echo "done: $(cd "$build" && ls -d plugin/exec/cemm fs/cemmfs plugin/collectd/cemm.so | xargs)"

say "A simulated CEMM cloud: two devices, and every first answer is a promise (202) for 0.3 s"
"$build/tests/simulator/cemm-sim" --devices 2 --promise 300 --log "$scratch/requests.log" \
  >"$scratch/ready" 2>"$scratch/sim.err" &
pids+=($!)
wait_for 10 grep -q '^ready ' "$scratch/ready"
url=$(sed -E 's/^ready cloud=([^ ]+).*/\1/' "$scratch/ready")
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

say "What a person sees first"
show cemm read --format table

say "The same as files: cemmfs mounts the cloud"
mkdir "$mount"
cemmfs "$scratch/cemm.conf" "$mount" -f 2>"$scratch/cemmfs.err" &
pids+=($!)
wait_for 10 mountpoint -q "$mount"
device=00-1E-C0-00-00-01
show "ls cemm cemm/$device cemm/$device/p1 cemm/$device/p1/realtime"
show "cat cemm/$device/p1/realtime.csv"
show "cat cemm/$device/p1/realtime/electric_power"

say "A whole day is a file; grep takes the quarter of an hour around noon, yesterday"
show "grep -E 'T(11:5[5-9]|12:0[0-9]):' cemm/$device/p1/data/day/yesterday.csv"
show "wc -l cemm/$device/*/data/day/yesterday.csv"

say "collectd with the cemm plugin, writing CSV, on the same meter"
plugins=$(dirname "$(dpkg -L collectd-core | grep -m 1 '/csv\.so$')")
mkdir "$scratch/plugins"
cp "$build/plugin/collectd/cemm.so" "$plugins/csv.so" "$plugins/logfile.so" "$scratch/plugins/"
cat >"$scratch/collectd.conf" <<CONF
Hostname "demo"
FQDNLookup false
BaseDir "$scratch"
PIDFile "$scratch/collectd.pid"
PluginDir "$scratch/plugins"
TypesDB "/usr/share/collectd/types.db"
Interval 1
LoadPlugin logfile
<Plugin logfile>
  File "$scratch/collectd.log"
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
  </Cloud>
</Plugin>
CONF
LD_LIBRARY_PATH=$build/common collectd -f -C "$scratch/collectd.conf" 2>"$scratch/collectd.err" &
pids+=($!)
values="csv/demo/cemm-$device/power-p1-electric_power"
two_values() { (($(cat "$scratch/$values"* | wc -l) >= 3)); }
wait_for 40 two_values
show "head -n 3 $values*"
echo "(the first column is the meter's own time, to the millisecond, not the time of the poll)"

today=$scratch/today.csv
cp "$mount/$device/p1/data/day/today.csv" "$today"
day=today
if (($(wc -l <"$today") < 30)); then
  day=yesterday # it is shortly after midnight
  cp "$mount/$device/p1/data/day/yesterday.csv" "$today"
fi
say "The power of $day, plotted in the terminal (W, means of ten minutes, below zero is feeding in)"
# 2026-11-23T07:43:00+01:00,1083 → one row for each 2026-11-23T07:4
awk -F, 'NR > 1 { ten = substr($1, 1, 15); sum[ten] += $2; n[ten]++ }
  END { for (ten in sum) print ten "0," sum[ten] / n[ten] }' "$today" | sort >"$scratch/means.csv"
gnuplot <<PLOT
set terminal dumb 100 24
set datafile separator comma
set xdata time
set timefmt "%Y-%m-%dT%H:%M"
set format x "%H:%M"
unset key
set ylabel "W"
plot "$scratch/means.csv" using 1:2 with lines
PLOT

say "What this cost the cloud"
show "awk '{ print \$NF }' requests.log | sort | uniq -c"
echo "(202: promises and their repeats; 200: answers; 412: documented meters that are not there)"

say "Done; all of it is cleaned up now"
