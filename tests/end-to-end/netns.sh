# shellcheck shell=bash disable=SC2034,SC2154
# Two network namespaces for discovery: an asker (the programs) and a site (the devices), which are
# connected by two networks. Broadcasts need real interfaces and the ports 9777 and 80, and must not use
# those of the machine. Source it after lib.sh, then:
#
#   enter_namespaces "$@"            # skips the test if namespaces are forbidden
#   begin BUILD_DIR
#   net_begin                        # skips the test if network namespaces are forbidden
#   start_sim_in_site --lan-bind 10.77.0.11,10.77.0.12 --discovery
#   in_asker "$build/…" …            # runs a command in the asker; in_site runs one in the site
#   "${asker[@]}" COMMAND… &         # in the background: $! is the command itself
#   started $!
#
# asker: 10.77.0.1/24 and 10.78.0.1/24. site: 10.77.0.11 to .15 and 10.78.0.11 to .15. Interface
# net77 is the first network, net78 the second. The simulator's cloud listens only on 127.0.0.1 of
# the namespace in which it runs.
#
# Commands use nsenter and not "ip netns exec", which would give each command its own mount table, so
# that other processes would not see its mounts.

asker=()
site=()

# net_begin: makes both namespaces. They have no names: a process keeps each of them alive, and they
# vanish when no process runs in them.
net_begin() {
  local why net
  command -v ip >/dev/null || skip "there is no ip (iproute2)"
  why=$(unshare --net true 2>&1) || skip "network namespaces are not permitted: $why"
  net_namespace
  net_asker=$net_pid
  asker=(nsenter "--net=/proc/$net_pid/ns/net")
  net_namespace
  net_site=$net_pid
  site=(nsenter "--net=/proc/$net_pid/ns/net")
  for net in 77 78; do net_join "$net"; done
}

# net_namespace: makes an empty namespace. Sets $net_pid to the process that keeps it alive.
net_namespace() {
  unshare --net sleep infinity &
  net_pid=$!
  started "$net_pid"
  wait_for 10 net_apart "$net_pid" || {
    echo 'Bail out! there is no network namespace'
    exit 1
  }
  nsenter "--net=/proc/$net_pid/ns/net" ip link set lo up
}

net_apart() {
  [[ $(readlink "/proc/$1/ns/net") != "$(readlink /proc/self/ns/net)" ]]
}

# net_join NUMBER: connects the two namespaces with a veth pair, and adds its addresses.
net_join() {
  local last
  in_asker ip link add "net$1" type veth peer name "net$1" netns "$net_site"
  in_asker ip addr add "10.$1.0.1/24" brd + dev "net$1"
  for last in 11 12 13 14 15; do
    in_site ip addr add "10.$1.0.$last/24" brd + dev "net$1"
  done
  in_asker ip link set "net$1" up
  in_site ip link set "net$1" up
}

in_asker() {
  "${asker[@]}" "$@"
}

in_site() {
  "${site[@]}" "$@"
}

# start_sim_in_site [OPTION…], start_sim_in_asker [OPTION…]: like start_sim in lib.sh, in that namespace.
start_sim_in_site() {
  net_sim "$net_site" "$@"
}

start_sim_in_asker() {
  net_sim "$net_asker" "$@"
}

# net_sim: calls start_sim with a $build in which the simulator is a wrapper that enters the namespace
# first.
net_sim() {
  local world=$1 where=$scratch/world-$1
  shift
  mkdir -p "$where/tests/simulator"
  printf '#!/bin/sh\nexec nsenter --net="%s" "%s" "$@"\n' "/proc/$world/ns/net" \
    "$build/tests/simulator/cemm-sim" >"$where/tests/simulator/cemm-sim"
  chmod +x "$where/tests/simulator/cemm-sim"
  build=$where start_sim "$@"
}
