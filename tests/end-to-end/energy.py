"""Prints the expected output of `cemm energy --format csv` for one meter. It is calculated from the
simulator's values, but not as cemm does it: with zoneinfo, fractions, and one sum for each interval.

energy.py SIM ZONE SINCE UID ALIAS FROM TO BY[,BY...] [MORE...]
  BY      quarter, hour, day, month or utc (hours of UTC)
MORE is any of
  lan     as on the LAN, which has no readings
  dsmr5   gas comes by the minute
  gap=FROM/UNTIL  the minutes from FROM until UNTIL (Unix seconds) are missing
  unread=DATE     a day whose readings are missing
  more=DATE=WH    the readings at the end of that day and of later ones are higher by this
  replaced=DATE   on that day a new meter began to count from 0"""

import datetime
import math
import subprocess
import sys
import zoneinfo
from fractions import Fraction

SIM, ZONE, SINCE, UID, ALIAS, FROM, TO, BYS = sys.argv[1:9]
EXTRA = sys.argv[9:]
LAN = "lan:" if "lan" in EXTRA else ""
DSMR5 = "dsmr5" in EXTRA
GAPS = [tuple(map(int, e[4:].split("/"))) for e in EXTRA if e.startswith("gap=")]
UNREAD = [e[7:] for e in EXTRA if e.startswith("unread=")]
MORE = [e[5:].split("=") for e in EXTRA if e.startswith("more=")]
REPLACED = [e[9:] for e in EXTRA if e.startswith("replaced=")]
zone = zoneinfo.ZoneInfo(ZONE)
GAS = ALIAS.endswith("gas")
WATER = ALIAS.startswith("pulse")
SMART = ALIAS in ("p1", "han")
POWER = not GAS and not WATER
DAY = datetime.timedelta(days=1)
AT_ONCE = 20000  # timestamps in one command


def midnight(date):
    return int(datetime.datetime(date.year, date.month, date.day, tzinfo=zone).timestamp())


def ask(channel, seconds):
    """The simulator's values by time; there are none before SINCE, and perhaps none at all."""
    command = [SIM, "--since", SINCE, "--zone", ZONE, "--meters", ALIAS] + (["--dsmr5"] if DSMR5 else [])
    begin = midnight(datetime.date.fromisoformat(SINCE))
    there = [second for second in seconds if second >= begin]
    values = {}
    for i in range(0, len(there), AT_ONCE):
        part = there[i : i + AT_ONCE]
        answer = subprocess.run(
            command + ["--print", UID, ALIAS, LAN + channel] + [f"{second}000" for second in part],
            capture_output=True,
            text=True,
        )
        if answer.returncode != 0:
            return {}
        values.update(zip(part, map(Fraction, answer.stdout.split())))
    return values


def nearest(value):
    return math.floor(value + Fraction(1, 2))


dates = []
date = datetime.date.fromisoformat(FROM)
while date <= datetime.date.fromisoformat(TO):
    dates.append(date)
    date += DAY


def all_readings():
    """The known readings: import and export in kWh, by day, at the day's last minute."""
    if LAN or not SMART:
        return {}
    # A new meter begins at 0: what the simulated one had counted by the evening before is subtracted.
    last = {d: midnight(d + DAY) - 60 for d in [dates[0] - DAY] + dates}
    last.update({d - DAY: midnight(d) - 60 for d in map(datetime.date.fromisoformat, REPLACED)})
    t = [ask(f"t{i}", sorted(last.values())) for i in (1, 2, 3, 4)]
    if not all(t):
        return {}
    counted = {d: (t[0][s] + t[1][s], t[2][s] + t[3][s]) for d, s in last.items() if s in t[0]}
    known = {}
    for d, (taken, fed) in counted.items():
        more = sum(Fraction(int(wh), 1000) for day, wh in MORE if str(d) >= day)
        begun = [counted[datetime.date.fromisoformat(day) - DAY] for day in REPLACED if str(d) >= day]
        if str(d) not in UNREAD:
            known[d] = taken + more - sum(b[0] for b in begun), fed - sum(b[1] for b in begun)
    return known


def all_nets():
    """The energy of each day in the data of the month, in Wh."""
    if not POWER:
        return {}
    low, high = (ask(f"month:electric_energy_{name}", [midnight(d) for d in dates]) for name in ("low", "high"))
    return {d: nearest((low[midnight(d)] + high[midnight(d)]) * 1000) for d in dates if midnight(d) in low and high}


def all_measured():
    """Values by second, without missing ones."""
    step = 3600 if GAS and not DSMR5 else 60
    channel = "gas" if GAS else "flow" if WATER else "electric_power"
    seconds = list(range(midnight(dates[0]), midnight(dates[-1] + DAY), step))
    values = ask("day:" + channel, seconds)
    return {s: v for s, v in values.items() if not any(a <= s < b for a, b in GAPS)}


