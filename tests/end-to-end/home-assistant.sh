#!/usr/bin/env bash
# home-assistant.sh BUILD_DIR: publishes the meters to a real mosquitto as
# examples/home-assistant/mqtt.md says, with mqtt.py and with collectd's plugin mqtt.
# home-assistant.py compares the topics with Home Assistant's published rules and with the
# simulator's meters. Then the test kills some of the programs.
# shellcheck disable=SC2154,SC2317 # variables of the libraries; functions are called by wait_for
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
# shellcheck source=tests/end-to-end/lib.sh
. "$here/lib.sh"
# shellcheck source=tests/end-to-end/collectd-lib.sh
. "$here/collectd-lib.sh"
# shellcheck source=tests/end-to-end/key-lib.sh
. "$here/key-lib.sh"
# shellcheck source=tests/end-to-end/servers.sh
. "$here/servers.sh"
begin "$@"
PATH=$build/plugin/exec:$PATH:/usr/sbin
needs mosquitto mosquitto_sub mosquitto_passwd jq systemd-analyze
collectd_begin
debian_python=/usr/bin/python3 # has the modules
for module in jinja2 paho.mqtt.client; do
  "$debian_python" -c "import $module" 2>/dev/null || skip "python3 has no $module"
done
examples=$(cd "$here/../../examples" && pwd)
unit=$examples/home-assistant/cemm-mqtt.service
config=$scratch/cemm.conf

free_ports 1
start_mosquitto "${ports[0]}" 'allow_anonymous true'
meters=p1,p1-gas,s01,mb5,mb6,pulse-1,pulse-2,usage
start_sim --devices 1 --lan 1 --meters "$meters" --since "$since" \
  --type mb5=solar_energy --type mb6=heat_pump --type pulse-1=water --type pulse-2=other
write_config "$config"
printf '[local home]\naddress = %s\n' "${sim_lan[0]}" >>"$config"

# retained [TOPIC]: prints the broker's retained messages, one "topic payload-in-hexadecimal" per line.
retained() {
  mosquitto_sub --retained-only -t "${1-#}" -F "%t %x" -W 1 2>/dev/null || (($? == 27)) # 27: its time limit has expired
}
# status: prints the publisher's status on the broker, or nothing.
status() { mosquitto_sub --retained-only -t cemm/status -W 1 2>/dev/null || true; }
is_status() { [[ $(status) == "$1" ]]; }
# complete WAY: whether all sensors exist with the right values.
complete() {
  retained >"$scratch/retained" && "$debian_python" "$here/home-assistant.py" "$1" "$scratch/retained" "$sim" "$since" "$meters"
}
# without_configurations: whether no sensor is configured.
without_configurations() { [[ -z $(retained 'homeassistant/#') ]]; }
# recipe PATTERN: runs the command on the page whose line ends with a match of PATTERN.
recipe() {
  local command
  command=$(grep -E -- "$1\$" "$examples/home-assistant/mqtt.md" |
    sed "s|^cemm list|& --config '$config'|; s|examples/|$examples/|; s| HOST$| $host|")
  [[ -n $command ]] && bash -eo pipefail -c "$command"
}

# ---- mqtt.py -----------------------------------------------------------------------------------------

# publish [OPTION…]: starts the unit's command with these additional options for mqtt.py. Sets
# $publisher to the leader of its process group.
publish() {
  local command
  command=$(sed -n "s/^ExecStart=sh -c '\(.*\)'$/\1/p" "$unit" |
    sed "s|/etc/cemm/service.conf|'$config'|; s|--interval 10|--interval 1|; s|cemm-mqtt|'$examples/home-assistant/mqtt.py' --port ${ports[0]} $*|")
  setsid sh -c "$command" 2>>"$scratch/publish.err" &
  publisher=$!
  started "$publisher"
  at_cleanup "kill -- -$publisher 2>/dev/null"
}
# member NAME: prints the pid of the process with that name in the publisher's group.
member() { ps -o pid=,pgid=,comm= -e | awk -v group="$publisher" -v name="$1" '$2 == group && $3 == name { print $1 }'; }

publish
exits 'discovery.sh' 0 recipe discovery.sh
is 'discovery.sh prints no message' '' "$out$err"
check 'all sensors exist, as Home Assistant expects them' wait_for 60 complete stream
echo "# $(complete stream)"
check 'discovery.sh runs again' recipe discovery.sh
check 'nothing has changed' complete stream
is 'the publisher is online' online "$(status)"
kill -KILL "$(member mqtt.py)"
check 'mqtt.py is killed: the broker says that the publisher is offline' wait_for 20 is_status offline
check 'mqtt.py is killed: all processes of the publisher end' wait_for 30 gone_or_zombie "$publisher"
publish
check 'the publisher is started again: online' wait_for 20 is_status online
stop "$daemon_pid" KILL
is 'the broker is killed: it has no messages' '' "$(retained 2>/dev/null || true)"
start_mosquitto "${ports[0]}" 'allow_anonymous true'
check 'the broker comes back: online' wait_for 60 is_status online
has_power() { [[ -n $(retained 'cemm/+/p1/electric_power') ]]; }
check 'the broker comes back: new samples arrive' wait_for 60 has_power
kill -KILL "$(member cemm)"
check 'cemm is killed: offline' wait_for 20 is_status offline
check 'cemm is killed: all processes of the publisher end' wait_for 30 gone_or_zombie "$publisher"
is 'there was no message except for the kill' '' "$(grep -v Killed "$scratch/publish.err" || true)"

