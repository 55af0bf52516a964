#!/bin/sh
# CEMM meters in Prometheus, through node_exporter's textfile directory. This
# reads all meters once and replaces the file atomically. From cron, every minute:
#
#   * * * * * root /usr/local/bin/prometheus-textfile.sh
#
# The directory below, which Debian's node_exporter reads, belongs to root, and
# so does the key file. Another user needs its own configuration and key file,
# and a directory that it can write to.
#
# A meter that fails has no samples in the file, and its cemm_up is 0. So alert on
# cemm_up == 0, and on the age of the file (node_textfile_mtime_seconds), in case
# this does not run at all. To read the meters more often, keep a program running:
#
#   cemm stream --interval 10 --format prometheus --output FILE
exec cemm read --config "${CEMM_CONFIG:-/etc/cemm/cemm.conf}" --format prometheus \
  --output "${1:-/var/lib/prometheus/node-exporter/cemm.prom}"
