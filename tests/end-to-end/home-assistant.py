"""home-assistant.py WAY RETAINED SIM SINCE METERS: checks that Home Assistant accepts the broker's messages.

RETAINED has a line for each retained message: topic, space, payload in hexadecimal. WAY is stream or
collectd. The rules are those that Home Assistant publishes: MQTT discovery, and the units and state classes
of its sensors' device classes. Each value is compared with the simulator's. Prints the number of
sensors.
"""
import datetime
import json
import re
import subprocess
import sys

from jinja2.sandbox import SandboxedEnvironment

UNITS = {
    "energy": {"J", "kJ", "MJ", "GJ", "mWh", "Wh", "kWh", "MWh", "GWh", "TWh", "cal", "kcal", "Mcal", "Gcal"},
    "power": {"mW", "W", "kW", "MW", "GW", "TW", "BTU/h"},
    "gas": {"m³", "ft³", "CCF"},
    "water": {"m³", "L", "ft³", "CCF", "gal"},
    "volume": {"m³", "L", "mL", "ft³", "CCF", "gal", "fl. oz."},
    "volume_flow_rate": {"m³/h", "L/min", "ft³/min", "gal/min"},
}
TOTALS = {"total", "total_increasing"}
STATE_CLASSES = {
    "energy": TOTALS,
    "power": {"measurement"},
    "gas": TOTALS,
    "water": TOTALS,
    "volume": TOTALS,
    "volume_flow_rate": {"measurement"},
}
KEYS = {
    "name", "unique_id", "device_class", "state_class", "unit_of_measurement", "expire_after", "device", "origin",
    "state_topic", "value_template", "availability_topic", "availability_template",
}  # fmt: skip
ALWAYS = {"name", "unique_id", "device", "origin", "state_topic", "value_template", "availability_topic"}
COUNTS = ("energy", "total_increasing", "kWh")
NET = ("energy", "total", "kWh")
POWER = ("power", "measurement", "W")
SMART, DAY = 600, 86400
# The expected sensor of a meter's channel, and the seconds after which it expires.
EXPECTED = {
    "p1 t1": (*COUNTS, SMART),
    "p1 t2": (*COUNTS, SMART),
    "p1 t3": (*COUNTS, SMART),
    "p1 t4": (*COUNTS, SMART),
    "p1 electric_energy": (*NET, SMART),
    "p1 electric_energy_high": (*NET, SMART),
    "p1 electric_power": (*POWER, SMART),
    "p1 rate": (None, None, None, SMART),
    "p1-gas gas": ("gas", "total_increasing", "m³", DAY),
    "s01 electric_power": (*POWER, DAY),
    "s01 electric_energy": (*NET, DAY),
    "s01 electric_energy_high": (*NET, DAY),
    "mb5 t1": (*COUNTS, DAY),
    "mb5 t2": (*COUNTS, DAY),
    "mb5 t3": (*COUNTS, DAY),
    "mb5 t4": (*COUNTS, DAY),
    "mb5 electric_energy": (*NET, DAY),
    "mb5 electric_energy_high": (*NET, DAY),
    "mb5 electric_power": (*POWER, DAY),
    "mb6 t1": (*COUNTS, SMART),
    "mb6 t2": (*COUNTS, SMART),
    "mb6 t3": (*COUNTS, SMART),
    "mb6 t4": (*COUNTS, SMART),
    "mb6 electric_energy": (*NET, SMART),
    "mb6 electric_energy_high": (*NET, SMART),
    "mb6 electric_power": (*POWER, SMART),
    "pulse-1 flow": ("volume_flow_rate", "measurement", "L/min", None),
    "pulse-1 volume": ("water", "total_increasing", "m³", None),
    "pulse-2 flow": ("volume_flow_rate", "measurement", "L/min", None),
    "pulse-2 volume": ("volume", "total_increasing", "m³", None),
    "usage electric_power": (*POWER, DAY),
}

way, retained, sim, since, meters = sys.argv[1:]
messages = dict(line.split() for line in open(retained))
messages = {topic: bytes.fromhex(payload).decode() for topic, payload in messages.items()}
environment = SandboxedEnvironment()


def render(template, payload):
    """As Home Assistant does it: the payload, and the payload parsed as JSON, if possible."""
    variables = {"value": payload}
    try:
        variables["value_json"] = json.loads(payload)
    except ValueError:
        pass
    return environment.from_string(template).render(variables)


def measured(payload):
    """The time of the sample, in milliseconds since 1970."""
    if way == "collectd":
        return payload.split(":")[0].replace(".", "")
    return str(round(datetime.datetime.fromisoformat(json.loads(payload)["time"]).timestamp() * 1000))


def truth(uid, name, payload):
    alias, channel = name.split()
    totals = channel.startswith("electric_energy") or (
        re.match("mb|pulse|s0", alias) and channel not in ("electric_power", "flow")
    )
    what = ("lan:totals:" if totals else "lan:") + channel
    return float(subprocess.check_output([sim, "--lan", "1", "--meters", meters, "--since", since, "--print", uid, alias, what, measured(payload)]))


def available(config, payload):
    return render(config.get("availability_template", "{{ value }}"), payload)


def check_form(topic, config):
    assert re.fullmatch(r"homeassistant/sensor/(?:[a-zA-Z0-9_-]+/)?[a-zA-Z0-9_-]+/config", topic), topic
    assert ALWAYS <= set(config) <= KEYS, set(config) ^ KEYS
    device_class, state_class, unit = (config.get(k) for k in ("device_class", "state_class", "unit_of_measurement"))
    if device_class:
        assert unit in UNITS[device_class] and state_class in STATE_CLASSES[device_class], config
    assert set(config["device"]) == {"identifiers", "name"} and len(config["device"]["identifiers"]) == 1
    assert config["origin"] == {"name": "cemm"}
    for key in ("state_topic", "availability_topic"):
        assert not set("+#\0") & set(config[key]), config[key]


def check_sensor(config):
    uid, name = config["device"]["name"].removeprefix("CEMM "), config["name"]
    *wanted, expires = EXPECTED[name]
    factor = 1
    if way == "collectd" and wanted[2] == "kWh":
        wanted[2], factor = "Wh", 1000
    assert [config.get(k) for k in ("device_class", "state_class", "unit_of_measurement")] == wanted, config
    assert config.get("expire_after") == expires, config
    payload = messages[config["state_topic"]]
    value = render(config["value_template"], payload)
    assert float(value) == float("%.15g" % (truth(uid, name, payload) * factor)), (name, value)
    assert available(config, messages[config["availability_topic"]]) == "online", config
    if way == "collectd":
        assert available(config, "1795950283.054:599.9\0") == "online", config
        assert available(config, "1795950283.054:600\0") == "offline", config
    return name


configs = {topic: json.loads(text) for topic, text in messages.items() if topic.startswith("homeassistant/")}
for topic, config in configs.items():
    check_form(topic, config)
assert len({config["unique_id"] for config in configs.values()}) == len(configs)
names = sorted(check_sensor(config) for config in configs.values())
assert names == sorted(EXPECTED), set(names) ^ set(EXPECTED)
print(len(names), "sensors")
