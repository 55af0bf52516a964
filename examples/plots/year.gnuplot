# Electricity and gas of a year, month by month, from its files in a mount of cemmfs:
#
#   cd ~/meters/UID
#   gnuplot -c year.gnuplot p1/data/year/2025.csv p1-gas/data/year/2025.csv year.png
#
# Electricity is consumption minus feed-in, by tariff, so it can be negative in summer.
set terminal pngcairo size 800,300 font "DejaVu Sans,9"
set output ARG3
set datafile separator comma
set style data histograms
set style histogram rowstacked
set style fill solid 0.9 border -1
set boxwidth 0.8
set border 3
set tics nomirror
set xzeroaxis
set grid y back lc rgb "#d0d0d0"
set key outside top center horizontal
month(time) = strftime("%b", strptime("%Y-%m-%d", time))[1:1]
# gnuplot finds no range for bars that are stacked in both directions.
stats ARG1 using (($2 > 0 ? $2 : 0) + ($3 > 0 ? $3 : 0)) skip 1 nooutput name "UP"
stats ARG1 using (($2 < 0 ? $2 : 0) + ($3 < 0 ? $3 : 0)) skip 1 nooutput name "DOWN"
set multiplot layout 1,2
set ylabel "kWh"
set yrange [1.1 * DOWN_min : 1.1 * UP_max + 1]
plot ARG1 using 2:xticlabels(month(stringcolumn(1))) skip 1 lc rgb "#5b7fa6" title "low tariff", \
  "" using 3 skip 1 lc rgb "#e0b04c" title "high tariff"
set ylabel "m³"
set yrange [0:*]
plot ARG2 using 2:xticlabels(month(stringcolumn(1))) skip 1 lc rgb "#a65b6c" title "gas"
unset multiplot
