# Import and export of each hour, from the output of `cemm energy`:
#
#   cemm energy --from 2025-06-01 --to 2025-06-30 --format csv --output hours.csv p1
#   gnuplot -c hours.gnuplot hours.csv month.png
#
# Export is below zero. Hours without data are empty.
file = ARG1
set terminal pngcairo size 1000,340 font "DejaVu Sans,9"
set output ARG2
set datafile separator comma
set xdata time
set timefmt "%Y-%m-%dT%H:%M:%S"
set autoscale xfix
set format x "%d"
set xtics 86400
set style fill solid 1
set ylabel "kWh in an hour"
set grid back lc rgb "#d0d0d0"
set border 3
set tics nomirror out
set xzeroaxis lc rgb "#404040"
set key outside top right horizontal
set xlabel "day"
set title system("awk -F, 'NR == 2 { who = $2 \" of \" $1; first = substr($3, 1, 10) } END { print who \", \" first \" to \" substr($3, 1, 10) }' '".file."'") noenhanced
plot file using 3:4 skip 1 with fillsteps lc rgb "#e07b39" title "import", \
  "" using 3:(-$5) skip 1 with fillsteps lc rgb "#3a8f5c" title "export"
