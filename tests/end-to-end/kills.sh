#!/usr/bin/env bash
# Kills each program with kill -9 at random moments. Archives and state files must always be valid, and
# nothing may be sent twice except for what was being sent at that moment.
#
#   kills.sh BUILD_DIR
#     CEMM_E2E_LONG   if set, 500 kills, otherwise 20
#     CEMM_KILLS      the number of kills
#     CEMM_SEED       the random seed (default: from the clock; it is printed)
# shellcheck disable=SC1091,SC2154
set -euo pipefail
. "$(dirname "$0")/mount-lib.sh"
begin_mount "$@"

readonly kills=${CEMM_KILLS:-$([[ -n ${CEMM_E2E_LONG-} ]] && echo 500 || echo 20)}
readonly seed=${CEMM_SEED:-$EPOCHSECONDS}
since=$(date -d '18 months ago' +%F)
collectd=$(PATH=$PATH:/usr/sbin:/usr/local/sbin command -v collectd) || skip 'collectd is not installed'
export ASAN_OPTIONS=${ASAN_OPTIONS:+$ASAN_OPTIONS:}detect_leaks=0 # because killed programs can't check for leaks

echo "# seed $seed"
start_sim --devices 2 --since "$since"
mounted "$scratch/cemmfs/m"
SIM_KEY=$sim_key PYTHONDONTWRITEBYTECODE=1 python3 "$(dirname "$0")/kills.py" "$build" "$scratch" "$sim_cloud" "$since" \
  "$kills" "$seed" "$collectd" >"$scratch/kills.log" 2>&1 &
killer=$!
started "$killer"
while ! gone_or_zombie "$killer"; do sleep 0.2; done
stop "$killer"
is "$kills kills: archives and states are valid, nothing is lost, and nothing else is sent twice" '' "$(grep -v '^#' "$scratch/kills.log" || true)"
is 'kills.py ran to the end' 0 "$stopped"
grep '^#' "$scratch/kills.log"
hasnt 'the key is in no log' "$(cat "$scratch"/*/log)" "$sim_key"
check 'no mount is left' not_mounted "$scratch/cemmfs/m"
finish
