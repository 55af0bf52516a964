#!/usr/bin/env bash
# kill -9 of each program at random moments: archives and state files are always valid, and nothing
# is sent twice except what was being sent.
#
#   kills.sh BUILD_DIR
#     CEMM_E2E_LONG   500 times; without it, 20 times
#     CEMM_KILLS      how often
#     CEMM_SEED       the random seed (default: from the clock; it is printed)
# shellcheck disable=SC1091,SC2154
set -euo pipefail
. "$(dirname "$0")/mount-lib.sh"
begin_mount "$@"

readonly kills=${CEMM_KILLS:-$([[ -n ${CEMM_E2E_LONG-} ]] && echo 500 || echo 20)}
readonly seed=${CEMM_SEED:-$EPOCHSECONDS}
since=$(date -d '18 months ago' +%F)
collectd=$(PATH=$PATH:/usr/sbin:/usr/local/sbin command -v collectd) || skip 'collectd is not installed'
export ASAN_OPTIONS=${ASAN_OPTIONS:+$ASAN_OPTIONS:}detect_leaks=0 # killed programs can't check

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
is 'it ran to the end' 0 "$stopped"
grep '^#' "$scratch/kills.log"
hasnt 'the key is in no log' "$(cat "$scratch"/*/log)" "$sim_key"
check 'no mount is left' not_mounted "$scratch/cemmfs/m"
finish
