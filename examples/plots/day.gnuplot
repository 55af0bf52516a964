# The power of a day, from its file in a mount of cemmfs:
#
#   gnuplot -c day.gnuplot ~/meters/UID/p1/data/day/yesterday.csv day.png
#
# Feed-in is below zero. The curve has five-minute means, because single minutes are noisy.
file = ARG1
set terminal pngcairo size 800,300 font "DejaVu Sans,9"
set output ARG2
set datafile separator comma
set xdata time
set timefmt "%Y-%m-%dT%H:%M:%S"
set format x "%H:%M"
set xtics 3*3600
set ylabel "W"
set grid back lc rgb "#d0d0d0"
set border 3
set tics nomirror
set title system("sed -n '2s/T.*//p' '".file."'") # its date
set key outside top right horizontal
means = "< awk -F, 'NR > 1 { m = int(substr($1, 15, 2) / 5) * 5; k = sprintf(\"%s%02d:00\", substr($1, 1, 14), m); ".\
  "if (!(k in n)) order[++keys] = k; s[k] += $2; n[k]++ } ".\
  "END { for (i = 1; i <= keys; i++) print order[i] \",\" s[order[i]] / n[order[i]] }' '".file."'"
plot means using 1:($2 > 0 ? $2 : 0) with filledcurves y=0 lc rgb "#e07b39" title "used", \
  means using 1:($2 < 0 ? $2 : 0) with filledcurves y=0 lc rgb "#3a8f5c" title "fed in", \
  means using 1:2 with lines lc rgb "#404040" notitle
