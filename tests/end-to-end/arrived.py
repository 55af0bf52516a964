"""arrived.py LOG CSV COMMAND…: compares the values of a simulator, by its request log, with those that
collectd's csv writer has written. Each meter has a reading every 20 s, which is in its answers until the next.

  begun AFTER SECONDS            waits until a reading after AFTER has arrived
  all 0 SECONDS                  waits until the current reading of all devices has arrived
  complete AFTER SECONDS         waits until each device has a reading after AFTER, and until one of these
                                 readings has arrived from all devices that had it; prints its time
  lost FROM UNTIL                of the readings after FROM and up to UNTIL: "GIVEN LOST MOST TWICE MOST":
                                 how many values were in answers, how many of them have not arrived, and
                                 how many of these are of the worst series; how many have arrived twice,
                                 and how many of these are of the worst series
  twice FROM UNTIL               the devices with values that have arrived twice
  asked FROM UNTIL               the devices that were requested between these two times of our clock, in ms

  minutes FROM UNTIL             of the whole minutes between them: "COUNT MISSING MINUTE…": how many values a
                                 store should have, one a minute for each device, how many are missing, and in
                                 which minutes. CSV is a file of Graphite lines here
"""

import collections
import pathlib
import sys
import time

EVERY = 20
NAME = "power-p1-electric_power"
SERIES = 6  # of a meter p1: power, four registers, rate
DEVICES = 1000


def answers(log):
    """(Unix seconds, uid) of each realtime answer."""
    for line in open(log):
        words = line.split()
        if len(words) == 7 and "/realtime/" in words[4] and words[6] == "200":
            yield float(words[0]) / 1000, words[2]


def given(log):
    """reading → the devices that certainly had it, because they answered in the second half of its 20 s."""
    readings = collections.defaultdict(set)
    for at, uid in answers(log):
        if at % EVERY >= EVERY / 2:
            readings[int(at) // EVERY * EVERY].add(uid)
    return readings


def arrived(csv, name):
    """(uid, series) → reading → how often it arrived, from the files of this name."""
    series = collections.defaultdict(collections.Counter)
    for file in pathlib.Path(csv).glob(f"*/cemm-*/{name}-????-??-??"):
        for line in open(file):
            if line[0].isdigit() and line.endswith("\n"):
                series[file.parent.name[5:], file.name[:-11]][int(float(line.split(",")[0]))] += 1
    return series


def wait(seconds, step, found):
    end = time.monotonic() + seconds
    while (result := found()) is None:
        if time.monotonic() > end:
            sys.exit(1)
        time.sleep(step)
    return result


def begun(csv, after):
    """Looks at one meter in 32, because this is called often."""
    for file in pathlib.Path(csv).glob("*/cemm-*-[0-3][07]/power-p1-*"):
        last = file.read_text().splitlines()[-1]
        if last[0].isdigit() and float(last.split(",")[0]) > after:
            return True
    return None


def everywhere(power, after):
    newest = [max(readings, default=0) for readings in power.values()]
    return True if len(newest) == DEVICES and min(newest) > after else None


def complete(log, csv, after):
    power = arrived(csv, NAME)
    for reading, devices in sorted(given(log).items(), reverse=True):
        if reading <= after:
            return None
        if len(devices) > DEVICES / 2 and all(power[uid, NAME][reading] for uid in devices):
            return reading if everywhere(power, after) else None
    return None


def minutes(lines, first, last):
    there = collections.defaultdict(set)
    for line in open(lines):
        words = line.split()
        if len(words) == 3 and f".{NAME}" in words[0]:
            there[int(words[2]) // 60].add(words[0])
    wanted = range(-(-first // 60), last // 60)
    missing = {minute: DEVICES - len(there[minute]) for minute in wanted}
    return len(wanted) * DEVICES, sum(missing.values()), [minute for minute in wanted if missing[minute]]


def lost(log, csv, first, last):
    series = collections.defaultdict(dict)
    for (uid, name), readings in arrived(csv, "*-p1-*").items():
        if not name.endswith("-age"):
            series[uid][name] = readings
    readings = {reading: devices for reading, devices in given(log).items() if first < reading <= last}
    missing, twice = collections.Counter(), collections.Counter()
    for reading, devices in readings.items():
        for uid in devices:
            if len(series[uid]) != SERIES:
                sys.exit(f"{uid} has {sorted(series[uid])}")
            missing.update(name for name in ((uid, n) for n, came in series[uid].items() if not came[reading]))
    for uid, names in series.items():
        for name, came in names.items():
            twice[uid, name] += sum(count - 1 for reading, count in came.items() if first < reading <= last)
    return sum(map(len, readings.values())) * SERIES, missing, +twice


def most(counter):
    return f"{counter.total()} {max(counter.values(), default=0)}"


log, csv, command, first, last = sys.argv[1:]
first, last = float(first), float(last)
if command == "begun":
    wait(last, 0.02, lambda: begun(csv, first))
elif command == "all":
    wait(last, 0.2, lambda: everywhere(arrived(csv, NAME), time.time() // EVERY * EVERY - 1))
elif command == "complete":
    print(wait(last, 2, lambda: complete(log, csv, first)))
elif command == "lost":
    count, missing, twice = lost(log, csv, first, last)
    print(count, most(missing), most(twice))
elif command == "twice":
    print(*sorted({uid for uid, _ in lost(log, csv, first, last)[2]}), sep="\n")
elif command == "minutes":
    count, missing, which = minutes(csv, int(first), int(last))
    print(count, missing, *which)
elif command == "asked":
    print(*sorted({uid for at, uid in answers(log) if first <= at * 1000 < last}), sep="\n")
