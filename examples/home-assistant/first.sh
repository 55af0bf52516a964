#!/bin/sh
# first.sh FILE: prints a first row for each statistic in a file of `cemm energy --format
# home-assistant`, with a time long before all other rows. An import of differences needs such a row.
exec awk -F, '
  NR == 1 { print "statistic_id,start,unit,sum,state"; next }
  !seen[$1]++ { print $1 ",01.01.2010 00:00," $3 ",0,0" }' "$1"
