#!/usr/bin/env python3
"""Makes the table of examples/fleet/README.md from the results of fleet.sh: fleet.py RESULTS."""
import statistics
import sys

COLUMNS = {
    "devices": None,
    "collectds": None,
    "s to all first answers": "start",
    "s a sweep": "sweep",
    "µs CPU an answer": "cpu",
    "of which in one thread": "loop",
    "MiB each": "memory",
    "requests an answer": "requests",
    "of which promises": "promises",
    "connections": "connections",
    "values an answer": "values",
}


def read(path):
    figures = {}
    for line in open(path, encoding="utf-8"):
        kind, name, *rest = line.rstrip("\n").split("\t")
        if kind == "figure" and name.startswith("fleet-") and rest[0] == "ours":
            _, devices, shards, what = name.split("-")
            figures.setdefault((int(devices), int(shards)), {}).setdefault(what, []).append(float(rest[1]))
    return figures


def short(number):
    return f"{number:.0f}" if number >= 100 else f"{number:.2g}" if number < 10 else f"{number:.3g}"


def main():
    table = [list(COLUMNS), ["---:"] * len(COLUMNS)]
    for (devices, shards), measured in sorted(read(sys.argv[1]).items()):
        values = [short(statistics.median(measured[what])) for what in COLUMNS.values() if what]
        table.append([f"{devices:,}", str(shards)] + values)
    for cells in table:
        print("| " + " | ".join(cells) + " |")


main()
