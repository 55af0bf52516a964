"""What `cemm energy --format csv` must print of one meter, from the simulator's own numbers and by
other means than ours: zoneinfo, fractions, and one sum for each interval.

energy.py SIM ZONE SINCE UID ALIAS FROM TO BY [lan] [gap=FROM/UNTIL] [unread=DATE] [more=DATE=WH]
  lan     as the LAN has it, which is without readings
  gap     minutes that are missing, from one second to another
  unread  a day whose readings are missing
  more    so much more was read at the end of that day and of later ones"""

import datetime
import math
import subprocess
import sys
import zoneinfo
from fractions import Fraction

SIM, ZONE, SINCE, UID, ALIAS, FROM, TO, BY = sys.argv[1:9]
EXTRA = sys.argv[9:]
LAN = "lan:" if "lan" in EXTRA else ""
DSMR5 = "dsmr5" in EXTRA
GAPS = [tuple(map(int, e[4:].split("/"))) for e in EXTRA if e.startswith("gap=")]
UNREAD = [e[7:] for e in EXTRA if e.startswith("unread=")]
MORE = [e[5:].split("=") for e in EXTRA if e.startswith("more=")]
zone = zoneinfo.ZoneInfo(ZONE)
GAS = ALIAS.endswith("gas")
WATER = ALIAS.startswith("pulse")
SMART = ALIAS in ("p1", "han")
DAY = datetime.timedelta(days=1)


def midnight(date):
    return int(datetime.datetime(date.year, date.month, date.day, tzinfo=zone).timestamp())


def ask(channel, seconds):
    """The simulator's values at these times; None for all if it has none."""
    command = [SIM, "--since", SINCE, "--zone", ZONE, "--meters", ALIAS] + (["--dsmr5"] if DSMR5 else [])
    words = [f"{second}000" for second in seconds]
    answer = subprocess.run(
        command + ["--print", UID, ALIAS, LAN + channel] + words, capture_output=True, text=True
    )
    values = answer.stdout.split()
    return [Fraction(value) for value in values] if answer.returncode == 0 else [None] * len(words)


def nearest(value):
    return math.floor(value + Fraction(1, 2))


def readings(date):
    """Import and export at the last minute of a day, in kWh; None: not known."""
    if LAN or not SMART or str(date) in UNREAD:
        return None
    last = midnight(date + DAY) - 60
    t = [ask(f"t{i}", [last])[0] for i in (1, 2, 3, 4)]
    if None in t:
        return None
    more = sum(Fraction(wh, 1000) for day, wh in ((d, int(w)) for d, w in MORE) if str(date) >= day)
    return t[0] + t[1] + more, t[2] + t[3]


def net(date):
    parts = [ask(f"month:electric_energy_{name}", [midnight(date)])[0] for name in ("low", "high")]
    return None if None in parts else nearest(sum(parts) * 1000)


def measured(date):
    """Seconds and values of a day, as far as they are there."""
    step = 3600 if GAS and not DSMR5 else 60
    channel = "gas" if GAS else "flow" if WATER else "electric_power"
    seconds = list(range(midnight(date), midnight(date + DAY), step))
    values = ask("day:" + channel, seconds)
    return {
        s: v
        for s, v in zip(seconds, values)
        if v is not None and not any(a <= s < b for a, b in GAPS)
    }


def factor(total, known):
    """What to multiply by, or None."""
    if total > 0 and Fraction(4, 5) <= known / total <= Fraction(5, 4):
        return known / total
    return None


def scaled(date, rows, power):
    """Both factors, the basis, and what the meter counted, less export; None: not known."""
    total = [sum(v for v in rows.values() if v > 0) / 60, -sum(v for v in rows.values() if v < 0) / 60]
    enough = 100 * len(rows) >= 99 * ((midnight(date + DAY) - midnight(date)) // 60)
    if not power:
        return [1, 1], "hours" if GAS and not DSMR5 else "minutes", None
    before, after = readings(date - DAY), readings(date)
    if before and after:
        known = [nearest((b - a) * 1000) for a, b in zip(before, after)]
        use = [factor(t, Fraction(k)) if enough else None for t, k in zip(total, known)]
        basis = "readings" if any(use) else "minutes"
        return [f or 1 for f in use], basis, known[0] - known[1]
    balance = net(date)
    if enough and balance is not None and not all(total):
        side = 1 if total[1] else 0
        use = factor(total[side], Fraction(-balance if side else balance))
        if use:
            return [use if i == side else 1 for i in (0, 1)], "net", balance
        return [1, 1], "net" if total[side] == 0 == balance else "minutes", balance
    return [1, 1], "minutes", balance


def key_of(second):
    """The interval that a second lies in."""
    local = datetime.datetime.fromtimestamp(second, zone)
    if BY == "quarter":
        return second - second % 900
    if BY == "hour":
        return str(local.replace(minute=0, second=0))[:13] + str(local.utcoffset())
    if BY == "utc":
        return second - second % 3600
    return str(local.date())[: 7 if BY == "month" else 10]


intervals = {}
BASES = ["", "hours", "readings", "net", "minutes"]
date = datetime.date.fromisoformat(FROM)
while date <= datetime.date.fromisoformat(TO):
    power = not GAS and not WATER
    rows = measured(date)
    factors, basis, balance = scaled(date, rows, power)
    unit = Fraction(1, 60) if power else Fraction(1000) if basis == "hours" else Fraction(1)
    sums, given, day = [0, 0], [0, 0], [0, 0]
    for quarter in range(midnight(date), midnight(date + DAY), 900):
        interval = intervals.setdefault(
            key_of(quarter), {"start": quarter, "amount": [0, 0], "count": 0, "basis": "", "open": None}
        )
        for second in range(quarter, quarter + 900, 60):
            if second in rows:
                sums[rows[second] < 0] += abs(rows[second])
                interval["count"] += 1
                interval["basis"] = max(interval["basis"], basis, key=BASES.index)
        for side in (0, 1):
            total = nearest(sums[side] * unit * factors[side])
            interval["amount"][side] += total - given[side]
            day[side] += total - given[side]
            given[side] = total
    if balance is not None and BY in ("day", "month"):
        interval["open"] = (interval["open"] or 0) + balance - (day[0] - day[1])
    date += DAY


def thousandths(value):
    return f"{'-' if value < 0 else ''}{abs(value) // 1000}.{abs(value) % 1000:03}"


COLUMNS = {"import": 0, "export": 1, "forward": 0, "reverse": 1, "gas": 0, "volume": 0}
mine = ["gas"] if GAS else ["volume"] if WATER else ["import", "export"] if SMART else ["forward", "reverse"]
begun = False
for interval in intervals.values():
    begun = begun or interval["count"] > 0
    if not begun:
        continue
    cells = [UID, ALIAS, datetime.datetime.fromtimestamp(interval["start"], zone).isoformat()]
    for name, side in COLUMNS.items():
        there = name in mine and interval["count"] > 0
        cells.append(thousandths(interval["amount"][side]) if there else "")
    cells.append("" if interval["basis"] == "hours" else str(interval["count"]))
    cells.append(interval["basis"])
    cells.append("" if interval["open"] is None else thousandths(interval["open"]))
    print(",".join(cells))
