"""Checks that the output of `cemm energy` adds up, to the last digit.

energy-sums.py DIRECTORY ARCHIVE ZONE ALIAS...

reads quarter.csv, hour.csv, day.csv and month.csv in DIRECTORY. Quarters must add up to hours, hours
to days, and days to months. The amounts of a day and its `unallocated` must add up to what the meter
counted, by the archive's readings, or, if one is missing, by the archive's month."""

import csv
import datetime
import glob
import json
import math
import sys
import zoneinfo
from decimal import Decimal

PLACE, ARCHIVE, ZONE = sys.argv[1:4]
zone = zoneinfo.ZoneInfo(ZONE)
AMOUNTS = ("import", "export", "forward", "reverse", "gas", "volume", "minutes")
DAY = datetime.timedelta(days=1)
wrong = []


def begin(date):
    return int(datetime.datetime(date.year, date.month, date.day, tzinfo=zone).timestamp())


def rows(by, alias):
    with open(f"{PLACE}/{by}.csv") as file:
        return [row for row in csv.DictReader(file) if row["alias"] == alias]


def number(text):
    return Decimal(text) if text else Decimal(0)


def check_parts(alias, by, parts_by):
    """A part begins at or after the start of its interval, and before the next one."""
    intervals, parts = rows(by, alias), rows(parts_by, alias)
    if not parts:
        return
    moment = lambda row: datetime.datetime.fromisoformat(row["start"]).timestamp()
    starts = [moment(row) for row in intervals] + [float("inf")]
    at, sums = 0, [dict.fromkeys(AMOUNTS, Decimal(0)) for _ in intervals]
    for part in parts:
        while moment(part) >= starts[at + 1]:
            at += 1
        for name in AMOUNTS:
            sums[at][name] += number(part[name])
    for row, total in zip(intervals, sums):
        if any(number(row[name]) != total[name] for name in AMOUNTS):
            wrong.append(f"{alias} {row['start']}: {parts_by}s come to {total}, not to the {by}: {row}")


def answer(alias, path):
    files = glob.glob(f"{ARCHIVE}/{alias}/{path}.json")
    if not files:
        return {}
    with open(files[0]) as file:
        return json.load(file, parse_float=Decimal, parse_int=Decimal)["data"]


def whole(kwh):
    """kWh to the nearest Wh."""
    return Decimal(math.floor(kwh * 1000 + Decimal("0.5"))) / 1000


def counted_by_readings(alias, date):
    readings = [answer(alias, f"totals/*/*/{day}") for day in (date - DAY, date)]
    if not all(readings):
        return None
    before, after = readings
    differences = [after[name][1] - before[name][1] for name in ("t1", "t2", "t3", "t4")]
    return whole(differences[0] + differences[1]) - whole(differences[2] + differences[3])


def counted_by_month(alias, date):
    found = [
        [row[1] for row in answer(alias, f"data/month/*/{str(date)[:7]}").get("electric_energy_" + name, [])
         if begin(date) <= row[0] // 1000 < begin(date + DAY)]
        for name in ("low", "high")
    ]
    return whole(found[0][0] + found[1][0]) if all(found) else None


def check_balance(alias):
    checked = 0
    for row in rows("day", alias):
        date = datetime.date.fromisoformat(row["start"][:10])
        counted = counted_by_readings(alias, date)
        if counted is None:
            counted = counted_by_month(alias, date)
        if (counted is None) != (row["unallocated"] == ""):
            wrong.append(f"{alias} {date}: {counted} is known, but it says {row['unallocated']!r}")
        if counted is None:
            continue
        checked += 1
        amounts = number(row["import"]) + number(row["forward"]) - number(row["export"]) - number(row["reverse"])
        if amounts + number(row["unallocated"]) != counted:
            wrong.append(f"{alias} {date}: {amounts} + {row['unallocated']} is not {counted}")
    if checked < 300:
        wrong.append(f"{alias}: only {checked} days could be checked")


for alias in sys.argv[4:]:
    for by, parts_by in ("hour", "quarter"), ("day", "hour"), ("month", "day"):
        check_parts(alias, by, parts_by)
    if not alias.endswith("gas"):
        check_balance(alias)
print(*wrong[:5], sep="\n")
sys.exit(bool(wrong))
