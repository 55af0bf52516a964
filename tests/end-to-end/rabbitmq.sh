#!/usr/bin/env bash
# rabbitmq.sh BUILD_DIR: a fleet as in examples/fleet/. Two collectds (pollers) share 1,000 devices and
# publish to a RabbitMQ of three nodes; a third, central collectd receives and writes the values. Each
# node is killed and restarted, then the central collectd, then a poller; then there are three pollers.
# The values that arrive are compared with the simulator's, and the number of lost values with what is
# documented for each case. Takes about ten minutes, and 30 on a busy machine.
# shellcheck disable=SC2154,SC2317 # variables of the libraries
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
# shellcheck source=tests/end-to-end/lib.sh
. "$here/lib.sh"
# shellcheck source=tests/end-to-end/collectd-lib.sh
. "$here/collectd-lib.sh"
# shellcheck source=tests/end-to-end/servers.sh
. "$here/servers.sh"
begin "$@"
collectd_begin
rabbit_bin=/usr/lib/rabbitmq/bin
[[ -x $rabbit_bin/rabbitmq-server ]] || skip 'rabbitmq-server is not installed'
needs epmd python3 jq
ldd /usr/lib/collectd/amqp.so 2>/dev/null | grep -c 'librabbitmq.*=> /' >/dev/null || skip 'librabbitmq4 is not installed'
export ASAN_OPTIONS=detect_leaks=0 # librabbitmq and collectd's plugin for it leak

examples=$(cd "$here/../../examples/fleet" && pwd)
devices=1000
csv=$scratch/central/csv
free_ports 7
amqp_port=${ports[0]} epmd_port=${ports[4]} ctl_port=${ports[5]} tap_port=${ports[6]}

# ---- RabbitMQ --------------------------------------------------------------------------------

declare -A node_pid=()

# end_nodes: kills the nodes before cleanup ends epmd. A node that outlives its epmd starts another one.
end_nodes() {
  local pid
  for pid in "${node_pid[@]}"; do
    if ours "$pid"; then kill -KILL "$pid"; fi
  done
}
at_cleanup end_nodes

# The nodes have different addresses and the same port. The system's RabbitMQ is not used.
rabbit_env() {
  unset NOTIFY_SOCKET
  export HOME=$scratch/rabbit ERL_EPMD_PORT=$epmd_port ERL_EPMD_ADDRESS=127.0.0.1
  export RABBITMQ_CONF_ENV_FILE=/dev/null RABBITMQ_ENABLED_PLUGINS_FILE=$scratch/rabbit/plugins
  export RABBITMQ_CTL_DIST_PORT_MIN=$ctl_port RABBITMQ_CTL_DIST_PORT_MAX=$ctl_port
  export RABBITMQ_CTL_ERL_ARGS="$loopback" RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS="$loopback"
}
loopback='-start_epmd false -kernel inet_dist_use_interface {127,0,0,1}'

start_node() { # NUMBER
  local dir=$scratch/rabbit/$1
  mkdir -p "$dir"
  sed -e "s|^listeners.*|listeners.tcp.1 = 127.0.0.$1:$amqp_port|" -e 's|rabbit@rabbit\(.\)|cemm\1@localhost|' \
    "$examples/rabbitmq.conf" >"$dir/rabbitmq.conf"
  : >"$dir/out"
  (
    rabbit_env
    export RABBITMQ_NODENAME=cemm$1@localhost RABBITMQ_DIST_PORT=${ports[$1]} RABBITMQ_CONFIG_FILE=$dir/rabbitmq.conf
    export RABBITMQ_MNESIA_BASE=$dir/data RABBITMQ_LOG_BASE=$dir/log
    export RUNNING_UNDER_SYSTEMD=true # so that RabbitMQ runs in this process and not in a child
    exec "$rabbit_bin/rabbitmq-server" >>"$dir/out" 2>&1 </dev/null
  ) &
  node_pid[$1]=$!
  started "${node_pid[$1]}"
}

node_runs() { # NUMBER
  wait_for 90 grep -q 'completed with' "$scratch/rabbit/$1/out" || not_ok "node $1 starts" "$(tail -n 12 "$scratch/rabbit/$1/out")"
}

ctl() { # NODE ARGUMENT…
  (rabbit_env && exec "$rabbit_bin/rabbitmqctl" --node "cemm$1@localhost" "${@:2}")
}

