# shellcheck shell=bash disable=SC2034,SC2154,SC1091
# For the tests of the mounted file system. Source it after lib.sh and call begin_mount instead of
# begin; then $dev is the simulator's first device, $m the mountpoint, $conf the configuration file.
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

# begin_mount BUILD_DIR: begins the test, and sets these variables.
begin_mount() {
  begin "$@"
  [[ -c /dev/fuse && -r /dev/fuse && -w /dev/fuse ]] || skip '/dev/fuse cannot be opened'
  export TZ=Europe/Amsterdam LC_ALL=C
  dev=00-1E-C0-00-00-01
  m=$scratch/m
  conf=$scratch/cemm.conf
}

# mount_fs [OPTION…]: mounts $conf on $m in the foreground; sets $fs_pid.
mount_fs() {
  mkdir -p "$m" 2>/dev/null || true # fails on a mount whose process has crashed
  "$build/fs/cemmfs" "$conf" "$m" -f "$@" 2>>"$scratch/fs.log" &
  fs_pid=$!
  started "$fs_pid"
  mounted "$m"
  if ! wait_for 10 cat "$m/status"; then # the kernel never caches this file
    echo "Bail out! cemmfs did not mount: $(<"$scratch/fs.log")"
    exit 1
  fi
}

# sendfile FILE: prints it with sendfile only, without asking for its size first.
sendfile() {
  python3 -c 'import os, sys
file, (reader, writer) = os.open(sys.argv[1], os.O_RDONLY), os.pipe()
while count := os.sendfile(writer, file, None, 65536):
    while count > 0:
        part = os.read(reader, count)
        sys.stdout.buffer.write(part)
        count -= len(part)' "$1"
}

# unmount DIRECTORY: unmounts it. Retries while it is in use, because a reader such as one in <(…) may
# be about to end.
unmount() {
  wait_for 20 fusermount3 -u "$1" || not_ok "fusermount3 -u $1" "$(fusermount3 -u "$1" 2>&1)"
}

# unmount_fs: unmounts $m and waits for a clean exit. A mount namespace that another test has
# made meanwhile has a copy of the mount; until that is gone, too, cemmfs does not exit.
unmount_fs() {
  unmount "$m"
  wait_for 60 gone_or_zombie "$fs_pid" || not_ok 'unmounting ends cemmfs' "$(cat "/proc/$fs_pid/wchan" 2>&1)"
  stop "$fs_pid"
  [[ $stopped == 0 ]] || not_ok 'unmounting ends cemmfs with 0' "$stopped"
}

# day_file UID ALIAS DATE FORM: prints the path of a day's file.
day_file() {
  echo "$m/$1/$2/data/day/${3:0:4}/${3:5:2}/$3.$4"
}

# fails_with WHAT WORDS COMMAND…: ok if the command fails with WORDS, the text of a system error.
fails_with() {
  local what=$1 words=$2 message
  shift 2
  if message=$("$@" 2>&1 >/dev/null); then not_ok "$what" 'it succeeded'; else has "$what" "$message" "$words"; fi
}

# asked PATTERN: whether the simulator got a request that matches.
asked() {
  grep -qE -- "$1" "$sim_log"
}

# expected_csv: converts history or totals of the API on stdin to our CSV, oldest first, without
# entries that are not samples. It uses only jq and awk.
expected_csv() {
  jq -r --argjson now "$(date +%s)" '.data as $data | ($data | keys_unsorted) as $names |
         ("time " + ($names | join(","))),
         ([$data | to_entries[] | .key as $name |
           (.value | if (.[0] | type) == "array" then .[] else . end) |
           select(.[0] != 0 and .[0] / 1000 <= $now and .[1] != null) |
           {time: .[0], name: $name, value: .[1]}] |
          group_by(.time)[] | . as $row | "\(.[0].time) " +
          ($names | map(. as $name | $row | map(select(.name == $name)) |
                        if length > 0 then .[0].value | tostring else "" end) | join(",")))' |
    awk 'NR == 1 { print $1 "," $2; next }
         { zone = strftime("%z", $1 / 1000)
           print strftime("%Y-%m-%dT%H:%M:%S", $1 / 1000) substr(zone, 1, 3) ":" substr(zone, 4) "," $2 }'
}

# midnight DATE: prints the first second of that date.
midnight() {
  date -d "$1 00:00" +%s
}

# oracle UID ALIAS CHANNEL MS…: prints the simulator's values at these times.
oracle() {
  "$build/tests/simulator/cemm-sim" --print "$@"
}