readings, nets, measured = all_readings(), all_nets(), all_measured()


def factor(total, known):
    """The scaling factor, or None."""
    if total > 0 and Fraction(4, 5) <= known / total <= Fraction(5, 4):
        return known / total
    return None


def scaled(date, rows):
    """Both scaling factors, the basis, and the import minus the export that the meter counted, in Wh
    (None: unknown)."""
    total = [sum(v for v in rows.values() if v > 0) / 60, -sum(v for v in rows.values() if v < 0) / 60]
    enough = 100 * len(rows) >= 99 * ((midnight(date + DAY) - midnight(date)) // 60)
    if not POWER:
        return [1, 1], "hours" if GAS and not DSMR5 else "minutes", None
    before, after = readings.get(date - DAY), readings.get(date)
    if before and after:
        known = [nearest((b - a) * 1000) for a, b in zip(before, after)]
        use = [factor(t, Fraction(k)) if enough else None for t, k in zip(total, known)]
        basis = "readings" if any(use) else "minutes"
        return [f or 1 for f in use], basis, known[0] - known[1]
    balance = nets.get(date)
    if enough and balance is not None and not all(total):
        side = 1 if total[1] else 0
        use = factor(total[side], Fraction(-balance if side else balance))
        if use:
            return [use if i == side else 1 for i in (0, 1)], "net", balance
        return [1, 1], "net" if total[side] == 0 == balance else "minutes", balance
    return [1, 1], "minutes", balance


BASES = ["", "hours", "readings", "net", "minutes"]


def quarters_of(date):
    """The quarters of the day (start, Wh or l of both directions, minutes, basis), and the unallocated rest."""
    rows = {s: measured[s] for s in range(midnight(date), midnight(date + DAY), 60) if s in measured}
    factors, basis, balance = scaled(date, rows)
    unit = Fraction(1, 60) if POWER else Fraction(1000) if basis == "hours" else Fraction(1)
    sums, given = [0, 0], [0, 0]
    quarters = []
    for begin in range(midnight(date), midnight(date + DAY), 900):
        there = [rows[s] for s in range(begin, begin + 900, 60) if s in rows]
        amounts = [0, 0]
        for value in there:
            sums[value < 0] += abs(value)
        for side in (0, 1):
            total = nearest(sums[side] * unit * factors[side])
            amounts[side], given[side] = total - given[side], total
        quarters.append((begin, amounts, len(there), basis if there else ""))
    return quarters, None if balance is None else balance - (given[0] - given[1])


def key_of(second, by):
    """The interval that contains a second."""
    local = datetime.datetime.fromtimestamp(second, zone)
    if by == "quarter":
        return second - second % 900
    if by == "hour":
        return str(local.replace(minute=0, second=0))[:13] + str(local.utcoffset())
    if by == "utc":
        return second - second % 3600
    return str(local.date())[: 7 if by == "month" else 10]


def thousandths(value):
    return f"{'-' if value < 0 else ''}{abs(value) // 1000}.{abs(value) % 1000:03}"


COLUMNS = {"import": 0, "export": 1, "forward": 0, "reverse": 1, "gas": 0, "volume": 0}
MINE = ["gas"] if GAS else ["volume"] if WATER else ["import", "export"] if SMART else ["forward", "reverse"]


def print_intervals(days, by):
    intervals = {}
    for quarters, left in days:
        for begin, amounts, count, basis in quarters:
            interval = intervals.setdefault(
                key_of(begin, by), {"start": begin, "amount": [0, 0], "count": 0, "basis": "", "open": None}
            )
            interval["amount"] = [a + b for a, b in zip(interval["amount"], amounts)]
            interval["count"] += count
            interval["basis"] = max(interval["basis"], basis, key=BASES.index)
        if left is not None and by in ("day", "month"):
            interval["open"] = (interval["open"] or 0) + left
    begun = False
    for interval in intervals.values():
        begun = begun or interval["count"] > 0
        if not begun:
            continue
        cells = [UID, ALIAS, datetime.datetime.fromtimestamp(interval["start"], zone).isoformat()]
        for name, side in COLUMNS.items():
            there = name in MINE and interval["count"] > 0
            cells.append(thousandths(interval["amount"][side]) if there else "")
        cells.append("" if interval["basis"] == "hours" else str(interval["count"]))
        cells.append(interval["basis"])
        cells.append("" if interval["open"] is None else thousandths(interval["open"]))
        print(",".join(cells))


every_day = [quarters_of(date) for date in dates]
for by in BYS.split(","):
    print_intervals(every_day, by)
