# shellcheck shell=bash disable=SC2154
# Searches for the API key where it must not be: in every file of the scratch directory, in the command
# line and the environment of every program that the test started, and in the status files and the
# extended attributes of every mount. Source it after lib.sh, then:
#
#   the_search_finds_keys            # once: checks that the search finds a key
#   no_key 'after that'              # after each step that might have leaked the key
#
# The key files (*.key) and the simulators, which need the key, are not searched.

# key_files DIRECTORY: prints the files that contain the key, except in mounts, which key_mount searches.
key_files() {
  find "$1" -xdev -type f ! -name '*.key' -exec grep -laF -e "$sim_key" {} + 2>/dev/null
}

# key_processes PID…: prints where these processes and their children show the key.
key_processes() {
  local pid place children
  for pid in "$@"; do
    [[ -e /proc/$pid && $(readlink "/proc/$pid/exe") != */cemm-sim* ]] || continue
    for place in cmdline environ comm; do
      if grep -qaF -e "$sim_key" "/proc/$pid/$place" 2>/dev/null; then echo "/proc/$pid/$place"; fi
    done
    children=$(cat "/proc/$pid/task/$pid/children" 2>/dev/null) || continue
    # shellcheck disable=SC2086
    key_processes $children
  done
}

# key_mount MOUNTPOINT: prints which status files or attributes of the mount contain the key.
key_mount() {
  if ! within 10 cat "$1/status" "$1/status.json" 2>/dev/null >"$scratch/key-status"; then return; fi
  within 20 find "$1" -maxdepth 3 \( -name data -o -name totals -o -name realtime \) -prune -o \
    -exec getfattr -d -m - --absolute-names {} + >"$scratch/key-attributes" 2>&1
  if grep -qF -e "$sim_key" "$scratch/key-status"; then echo "$1/status"; fi
  if grep -qF -e "$sim_key" "$scratch/key-attributes"; then echo "$1: attributes"; fi
}

# keys_found: prints every place that shows the key.
keys_found() {
  local mount
  key_files "$scratch"
  key_processes "${own_pids[@]}"
  for mount in "${own_mounts[@]}"; do key_mount "$mount"; done
}

# no_key WHAT: ok if the key is nowhere.
no_key() {
  is "$1: the key is nowhere" '' "$(keys_found || true)"
}

# the_search_finds_keys: tests the search with a file, a command line and an environment that contain
# the key.
the_search_finds_keys() {
  local pid
  mkdir "$scratch/planted"
  echo "x$sim_key" >"$scratch/planted/a file"
  is 'the search finds a key in a file' "$scratch/planted/a file" "$(key_files "$scratch")"
  rm -r "$scratch/planted"
  is 'the search finds no key when the file is removed' '' "$(key_files "$scratch")"
  (exec -a "x=$sim_key" sleep 60) &
  pid=$!
  wait_for 20 grep -q sleep "/proc/$pid/comm"
  is 'the search finds a key in a command line' "/proc/$pid/cmdline" "$(key_processes "$pid")"
  kill "$pid"
  wait "$pid" 2>/dev/null || true
  KEY="$sim_key" bash -c 'sleep 60 & echo; wait' >"$scratch/planted" &
  pid=$!
  wait_for 20 test -s "$scratch/planted"
  is 'the search finds a key in two environments' 2 "$(key_processes "$pid" | grep -c environ)"
  # shellcheck disable=SC2046
  kill "$pid" $(cat "/proc/$pid/task/$pid/children")
  wait "$pid" 2>/dev/null || true
}

# no_core WHAT PID: ok if a crash of the process would leave no copy of its memory.
no_core() {
  is "$1: its core file would be empty" '0 0' "$(awk '/^Max core file size/ { print $5, $6 }' "/proc/$2/limits")"
}
