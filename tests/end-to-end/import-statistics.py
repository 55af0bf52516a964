"""The statistics that Home Assistant would have after the recipe, by the rules of the integration
import_statistics (github.com/klausj1/homeassistant-statistics 5.1.0, its README and docs/user/counters.md),
and those of Home Assistant for the ids of external statistics.

import-statistics.py RECIPE FIRST FILE...

takes the settings from the two actions of the page RECIPE, imports FIRST with the first one, and each
FILE in turn with the second one. Exits with 1 and the reason if a file is refused, or if an existing hour
would change. Prints the total of each statistic."""

import csv
import datetime
import math
import re
import sys
import zoneinfo
from decimal import Decimal, InvalidOperation

ID = re.compile(r"^(?!.+__)(?!_)[\da-z_]+(?<!_):(?!_)[\da-z_]+(?<!_)$")
UNITS = {"kWh", "m³"}  # units that the energy dashboard accepts for energy, and for gas or water
HOUR = datetime.timedelta(hours=1)
OF_DELTA = {"statistic_id", "start", "unit", "delta"}
OF_SUM = {"statistic_id", "start", "unit", "sum", "state", "mean", "min", "max"}


class Refused(Exception):
    pass


def settings_of(page):
    """The data of each action on the page."""
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
        raise Refused(f"not a file in the configuration directory: {name}")
    if settings["decimal"] not in (".", ",") or len(settings["delimiter"]) != 1:
        raise Refused("an unknown decimal or delimiter")


def read(path, settings):
    """Rows with a time; one invalid row refuses the whole file."""
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
            raise Refused(f"row {number}: {row['start']} is not a full hour")
        if not all(math.isfinite(value) for value in values.values()):
            raise Refused(f"row {number}: {line}")
        row.update(values, start=start.replace(tzinfo=zone).astimezone(datetime.timezone.utc))
        rows.append(row)
    return rows


def check_statistic(name, rows):
    if not ID.match(name) or name.split(":")[0] == "recorder":
        raise Refused(f"not an id of an external statistic: {name}")
    if len({row["unit"] for row in rows}) != 1 or rows[0]["unit"] not in UNITS:
        raise Refused(f"units of {name}: {({row['unit'] for row in rows})}")
    starts = [row["start"] for row in rows]
    if len(set(starts)) != len(starts) or sorted(starts) != starts:
        raise Refused(f"{name}: hours are duplicate or not sorted")


def sums_of_deltas(name, rows, known):
    """Sums that continue from the newest row before the file. The file must have each known hour of its range."""
    starts = [row["start"] for row in rows]
    before = [start for start in known if start < starts[0]]
    if not before:
        raise Refused(f"{name}: the database has no row before {starts[0]}")
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
            raise Refused(f"{name}: the hour {changed[0]} would change")
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
