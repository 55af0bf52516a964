#!/usr/bin/python3
"""Publishes what `cemm stream --format json` prints: each sample, unchanged, on its own topic.

    cemm stream --format json | mqtt.py [--host NAME] [--port N] [--user NAME --password-file FILE]

The topics are cemm/UID/METER/CHANNEL. cemm/status is "online"; the broker sets it to "offline" if this
program dies or can't be reached. All of them are retained. Debian: the package python3-paho-mqtt.
"""
import argparse
import json
import signal
import sys

from paho.mqtt import client as mqtt

STATUS = "cemm/status"
newest = {}  # the newest sample of each topic


def arguments():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--host", default="localhost")
    parser.add_argument("--port", type=int, default=1883)
    parser.add_argument("--user")
    parser.add_argument("--password-file")
    return parser.parse_args()


def connected(client, *_):
    """Runs at every connection: after a broken one, the broker has published "offline", or lost all topics."""
    client.publish(STATUS, "online", retain=True)
    for topic, sample in list(newest.items()):
        client.publish(topic, sample, retain=True)


def connect(given):
    # paho 2 (Debian 13) asks for the callbacks' version; paho 1 has no versions. connected() fits both.
    client = mqtt.Client(*([mqtt.CallbackAPIVersion.VERSION2] if hasattr(mqtt, "CallbackAPIVersion") else []))
    if given.user:
        with open(given.password_file, encoding="utf-8") as file:
            client.username_pw_set(given.user, file.readline().rstrip("\n"))
    client.will_set(STATUS, "offline", retain=True)
    client.on_connect = connected
    client.connect(given.host, given.port)
    client.loop_start()
    return client


def main():
    try:
        client = connect(arguments())
    except OSError as error:
        sys.exit(f"E! mqtt: the broker can't be reached, or the password file can't be read: {error}")
    for line in sys.stdin:
        sample = json.loads(line)
        topic = "/".join(["cemm", sample["uid"], sample["alias"], sample["channel"]])
        newest[topic] = line.strip()
        client.publish(topic, newest[topic], retain=True)
    client.publish(STATUS, "offline", retain=True)
    client.disconnect()
    client.loop_stop()


signal.signal(signal.SIGINT, signal.SIG_DFL)
main()