start_rabbitmq() {
  local node
  mkdir -p "$scratch/rabbit" "$scratch/bin"
  echo '[].' >"$scratch/rabbit/plugins"
  (umask 377 && echo "$$-$RANDOM" >"$scratch/rabbit/.erlang.cookie")
  ERL_EPMD_ADDRESS=127.0.0.1 begin_daemon epmd "$epmd_port" epmd -port "$epmd_port"
  for node in 1 2 3; do start_node $node; done
  for node in 1 2 3; do node_runs $node; done
  check 'RabbitMQ: three nodes are a cluster' ctl 1 await_online_nodes 3
  {
    echo '#!/usr/bin/env bash'
    declare -f rabbit_env
    declare -p scratch epmd_port ctl_port loopback
    echo "rabbit_env; exec $rabbit_bin/rabbitmqctl --node cemm1@localhost \"\$@\""
  } >"$scratch/bin/rabbitmqctl"
  chmod +x "$scratch/bin/rabbitmqctl"
  PATH=$scratch/bin:$PATH check 'RabbitMQ: broker.sh' "$examples/broker.sh" <<<'change this'
}

# queue COLUMN: prints that column of the queue as JSON.
queue() {
  ctl "$asked_node" -q list_queues -p cemm name "$1" --formatter json | jq -c ".[] | select(.name == \"cemm\") | .$1"
}
asked_node=1

# queue_is_whole: whether the queue is on three nodes, as a quorum queue or with two mirrors.
queue_is_whole() {
  local kind
  kind=$(queue type)
  [[ $kind == '"quorum"' && $(queue online | jq length) == 3 ]] ||
    [[ $kind == '"classic"' && $(queue synchronised_slave_pids | jq length) == 2 ]]
}

# ---- collectd --------------------------------------------------------------------------------

# place NAME: writes $scratch/NAME/collectd.conf from stdin. collectd's own plugins are loaded first,
# because PluginDir, the directory of our plugin, applies to all lines after it.
place() {
  local dir=$scratch/$1 body
  body=$(cat)
  mkdir -p "$dir"
  cat >"$dir/collectd.conf" <<END_OF_CONF
Hostname "$1"
FQDNLookup false
BaseDir "$dir"
PIDFile "$dir/pid"
Interval 1
LoadPlugin logfile
<Plugin logfile>
  File "$dir/log"
  LogLevel info
</Plugin>
LoadPlugin csv
<Plugin csv>
  DataDir "$dir/csv"
</Plugin>
$(grep '^LoadPlugin' <<<"$body" | grep -v cemm)
PluginDir "$plugin"
$(grep -v '^LoadPlugin' <<<"$body" | sed -e 's|"rabbit\([123]\)"|"127.0.0.\1"|g' \
    -e "s|\"5672\"|\"$amqp_port\"|; s|\"store.example.org\"|\"127.0.0.1\"|; s|\"2003\"|\"$tap_port\"|")
END_OF_CONF
}

# poller NAME SHARD: starts a poller, whose values go only to the broker, and sets $daemon.
poller() {
  place "$1" < <(sed -e "s|Shard .*|Shard \"$2\"|; s|ApiKeyFile .*|ApiKeyFile \"$key_file\"\n    URL \"$sim_cloud\"|" \
    -e 's|Interval 60|Interval 10|; s|Window 86400|Window 900|' -e '/^LoadPlugin cemm/d' "$examples/poller.conf")
  sed -i '/^PluginDir/a LoadPlugin cemm' "$scratch/$1/collectd.conf"
  start_collectd "$scratch/$1"
}

# ---- what has arrived -----------------------------------------------------------------------------

arrived() {
  python3 "$here/arrived.py" "$sim_log" "$csv" "$@"
}

# complete WHAT: waits until another reading of all devices has arrived. Sets $now to its time, and
# $then to the time of the previous one.
now=0
complete() {
  then=$now
  if now=$(arrived complete "$then" $((60 * patience))); then
    ok "$1: all devices arrive"
  else
    not_ok "$1: all devices arrive" "since $then: $(arrived lost "$then" "$(date +%s)")"
    finish
  fi
}

# losses WHAT LOST_MOST TWICE_MOST: checks that between $then and $now, at most LOST_MOST values of each
# series were lost, and at most TWICE_MOST arrived twice. Sets $lost to the total.
losses() {
  local given lost_most twice_most
  read -r given lost lost_most twice twice_most < <(arrived lost "$then" "$now")
  check "$1: of $given values $lost are lost, at most $2 of a series ($lost_most)" test "$lost_most" -le "$2"
  check "$1: $twice have arrived twice, at most $3 of a series ($twice_most)" test "$twice_most" -le "$3"
}

declare -A deadly=() # minutes in which a process was killed

# kill_amid PID: kills the process while a reading arrives. Values in transit may then be lost or arrive
# twice. So may the first values of the next reading, because only then does collectd notice that the
# connection is closed. Sets $bound to the maximum number of such values in a series.
kill_amid() {
  arrived begun "$now" $((60 * patience)) || not_ok 'another reading comes'
  stop "$1" KILL
  killed=$(now_ms)
  bound=$((1 + (killed / 1000 - now) / 20)) # there is a reading every 20 s
  for ((minute = now / 60; minute <= killed / 60000 + 1; minute++)); do deadly[$minute]=; done
}

# ---- the fleet -----------------------------------------------------------------------------------

