"""Reads a mount once a second, as a desktop does, and checks every byte.

soak-mount.py MOUNTPOINT UID SECONDS CLOUD; the key is in $SIM_KEY. Prints one line for each error, and
exits with 1 if there is one. Cold files are days that were not read before.
"""

import datetime
import os
import sys
import time

import expected

COLD_EVERY = 10  # seconds
FAULTS_MAX = 20  # enough to show the problem

mount, uid, seconds, cloud = sys.argv[1], sys.argv[2], float(sys.argv[3]), sys.argv[4]
key = os.environ["SIM_KEY"]
meter = f"{mount}/{uid}/p1"
faults = []
counts = {"rounds": 0, "readings": 0, "minutes": 0, "cold": 0, "late": 0}


def fault(words):
    faults.append(words)
    print(words, flush=True)
    if len(faults) > FAULTS_MAX:
        sys.exit(1)


def whole(path):
    with open(path, "rb") as file:
        size = os.fstat(file.fileno()).st_size
        data = file.read()
    if len(data) < size or not data.endswith(b"\n") or b"\0" in data:
        fault(f"{path}: {len(data)} of {size} bytes, or a partial line")
    return data.decode()


def look_at_realtime(last):
    for line in whole(f"{meter}/realtime.csv").splitlines()[1:]:
        channel, value, _, moment = line.split(",")
        if not moment:
            continue
        then = datetime.datetime.fromisoformat(moment)
        before = last.get(channel)
        if before and (then < before[0] or (then == before[0] and value != before[1])):
            fault(f"realtime {channel}: {value} of {moment} after {before}")
        if not before or then > before[0]:
            counts["readings"] += 1
        last[channel] = (then, value)


def look_at_today(seen):
    """Checks that rows that were shown before have not changed, and that new rows are appended to them."""
    link = f"{meter}/data/day/today.csv"
    name, text = os.readlink(link), whole(link)
    if name != os.readlink(link):
        return  # midnight has passed
    if not text.startswith(seen.get(name, "")):
        fault(f"{name}: rows that were shown have changed")
    minutes = [line.split(",")[0] for line in text.splitlines()[1:]]
    if len(set(minutes)) != len(minutes):
        fault(f"{name}: a minute is there twice")
    counts["minutes"] += len(text.splitlines()) - len(seen.get(name, text).splitlines())
    seen[name] = text


def look_at_lists():
    for directory, wanted in (
        (mount, uid),
        (f"{mount}/{uid}", "p1"),
        (f"{meter}/data/day/{datetime.datetime.now(expected.ZONE):%Y/%m}", "csv"),
    ):
        names = os.listdir(directory)
        if not any(name.endswith(wanted) for name in names):
            fault(f"{directory} lists {names}")


def look_at_cold(number):
    alias = ("p1", "s01", "p1-gas")[number % 3]
    date = datetime.date.today() - datetime.timedelta(days=3 + number // 3)
    path = f"{mount}/{uid}/{alias}/data/day/{date:%Y/%m/%Y-%m-%d}.csv"
    size = os.stat(path).st_size
    text = whole(path).encode()
    body = expected.ask(cloud, key, f"cemm/{uid}/{alias}/data/day/", time=expected.local_midnight(date))
    if text != expected.history_csv(body) or size != len(text):
        fault(f"{path}: not the rows of the cloud ({size}, {len(text)} bytes)")
    counts["cold"] += 1


def main():
    begin = time.monotonic()
    last, seen = {}, {}
    while (passed := time.monotonic() - begin) < seconds:
        look_at_realtime(last)
        look_at_today(seen)
        look_at_lists()
        if counts["rounds"] % COLD_EVERY == 0:
            look_at_cold(counts["cold"])
        counts["rounds"] += 1
        pause = begin + int(passed) + 1 - time.monotonic()
        if pause > 0:
            time.sleep(pause)
        else:
            counts["late"] += 1
    print("# " + ", ".join(f"{count} {name}" for name, count in counts.items()), flush=True)
    sys.exit(1 if faults else 0)


main()
