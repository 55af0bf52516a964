"""The expected files of cemmfs for a document, made from the cloud's bytes with Python's json and
zoneinfo. For the tests whose readers are written in Python."""

import datetime
import json
import urllib.request
import zoneinfo

ZONE = zoneinfo.ZoneInfo("Europe/Amsterdam")


def local_midnight(date):
    """The first second of a date, as the API expects it."""
    return int(datetime.datetime(date.year, date.month, date.day, tzinfo=ZONE).timestamp())


def ask(cloud, key, path, **query):
    """The body of the cloud's answer; the simulator must make no promises."""
    words = "&".join(f"{name}={value}" for name, value in {"api_key": key, **query}.items())
    with urllib.request.urlopen(f"{cloud}{path}?{words}", timeout=60) as answer:
        if answer.status != 200:
            raise RuntimeError(f"{path}: {answer.status}")
        return answer.read()


def iso(milliseconds):
    """A time as cemmfs writes it: in ISO 8601, in the meters' zone."""
    moment = datetime.datetime.fromtimestamp(milliseconds / 1000, ZONE)
    return moment.isoformat(timespec="milliseconds" if milliseconds % 1000 else "seconds")


def history_csv(body):
    """data/day, month or year as CSV: numbers keep their text, oldest first."""
    data = json.loads(body, parse_float=str, parse_int=str)["data"]
    rows = {}
    for channel, pairs in data.items():
        for time, value in pairs if pairs and isinstance(pairs[0], list) else [pairs]:
            if time not in (None, "0") and value is not None:
                rows.setdefault(int(time), {})[channel] = value
    lines = ["time," + ",".join(data)]
    for time in sorted(rows):
        lines.append(iso(time) + "," + ",".join(rows[time].get(name, "") for name in data))
    return ("\n".join(lines) + "\n").encode()
