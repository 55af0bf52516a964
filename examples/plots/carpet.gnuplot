# A whole year at a glance: each column is a day, each row a quarter of an hour, the colour is the
# power. From all day files of a year:
#
#   gnuplot -c carpet.gnuplot '/home/me/meters/UID/p1/data/day/2025/*/*.csv' year.png
set terminal png size 800,320 font "DejaVu Sans,9"
set output ARG2
set datafile separator comma
set xdata time
set timefmt "%Y-%m-%d"
set format x "%b"
set xtics 2629800
set ytics 6 out nomirror
set yrange [0:24]
set ylabel "hour"
set cblabel "W"
set tics out nomirror
set autoscale xfix
set palette defined (-2500 "#1f6b3f", -800 "#7cc49a", 0 "#f4f1e8", 400 "#e8a06a", 1500 "#9c3d12")
set palette maxcolors 40
set cbrange [-2500:1500]
# Quarters of an hour, one row each: date,hour,mean
quarters = "< awk -F, '/^[0-9]/ { k = substr($1, 1, 10) \",\" substr($1, 12, 2) + (int(substr($1, 15, 2) / 15) + 0.5) / 4; ".\
  "s[k] += $2; n[k]++ } END { for (k in s) print k \",\" s[k] / n[k] }' ".ARG1
set style fill solid 1 noborder
plot quarters using 1:2:(45000):(0.13):3 with boxxyerror linecolor palette notitle
