# shellcheck shell=bash disable=SC2034,SC2154
# Two small worlds for discovery: an asker and a site, on networks of their own. Broadcasts need
# real interfaces, port 9777 and port 80, and none of them may be the machine's. To be sourced after
# lib.sh, then:
#
#   begin BUILD_DIR
#   net_begin                        # or ends the test as skipped
#   start_sim_in_site --lan-bind 10.77.0.11,10.77.0.12 --discovery
#   in_asker "$build/…" …            # in_site likewise
#   "${asker[@]}" COMMAND… &         # in the background: $! is the command itself
#   started $!
#
# asker: 10.77.0.1/24 and 10.78.0.1/24. site: 10.77.0.11 to .15 and 10.78.0.11 to .15. Interface
# net77 is the first network, net78 the second. The simulator's cloud is on the 127.0.0.1 of the
# world it runs in, and only there.
#
# Commands enter by nsenter and not by "ip netns exec": that would give each a mount table of its
# own, in which others do not see what it mounts.

asker=()
site=()
net_asker=cemm-asker-$$
net_site=cemm-site-$$

# net_begin: makes both worlds; they go at cleanup.
net_begin() {
  local why net
  command -v ip >/dev/null || skip "there is no ip (iproute2)"
  at_cleanup net_end
  why=$(ip netns add "$net_asker" 2>&1) || skip "network namespaces are not permitted: $why"
  ip netns add "$net_site"
  asker=(nsenter "--net=/run/netns/$net_asker")
  site=(nsenter "--net=/run/netns/$net_site")
  why=$("${asker[@]}" true 2>&1) || skip "network namespaces are not permitted: $why"
  ip -n "$net_asker" link set lo up
  ip -n "$net_site" link set lo up
  for net in 77 78; do net_join "$net"; done
}

# net_join NUMBER: a cable between the two, and the addresses on it.
net_join() {
  local last
  ip -n "$net_asker" link add "net$1" type veth peer name "net$1" netns "$net_site"
  ip -n "$net_asker" addr add "10.$1.0.1/24" brd + dev "net$1"
  for last in 11 12 13 14 15; do
    ip -n "$net_site" addr add "10.$1.0.$last/24" brd + dev "net$1"
  done
  ip -n "$net_asker" link set "net$1" up
  ip -n "$net_site" link set "net$1" up
}

# The names go; what still runs inside keeps its world until cleanup ends it.
net_end() {
  ip netns del "$net_asker" 2>/dev/null || true
  ip netns del "$net_site" 2>/dev/null || true
}

in_asker() {
  "${asker[@]}" "$@"
}

in_site() {
  "${site[@]}" "$@"
}

# start_sim_in_site [OPTION…], start_sim_in_asker [OPTION…]: start_sim of lib.sh, in that world.
start_sim_in_site() {
  net_sim "$net_site" "$@"
}

start_sim_in_asker() {
  net_sim "$net_asker" "$@"
}

# start_sim takes the program from $build: here it finds one that enters first.
net_sim() {
  local world=$1 where=$scratch/$1
  shift
  mkdir -p "$where/tests/simulator"
  printf '#!/bin/sh\nexec nsenter --net="%s" "%s" "$@"\n' "/run/netns/$world" \
    "$build/tests/simulator/cemm-sim" >"$where/tests/simulator/cemm-sim"
  chmod +x "$where/tests/simulator/cemm-sim"
  build=$where start_sim "$@"
}
