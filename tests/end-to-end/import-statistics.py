"""What Home Assistant would have after the recipe: the rules of the integration import_statistics
(github.com/klausj1/homeassistant-statistics 5.1.0, its README and docs/user/counters.md), and those of
Home Assistant for the ids of external statistics.

import-statistics.py RECIPE FIRST FILE...

takes the settings from the two actions of the page RECIPE, imports FIRST by the first one, and each
FILE in turn by the second one. Ends with 1 and the reason if one is refused, or if an hour that was
there is changed. Prints what each statistic comes to."""

import csv
import datetime
import math
import re
import sys
import zoneinfo
from decimal import Decimal, InvalidOperation

ID = re.compile(r"^(?!.+__)(?!_)[\da-z_]+(?<!_):(?!_)[\da-z_]+(?<!_)$")
UNITS = {"kWh", "m³"}  # what the energy dashboard takes of energy and of gas or water
HOUR = datetime.timedelta(hours=1)
OF_DELTA = {"statistic_id", "start", "unit", "delta"}
OF_SUM = {"statistic_id", "start", "unit", "sum", "state", "mean", "min", "max"}


class Refused(Exception):
    pass


def settings_of(page):
    """The data of each action that the page shows."""
    with open(page, encoding="utf-8") as file:
        blocks = re.findall(r"```yaml\n(.*?)```", file.read(), re.S)
    actions = []
    for block in blocks:
        lines = [line.split(":", 1) for line in block.splitlines()]
        if lines[0] != ["action", " import_statistics.import_from_file"] or lines[1] != ["data", ""]:
            raise Refused(f"no such action: {lines[:2]}")
        actions.append({name.strip(): value.strip().strip('"') for name, value in lines[2:]})
    return actions


def check_settings(settings):
    known = {"filename", "delimiter", "decimal", "datetime_format", "timezone_identifier"}
    if not set(settings) <= known:
        raise Refused(f"unknown settings: {set(settings) - known}")
    name = settings["filename"]
    if name.startswith("/") or ".." in name or not name.endswith((".csv", ".tsv")):
        raise Refused(f"no file of the configuration directory: {name}")
    if settings["decimal"] not in (".", ",") or len(settings["delimiter"]) != 1:
        raise Refused("a decimal or a delimiter that there is not")


def read(path, settings):
    """Rows with a time; the file as a whole is refused for one that is wrong."""
    with open(path, encoding="utf-8", errors="strict", newline="") as file:
        text = file.read()
    if any(sign in text for sign in ("\ufffd", "Â°", "Â³")):
        raise Refused("wrong encoding")
    lines = list(csv.reader(text.splitlines(), delimiter=settings["delimiter"]))
    header = lines[0]
    allowed = OF_DELTA if "delta" in header else OF_SUM
    if not {"statistic_id", "start", "unit"} <= set(header) or not set(header) <= allowed:
        raise Refused(f"columns: {header}")
    if len(set(header)) != len(header) or not set(header) & {"delta", "sum"}:
        raise Refused(f"columns: {header}")
    zone = zoneinfo.ZoneInfo(settings["timezone_identifier"])
    rows = []
    for number, line in enumerate(lines[1:], 2):
        if len(line) != len(header):
            raise Refused(f"row {number} has {len(line)} columns")
        row = dict(zip(header, line))
        try:
            start = datetime.datetime.strptime(row["start"], settings["datetime_format"])
            if start.strftime(settings["datetime_format"]) != row["start"]:
                raise ValueError
            values = {name: Decimal(row[name].replace(settings["decimal"], ".")) for name in header
                      if name not in ("statistic_id", "start", "unit")}
        except (ValueError, InvalidOperation) as error:
            raise Refused(f"row {number}: {line}") from error
        if start.minute or start.second:
            raise Refused(f"row {number}: {row['start']} is no full hour")
        if not all(math.isfinite(value) for value in values.values()):
            raise Refused(f"row {number}: {line}")
        row.update(values, start=start.replace(tzinfo=zone).astimezone(datetime.timezone.utc))
        rows.append(row)
    return rows


def check_statistic(name, rows):
    if not ID.match(name) or name.split(":")[0] == "recorder":
        raise Refused(f"no id of an external statistic: {name}")
    if len({row["unit"] for row in rows}) != 1 or rows[0]["unit"] not in UNITS:
        raise Refused(f"units of {name}: {({row['unit'] for row in rows})}")
    starts = [row["start"] for row in rows]
    if len(set(starts)) != len(starts) or sorted(starts) != starts:
        raise Refused(f"{name}: hours twice, or not in order")


def sums_of_deltas(name, rows, known):
    """Sums that go on from the newest row that is older. All rows in the range must be there again."""
    starts = [row["start"] for row in rows]
    before = [start for start in known if start < starts[0]]
    if not before:
        raise Refused(f"{name}: no row in the database that is older than {starts[0]}")
    left_out = [start for start in known if starts[0] <= start <= starts[-1] and start not in set(starts)]
    if left_out:
        raise Refused(f"{name}: {left_out[0]} is in the database, but not in the file")
    total = known[max(before)]
    sums = {}
    for row in rows:
        if row["delta"] < 0:
            raise Refused(f"{name}: {row['start']} counts backwards")
        total += row["delta"]
        sums[row["start"]] = total
    return sums


def import_file(database, path, settings):
    check_settings(settings)
    by_id = {}
    for row in read(path, settings):
        by_id.setdefault(row["statistic_id"], []).append(row)
    stored = {}
    for name, rows in by_id.items():
        check_statistic(name, rows)
        unit, known = database.get(name, (rows[0]["unit"], {}))
        if unit != rows[0]["unit"]:
            raise Refused(f"{name} has the unit {unit}, not {rows[0]['unit']}")
        if "delta" in rows[0]:
            sums = sums_of_deltas(name, rows, known)
        else:
            sums = {row["start"]: row["sum"] for row in rows}
        changed = [start for start, total in sums.items() if known.get(start, total) != total]
        if changed:
            raise Refused(f"{name}: the hour {changed[0]} is changed")
        stored[name] = (unit, {**known, **sums})
    database.update(stored)


def main():
    database = {}
    first, again = settings_of(sys.argv[1])
    import_file(database, sys.argv[2], first)
    for path in sys.argv[3:]:
        import_file(database, path, again)
    for name, (unit, known) in sorted(database.items()):
        print(name, unit, len(known), known[max(known)])


try:
    main()
except Refused as error:
    sys.exit(str(error))
