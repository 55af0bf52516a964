#!/usr/bin/env bash
# chart.sh RESULTS PNG: draws how the cost grows.
set -euo pipefail
results=$1
scratch=$(mktemp -d "${TMPDIR:-/tmp}/cemm-chart.XXXXXX")
trap 'rm -rf "$scratch"' EXIT

# points FILE PREFIX SUFFIX SERIES: writes X and the median of SERIES to $scratch/FILE, for each row whose
# ID is PREFIX X SUFFIX.
points() {
  awk -F'\t' -v prefix="$2" -v suffix="$3" -v series="$4" '
    $1 == "figure" && $3 == series && index($2, prefix) == 1 {
      x = substr($2, length(prefix) + 1)
      if (suffix != "" && substr(x, length(x) - length(suffix) + 1) != suffix) next
      x = substr(x, 1, length(x) - length(suffix))
      if (x ~ /^[0-9]+$/) print x, $4
    }' "$results" | sort -k1,1n -k2,2n | awk '
    $1 != x { if (n) print x, v[int((n + 1) / 2)]; n = 0; x = $1 }
    { v[++n] = $2 }
    END { if (n) print x, v[int((n + 1) / 2)] }' >"$scratch/$1"
}

for series in ours peer limit; do points "sweep-$series" sweep- -100-0-0-0-time "$series"; done
for series in ours peer; do points "cpu-$series" sweep- -100-0-0-0-cpu "$series"; done
points history growth-history- '' ours
points readers growth-readers- '' ours

gnuplot <<END
set terminal pngcairo size 1200,840 font 'DejaVu Sans,11'
set output '$2'
set multiplot layout 2,2
set grid
set key top left
set logscale xy
set xlabel 'devices that answer after 0.1 s'
set ylabel 'a sweep, s'
plot '$scratch/sweep-ours' with linespoints lw 2 title 'cemm plugin', \
     '$scratch/sweep-peer' with linespoints title 'curl\\_json, tuned', \
     '$scratch/sweep-limit' with linespoints title 'curl --parallel'
set ylabel 'CPU for a value, µs'
unset logscale y
set yrange [0:*]
plot '$scratch/cpu-ours' with linespoints lw 2 title 'cemm plugin', \
     '$scratch/cpu-peer' with linespoints title 'curl\\_json, tuned'
unset logscale x
set xlabel 'days of history'
set ylabel 'cemm history from the archive, s'
plot '$scratch/history' with linespoints lw 2 notitle
set xlabel 'readers of a closed day, 1,000 reads each'
set ylabel 's'
plot '$scratch/readers' with linespoints lw 2 notitle
END