key_file=$scratch/cloud.key
write_key "$key_file"
start_sim --devices $devices --meters p1 --read-every 20 --since "$(date -u -d '-1 day' +%F)"
start_tap "$tap_port" "$scratch/tap"
start_rabbitmq

place central <"$examples/central.conf"
start_collectd "$scratch/central"
central=$daemon
check 'the queue is on three nodes' wait_for 30 queue_is_whole
poller poller-1 1/2
first=$daemon
poller poller-2 2/2
second=$daemon
complete 'at first'
begun=$now
complete 'a while later'
losses 'while nothing is killed' 0 0

# ---- each node is killed ---------------------------------------------------------------------------

sum=0 more=0
for node in 1 2 3; do
  asked_node=$((node % 3 + 1))
  kill_amid "${node_pid[$node]}"
  complete "without node $node"
  before=$then
  start_node $node
  node_runs $node
  check "node $node is back and has the queue" wait_for 60 queue_is_whole
  complete "with node $node again"
  then=$before
  losses "node $node is killed" "$bound" "$bound"
  sum=$((sum + lost))
  more=$((more + twice))
done
echo "# killing three nodes, one after another: $sum values are lost, $more have arrived twice"
for name in poller-1 poller-2 central; do
  check "$name has lost its connection, and made another one" \
    test "$(grep -c 'Successfully opened connection' "$scratch/$name/log")" -gt 1
done

# ---- the central collectd is killed -----------------------------------------------------------------

kill_amid "$central"
is_away() { (($(now_ms) > killed + 45000)); }
wait_for 60 is_away
start_collectd "$scratch/central"
central=$daemon
complete 'the central collectd is back'
losses 'the central collectd is killed, and is down for 45 s' "$bound" "$bound"

# ---- a poller is killed ---------------------------------------------------------------------------

kill_amid "$second"
minutes_ago() { (($(date +%s) / 60 - killed / 60000 > $1)); }
check 'three minutes are over' wait_for 240 minutes_ago 3
back=$(now_ms)
arrived asked $((killed + 1000)) "$back" >"$scratch/first.uids"
check "the other poller reads its own devices meanwhile ($(wc -l <"$scratch/first.uids"))" test "$(wc -l <"$scratch/first.uids")" -gt 400
poller poller-2 2/2
second=$daemon
complete 'the poller is back'
losses 'a poller is killed, and is down for minutes' "$bound" "$bound"
is 'no device of the other poller comes twice' '' "$(arrived twice "$then" "$now" | comm -12 - "$scratch/first.uids")"

# The minutes that the poller did not read are backfilled, so the store has each minute of each device.
# A minute may be missing only if a process was killed in it, because then a reading that the poller
# had dispatched may have been lost.
minutes() {
  read -r count missing which < <(python3 "$here/arrived.py" "$sim_log" "$scratch/tap" minutes "$begun" "$now")
}
filled() {
  local minute
  minutes
  for minute in $which; do
    [[ -v deadly[$minute] ]] || return
  done
}
wait_for 120 filled || true
check "Backfill: of $count minutes $missing are missing in the store, only if a process was killed in them" filled

# ---- three pollers instead of two ------------------------------------------------------------------

arrived all 0 $((20 * patience)) || echo '# the machine is too busy for all devices within a reading'
stop "$first"
stop "$second"
stopped=$(now_ms)
"$examples/merge-states.sh" "$scratch"/poller-[12]/cemm.state >"$scratch/merged"
thirds=()
for shard in 1 2 3; do
  mkdir "$scratch/third-$shard"
  cp "$scratch/merged" "$scratch/third-$shard/cemm.state"
  poller third-$shard $shard/3
  thirds+=("$daemon")
done
complete 'three pollers'
before=$then
again=$(arrived asked "$stopped" $(((stopped / 20000 + 1) * 20000)) | grep -c . || true)
complete 'three pollers go on'
then=$before
losses "three pollers instead of two, $again devices are read again for values that were already sent" 1 0
for daemon in "${thirds[@]}"; do stop "$daemon"; done
# newest FILE: prints "UID TIME" for the newest power values in a state file.
newest() {
  awk -F '\t' '$4 == "electric_power" && match($5, /@[0-9]+/) { print $2, substr($5, RSTART + 1, RLENGTH - 1) }' "$1" | LC_ALL=C sort
}
moved=$(newest "$scratch/third-3/cemm.state" | comm -23 - <(newest "$scratch/merged") | wc -l)
check "the third poller has a third of the devices, which others had before ($moved)" test "$moved" -gt 250 -a "$moved" -lt 420

# ---- the end -----------------------------------------------------------------------------------------

is 'the key is in no log of the pollers' '' "$(grep -rl "$sim_key" "$scratch"/*/log || true)"
stop "$central" KILL
for node in 1 2 3; do stop "${node_pid[$node]}" KILL; done
finish
