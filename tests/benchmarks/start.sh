#!/usr/bin/env bash
# Measures the time of each program from its start to its first result, and its size.
#
#   start.sh BUILD_DIR RESULTS [ROUNDS]
set -euo pipefail
# shellcheck source=tests/benchmarks/bench-lib.sh
. "$(dirname "$0")/bench-lib.sh"
bench_begin "$@"
cemm=$build/plugin/exec/cemm

start_sim --devices 1 --lan 1
{
  printf 'time-zone = Europe/Amsterdam\n[discovery]\nenabled = no\n[archive]\ndirectory = %s\n' "$scratch/archive"
  printf '[local home]\naddress = %s\n' "${sim_lan[0]}"
} >"$conf"
read_all() { "$cemm" read --config "$conf" --format csv; }
help() { "$cemm" --help; }
curl_all() {
  local path
  # These are the requests of `cemm read`: the device, its meters, and each meter.
  for path in '' io/ p1/realtime/ p1-gas/realtime/ s01/realtime/; do curl -s "http://${sim_lan[0]}/$path"; done
}

say 'start: cemm and cemmfs'
row start-help 'cemm --help' s - - -
row start-read 'cemm read of one device, from exec to exit' s - - 'five curl in turn'
row start-mount "cemmfs from its start to a realtime file's first byte" s - - -
for ((round = 0; round < rounds; round++)); do
  figure start-help ours "$(seconds help)"
  figure start-read ours "$(seconds read_all)"
  figure start-read limit "$(seconds curl_all)"
  begun=$EPOCHREALTIME
  mkdir -p "$m"
  "$build/fs/cemmfs" "$conf" "$m" -f 2>>"$scratch/fs.log" &
  fs_pid=$!
  started "$fs_pid"
  mounted "$m"
  until { read -r -n 1 _ <"$m/$dev/p1/realtime.csv"; } 2>/dev/null; do :; done
  figure start-mount ours "$(since "$begun")"
  unmount_fs
done

say 'start: collectd'
collectd=$(PATH=$PATH:/usr/sbin command -v collectd)
collectd_with() { # PLUGIN DIRECTORY BLOCK
  {
    printf 'Hostname "bench"\nFQDNLookup false\nBaseDir "%s"\nPIDFile "%s/pid"\n' "$scratch" "$scratch"
    printf 'PluginDir "%s"\nLoadPlugin %s\n%s\n' "$2" "$1" "$3"
  } >"$scratch/$1.conf"
  echo "$scratch/$1.conf"
}
ours=$(collectd_with cemm "$build/plugin/collectd" "<Plugin cemm>
  <Discovery>
    Enabled false
  </Discovery>
  <Local \"home\">
    Address \"${sim_lan[0]}\"
  </Local>
</Plugin>")
theirs=$(collectd_with curl_json "$(dirname "$(find /usr/lib /usr/local/lib -path '*collectd/curl_json.so' 2>/dev/null | head -n 1)")" \
  "<Plugin curl_json>
  <URL \"http://${sim_lan[0]}/p1/realtime/\">
    Instance \"p1\"
    <Key \"data/t1/1\">
      Type gauge
    </Key>
  </URL>
</Plugin>")
test_run() { "$collectd" -T -C "$1" 2>&1; }
row start-collectd 'collectd -T, from exec to exit' s - curl_json -
for ((round = 0; round < rounds; round++)); do
  figure start-collectd ours "$(seconds test_run "$ours")"
  figure start-collectd peer "$(seconds test_run "$theirs")"
done

for file in common/libcemm.so fs/cemmfs plugin/exec/cemm plugin/collectd/cemm.so; do
  stripped=$scratch/stripped
  strip -o "$stripped" "$build/$file"
  row "size-${file##*/}" "size of ${file##*/}, stripped" KiB - - -
  figure "size-${file##*/}" ours "$(stat -c %s "$stripped" | awk '{ printf "%.0f", $1 / 1024 }')"
  row "libraries-${file##*/}" "libraries that ${file##*/} pulls in" '' - - -
  figure "libraries-${file##*/}" ours "$(ldd "$build/$file" | wc -l)"
done
