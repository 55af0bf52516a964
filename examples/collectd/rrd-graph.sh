#!/bin/sh
# Draws pictures of one CEMM from the files of collectd's rrdtool plugin:
#
#   rrd-graph.sh /var/lib/collectd/rrd/HOST/cemm-UID OUT [START [END]]
#
# This makes OUT/power.png, OUT/energy.png and OUT/age.png. START and END are times that rrdtool reads;
# the default is the last day.
set -eu
[ $# -ge 2 ] || {
  echo "usage: $0 DIRECTORY OUT [START [END]]" >&2
  exit 2
}
from=$1 out=$2 start=${3:-end-1d} end=${4:-now}
mkdir -p "$out"

draw() { # FILE TITLE UNIT ARGUMENT…
  name=$1 title=$2 unit=$3
  shift 3
  rrdtool graph "$out/$name.png" --start "$start" --end "$end" --title "$title" \
    --vertical-label "$unit" --width 760 --height 240 --slope-mode "$@" >/dev/null
}

draw power "Power" W \
  "DEF:p=$from/power-p1-electric_power.rrd:value:AVERAGE" \
  'CDEF:in=p,0,MAX' 'CDEF:out=p,0,MIN' \
  'AREA:in#e07b39:used' 'AREA:out#3a8f5c:fed in' 'LINE1:p#404040' 'HRULE:0#808080' \
  'GPRINT:p:LAST:now %6.0lf W' 'GPRINT:p:MIN:least %6.0lf W' 'GPRINT:p:MAX:most %6.0lf W'

draw energy "Energy since the left edge" kWh \
  "DEF:a=$from/energy_wh-p1-t1.rrd:value:AVERAGE" "DEF:b=$from/energy_wh-p1-t2.rrd:value:AVERAGE" \
  "DEF:c=$from/energy_wh-p1-t3.rrd:value:AVERAGE" "DEF:d=$from/energy_wh-p1-t4.rrd:value:AVERAGE" \
  'VDEF:a0=a,MINIMUM' 'VDEF:b0=b,MINIMUM' 'VDEF:c0=c,MINIMUM' 'VDEF:d0=d,MINIMUM' \
  'CDEF:t1=a,a0,-,1000,/' 'CDEF:t2=b,b0,-,1000,/' 'CDEF:t3=c,c0,-,1000,/' 'CDEF:t4=d,d0,-,1000,/' \
  'LINE2:t1#b5541c:used, low tariff' 'LINE2:t2#e8a06a:used, high' \
  'LINE2:t3#1f6b3f:fed in, low' 'LINE2:t4#7cc49a:fed in, high'

draw age "Age of the newest sample" s --logarithmic --lower-limit 1 --rigid \
  "DEF:age=$from/gauge-age.rrd:value:MAX" 'AREA:age#9db4c8' 'LINE1:age#3b5f80:age'
