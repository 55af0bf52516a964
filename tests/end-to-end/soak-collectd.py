"""Compares what a real collectd wrote for some meters with the simulator's oracle and its log.

soak-collectd.py CSV_DIRECTORY SIM LOG SINCE. Prints one line for each error, and exits with 1 if there is
one. Each reading must be there once, in order, with its own time and value. A missing reading is an error if
its meter was requested while it was the newest reading. Otherwise this machine was stalled.
"""

import pathlib
import subprocess
import sys

AT_ONCE = 500  # timestamps in one call of the oracle
DEVICES = "16"  # as many as any test has
KINDS = ("energy_wh", "gauge", "power")  # the collectd types of measured values
CADENCE = {"gas": 3600000}  # ms; all others 10 s
EDGE_MS = 2000  # a request this close to a new reading may have got the new or the previous one

directory, sim, log, since = sys.argv[1:]
factors = {"energy_wh": 1000}
faults = 0
total = lost = unasked = 0


def fault(words):
    global faults
    faults += 1
    print(words)


def requests():
    """uid, alias → when its realtime was requested and answered."""
    when = {}
    for line in open(log, encoding="utf-8"):
        words = line.split()
        if len(words) == 7 and words[6] == "200" and words[4].endswith("/realtime/"):
            when.setdefault((words[2], words[4].split("/")[-3]), []).append(int(float(words[0])))
    return when


def oracle(uid, alias, channel, times):
    values = []
    for begin in range(0, len(times), AT_ONCE):
        some = [str(time) for time in times[begin : begin + AT_ONCE]]
        command = [sim, "--devices", DEVICES, "--since", since, "--print", uid, alias, channel, *some]
        values += subprocess.run(command, check=True, capture_output=True, text=True).stdout.split()
    return values


def look_at(name, files, asked):
    global total, lost, unasked
    uid = name[0].removeprefix("cemm-")
    kind, rest = name[1].split("-", 1)
    alias, channel = rest.rsplit("-", 1)
    rows = [
        line.split(",")
        for file in sorted(files)
        for line in file.read_text().splitlines()
        if not line.startswith("epoch")
    ]
    times = [int(row[0].replace(".", "")) for row in rows]
    cadence = CADENCE.get(channel, 10000)
    for time, (_, value), wanted in zip(times, rows, oracle(uid, alias, channel, times)):
        if float(value) != round(float(wanted) * factors.get(kind, 1), 6):
            fault(f"{name}: {value} at {time}, not {wanted}")
        if time % cadence:
            fault(f"{name}: the meter has no reading at {time}")
    for before, time in zip(times, times[1:]):
        if time <= before:
            fault(f"{name}: {time} after {before}")
        for missing in range(before + cadence, time, cadence):
            seen = [
                then
                for then in asked.get((uid, alias), [])
                if missing + EDGE_MS <= then < missing + cadence - EDGE_MS
            ]
            if seen:
                lost += 1
                fault(f"{name}: {missing} was in an answer and is missing")
            else:
                unasked += 1
    total += len(rows)


def main():
    asked = requests()
    series = {}
    for file in pathlib.Path(directory).glob("*/cemm-??-*/*-????-??-??"):
        name = (file.parent.name, file.name[: -len("-2026-01-01")])
        if name[1].count("-") >= 2 and name[1].split("-")[0] in KINDS:
            series.setdefault(name, []).append(file)
    for name, files in sorted(series.items()):
        look_at(name, files, asked)
    print(f"# {len(series)} series, {total} values; {lost} lost, {unasked} not requested in time")
    if not series:
        fault("there is no series")
    sys.exit(1 if faults else 0)


main()
