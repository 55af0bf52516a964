# The highest quarter-hour of each month, and their mean, from the output of `cemm energy`:
#
#   cemm energy --from 2025-01-01 --to 2025-12-31 --by quarter --format csv --output quarters.csv p1
#   gnuplot -c peaks.gnuplot quarters.csv peaks.png
file = ARG1
set terminal pngcairo size 1000,340 font "DejaVu Sans,9"
set output ARG2
set datafile separator comma
set boxwidth 0.7
set style fill solid 0.9 border lc rgb "#5b7fa6"
set border 3
set tics nomirror out
set grid y back lc rgb "#d0d0d0"
set ylabel "kW, mean of a quarter of an hour"
set yrange [0:*]
set offsets 0.2, 0.2, 0, 0
set bmargin 3.5
set key outside top right horizontal
set title system("awk -F, 'NR == 2 { who = $2 \" of \" $1; first = substr($3, 1, 7) } END { print who \", \" first \" to \" substr($3, 1, 7) \": the highest quarter-hour of each month\" }' '".file."'") noenhanced
# One row each: start,kW
peaks = "< awk -F, 'NR > 1 && 4 * $4 > most[m = substr($3, 1, 7)] { most[m] = 4 * $4; at[m] = $3 } ".\
  "END { for (m in most) print at[m] \",\" most[m] }' '".file."' | sort"
when(start) = strftime("%d %b\n%H:%M", strptime("%Y-%m-%dT%H:%M", start))
stats peaks using 2 nooutput name "ALL"
plot peaks using 0:2:xticlabels(when(stringcolumn(1))) with boxes lc rgb "#5b7fa6" title "the peak of a month", \
  "" using 0:(0):(sprintf("%.2f", $2)) with labels offset 0,0.8 tc rgb "white" notitle, \
  ALL_mean with lines lw 2 dt 2 lc rgb "#c03028" title sprintf("their mean: %.2f kW", ALL_mean)
