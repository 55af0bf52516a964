#!/usr/bin/env bash
# Makes the pictures of the README and of this directory again, from the simulator's data:
#
#   examples/pictures.sh BUILD_DIR [OUT]      # OUT is examples/pictures by default
#
# The periods are in the past, and the simulator's data is a function of time, so the pictures are always
# the same, except for differences between versions of gnuplot and rrdtool.
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
[[ $# -ge 1 && -d $1 ]] || {
  echo "usage: ${BASH_SOURCE[0]} BUILD_DIR [OUT]" >&2
  exit 2
}
build=$(cd "$1" && pwd)
mkdir -p "${2:-$here/pictures}"
out=$(cd "${2:-$here/pictures}" && pwd)

scratch=$(mktemp -d "${TMPDIR:-/tmp}/cemm-pictures.XXXXXX")
sim=
cleanup() {
  trap - EXIT INT TERM HUP
  [[ -z $sim ]] || kill -TERM "$sim" 2>/dev/null || true
  [[ -z $sim ]] || wait "$sim" 2>/dev/null || true
  rm -rf --one-file-system "$scratch"
}
trap cleanup EXIT
trap 'exit 130' INT
trap 'exit 143' TERM HUP

"$build/tests/simulator/cemm-sim" --devices 1 --since 2024-12-01 >"$scratch/ready" &
sim=$!
for ((i = 0; i < 100; i++)); do
  ! grep -q '^ready ' "$scratch/ready" || break
  sleep 0.1
done
(umask 077 && echo test-key-4e4f657 >"$scratch/key")
cat >"$scratch/conf" <<END
time-zone = Europe/Amsterdam
[discovery]
enabled = no
[archive]
directory = $scratch/archive
[cloud home]
url = $(sed -E 's/^ready cloud=([^ ]+).*/\1/' "$scratch/ready")
api-key-file = $scratch/key
END
# history PERIOD FROM TO METER: prints history in the format of cemmfs, "time,channel[,channel]".
history() {
  "$build/plugin/exec/cemm" history --config "$scratch/conf" --period "$1" --from "$2" --to "$3" --format csv "$4" |
    awk -F, 'NR > 1 { if (!($6 in at)) { at[$6] = ++rows; time[rows] = $6 } if (!($3 in column)) { column[$3] = ++columns; name[columns] = $3 }
      value[at[$6], column[$3]] = $4 }
      END { printf "time"; for (c = 1; c <= columns; c++) printf ",%s", name[c]; print ""
        for (r = 1; r <= rows; r++) { printf "%s", time[r]; for (c = 1; c <= columns; c++) printf ",%s", value[r, c]; print "" } }'
}
history day 2025-06-11 2025-06-11 p1 >"$scratch/day.csv"
history day 2025-01-01 2025-12-31 p1 >"$scratch/days.csv"
history year 2025-01-01 2025-12-31 p1 >"$scratch/year.csv"
history year 2025-01-01 2025-12-31 p1-gas >"$scratch/gas.csv"
gnuplot -c "$here/plots/day.gnuplot" "$scratch/day.csv" "$out/day.png"
gnuplot -c "$here/plots/year.gnuplot" "$scratch/year.csv" "$scratch/gas.csv" "$out/year.png"
gnuplot -c "$here/plots/carpet.gnuplot" "$scratch/days.csv" "$out/carpet.png"
# energy FROM TO BY: prints the output of `cemm energy`.
energy() {
  "$build/plugin/exec/cemm" energy --config "$scratch/conf" --from "$1" --to "$2" --by "$3" --format csv p1
}
energy 2025-04-01 2025-04-30 hour >"$scratch/hours.csv"
energy 2025-01-01 2025-12-31 quarter >"$scratch/quarters.csv"
gnuplot -c "$here/plots/hours.gnuplot" "$scratch/hours.csv" "$out/hours.png"
gnuplot -c "$here/plots/peaks.gnuplot" "$scratch/quarters.csv" "$out/peaks.png"

# The files have what collectd's rrdtool plugin would have stored for that day, one value per minute.
rrds=$scratch/rrd
mkdir "$rrds"
start=$(TZ=Europe/Amsterdam date -d 2025-06-11 +%s)
oracle() { # CHANNEL: "EPOCH:VALUE" of each minute
  local times
  mapfile -t times < <(seq "$start" 60 $((start + 86340)) | sed 's/$/000/')
  paste -d : <(printf '%s\n' "${times[@]}" | sed 's/000$//') \
    <("$build/tests/simulator/cemm-sim" --since 2024-12-01 --print 00-1E-C0-00-00-01 p1 "$1" "${times[@]}")
}
store() { # NAME FACTOR: from "EPOCH:VALUE" on stdin
  rrdtool create "$rrds/$1.rrd" --start "$((start - 60))" --step 60 DS:value:GAUGE:120:U:U RRA:AVERAGE:0.5:1:1500 RRA:MAX:0.5:1:1500
  awk -F : -v factor="$2" '{ printf "%s:%.3f\n", $1, $2 * factor }' | xargs rrdtool update "$rrds/$1.rrd"
}
oracle electric_power | store power-p1-electric_power 1
for channel in t1 t2 t3 t4; do oracle "$channel" | store "energy_wh-p1-$channel" 1000; done
# The ages are realistic: there is a reading every 10 s, and an outage in the afternoon.
seq "$start" 60 $((start + 86340)) | awk -v start="$start" '{ t = $1 - start; print $1 ":" (t > 50400 && t < 53100 ? t - 50400 : 4 + t % 7) }' |
  store gauge-age 1
TZ=Europe/Amsterdam "$here/collectd/rrd-graph.sh" "$rrds" "$scratch/graphs" "$start" $((start + 86340))
for name in power energy age; do cp "$scratch/graphs/$name.png" "$out/rrd-$name.png"; done
ls -l "$out"