# A sample that arrives only once, such as an hour's gas.
sample='{ "uid": "A", "alias": "p1-gas", "channel": "gas", "value": 1351.60 }'
{ echo "$sample" && until [[ -e $scratch/end ]]; do sleep 0.1; done; } |
  "$examples/home-assistant/mqtt.py" --port "${ports[0]}" 2>"$scratch/once.err" &
once=$!
started "$once"
is_once() { [[ $(mosquitto_sub -t cemm/A/p1-gas/gas -C 1 -W 1) == "$sample" ]]; }
check 'a single sample arrives unchanged' wait_for 20 is_once
stop "$daemon_pid"
start_mosquitto "${ports[0]}" 'allow_anonymous true'
check 'a broker that has lost the sample gets it again' wait_for 60 is_once
touch "$scratch/end"
wait_for 20 gone_or_zombie "$once" || true
stop "$once"
is 'mqtt.py ends with its input' 0 "$stopped"
is 'mqtt.py has ended: offline' offline "$(status)"
is 'mqtt.py ends without a message' '' "$(<"$scratch/once.err")"

exits 'discovery.sh with a missing argument' 2 "$examples/home-assistant/discovery.sh" collectd
has 'discovery.sh prints its usage' "$err" 'usage: cemm list'
exits 'mqtt.py without a broker' 1 "$examples/home-assistant/mqtt.py" --port 1
has 'mqtt.py says that there is no broker' "$err" "E! mqtt: the broker can't be reached"

# The broker wants a password.
stop "$daemon_pid"
echo 'not a word' >"$scratch/password"
(umask 077 && mosquitto_passwd -c -b "$scratch/passwd" house "$(<"$scratch/password")")
start_mosquitto "${ports[0]}" 'allow_anonymous false' "password_file $scratch/passwd"
printf '%s\n' '-u house' "-P $(<"$scratch/password")" >>"$XDG_CONFIG_HOME/mosquitto_sub"
publish --user house --password-file "$scratch/password"
check 'a broker that wants a password gets it' wait_for 20 is_status online
hasnt 'no command line has the password' "$(ps -o args= -e)" 'not a word'
kill -- "-$publisher"
check 'the publisher is stopped: offline' wait_for 20 is_status offline
stop "$daemon_pid"

# ---- the unit ------------------------------------------------------------------------------------------

verified() {
  systemd-analyze verify --man=no "$1" 2>&1 | grep -F cemm-mqtt.service || true
}
exposure=$(systemd-analyze security --offline=true --no-pager "$unit" | sed -n 's/.*Overall exposure level for [^:]*: \([0-9]*\)\.\([0-9]\).*/\1\2/p')
is 'cemm-mqtt.service has no mistake' '' "$(verified "$unit")"
check "cemm-mqtt.service has an exposure of 2.0 at most ($exposure tenths)" test "$exposure" -le 20
sed 's/^Restart=/Restrat=/' "$unit" >"$scratch/cemm-mqtt.service"
has 'a typo would be reported' "$(verified "$scratch/cemm-mqtt.service")" Restrat

# ---- collectd --------------------------------------------------------------------------------------------

start_mosquitto "${ports[0]}" 'allow_anonymous true'
run=$scratch/collectd
conf "$run" <<END
<Plugin cemm>
  TimeZone "Europe/Amsterdam"
  <Cloud "home">
    ApiKeyFile "$config.key"
    URL "$sim_cloud"
    Interval 1
  </Cloud>
  <Local "home">
    Address "${sim_lan[0]}"
    Interval 1
  </Local>
</Plugin>
$(sed -e '/^LoadPlugin/d' -e "s/Port 1883/Port ${ports[0]}/; s/\"localhost\"/\"127.0.0.1\"/" "$examples/collectd/mqtt.conf")
END
sed -i '/^PluginDir/i LoadPlugin mqtt' "$run/collectd.conf"
# collectd's plugin for mosquitto, and its library, leak some memory when they end.
printf 'leak:%s\n' mqtt.so libmosquitto cf_util_get_string >"$scratch/leaks"
export LSAN_OPTIONS=suppressions=$scratch/leaks:print_suppressions=0
start_collectd "$run"
check 'discovery.sh for collectd' recipe 'discovery.sh collectd HOST'
check 'collectd: all sensors exist, as Home Assistant expects them' wait_for 60 complete collectd
echo "# $(complete collectd)"
stop_collectd 'to mosquitto' "$run"
is 'collectd: no problem is logged' '' "$(grep -iE 'error|fail|unknown|invalid|cannot' "$run/log" || true)"
check 'the configurations are removed' recipe 'homeassistant/sensor/.*'
check 'no configuration is left' wait_for 20 without_configurations
no_key 'at the end'
finish
