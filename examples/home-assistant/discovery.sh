#!/bin/bash
# Tells Home Assistant with MQTT discovery which sensors exist: a retained configuration for each channel
# of each meter. Run it again after a meter was added.
#
#   cemm list --format json | discovery.sh                  the samples come from mqtt.py
#   cemm list --format json | discovery.sh collectd HOST    from collectd's plugin mqtt; HOST is its Hostname
#
# mosquitto_pub reads the broker's address and a password from ~/.config/mosquitto_pub. Debian: the
# packages mosquitto-clients and jq.
set -euo pipefail
way=${1:-stream}
[[ $way == stream && $# -le 1 || $way == collectd && $# -eq 2 ]] || {
  echo "usage: cemm list --format json | $0 [collectd HOST]" >&2
  exit 2
}

# Prints lines that consist of a topic, a tab and a configuration.
# shellcheck disable=SC2016 # the variables are those of jq
configurations='
def is_energy: test("^(t[1-4]|electric_energy.*)$");
def is_smart: test("^(p1|p1-usb|han|emucs|emucs-usb|dlms-usb)$");

# The device class and the state class of a channel. t1 to t4 only increase; electric_energy is
# consumption minus return, and can decrease. Other channels, such as the tariff, have no statistics.
def classes($type):
  if test("^t[1-4]$") then ["energy", "total_increasing"]
  elif is_energy then ["energy", "total"]
  elif . == "electric_power" then ["power", "measurement"]
  elif . == "gas" then ["gas", "total_increasing"]
  elif . == "volume" then [(if $type == "water" or $type == "gas" then $type else . end), "total_increasing"]
  elif . == "flow" then ["volume_flow_rate", "measurement"]
  else [null, null] end;

# A value becomes unavailable after this many seconds without a new sample. Inverters sleep at night, gas
# is measured every hour, and a pulse meter has nothing new for weeks if no water runs. If the meters are
# read less often than every 3 minutes, use more than 600.
def expires($meter):
  if $meter.alias | startswith("pulse-") then null
  elif . != "gas" and (($meter.alias | is_smart) or ($meter.alias | test("^mb[0-9]+$")) and $meter.type != "solar_energy") then 600
  else 86400 end;

# collectd publishes "time:value", with a NUL byte at the end.
def collectd_value: "value.split(\":\")[1] | replace(\"\\x00\", \"\")";
def collectd_type: if is_energy then "energy_wh" elif . == "electric_power" then "power" elif . == "flow" then . else "gauge" end;

# The topic of the values, and how a sensor becomes unavailable.
def origin($meter):
  if $way == "collectd" then "collectd/\($host)/cemm-\($meter.uid)" as $plugin | {
    state_topic: "\($plugin)/\(collectd_type)-\($meter.alias)-\(.)",
    value_template: "{{ \(collectd_value) }}",
    availability_topic: "\($plugin)/gauge-age",
    availability_template: "{{ \"online\" if \(collectd_value) | float < 600 else \"offline\" }}"
  } else {
    state_topic: "cemm/\($meter.uid)/\($meter.alias)/\(.)",
    value_template: "{{ value_json.value }}",
    availability_topic: "cemm/status"
  } end;

def unit: if $way == "collectd" and . == "kWh" then "Wh" elif . == "m3" then "m³" elif . == "" then null else . end;

def configuration($meter): . as $channel | .name | classes($meter.type) as [$device_class, $state_class] | {
    name: "\($meter.alias) \(.)",
    unique_id: "cemm_\($meter.uid)_\($meter.alias)_\(.)",
    device_class: $device_class,
    state_class: $state_class,
    unit_of_measurement: ($channel.unit | unit),
    expire_after: expires($meter),
    device: {identifiers: ["cemm_\($meter.uid)"], name: "CEMM \($meter.uid)"},
    origin: {name: "cemm"}
  } + origin($meter) | with_entries(select(.value != null));

# A smart meter repeats the reading of the gas meter behind it.
([.[] | select(.alias | endswith("-gas")).uid]) as $with_gas
| .[] as $meter | $meter.channels[]
| select(.name != "gas" or ($meter.alias | endswith("-gas")) or (any($with_gas[]; . == $meter.uid) | not))
| ("\($meter.uid)_\($meter.alias)_\(.name)" | gsub("[.]"; "-")) as $id
| "homeassistant/sensor/cemm/\($id)/config\t\(configuration($meter) | tojson)"'

jq --raw-output --arg way "$way" --arg host "${2-}" "$configurations" |
  while IFS=$'\t' read -r topic configuration; do
    mosquitto_pub --retain --qos 1 --topic "$topic" --message "$configuration" </dev/null
  done
