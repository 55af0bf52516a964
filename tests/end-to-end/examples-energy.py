"""The expected output of the examples about energy, from the rows of energy.py.

examples-energy.py DIRECTORY HOUR

reads p1.quarters, s01.quarters and p1.hours in DIRECTORY. Writes prices.csv there, with times in UTC and
without a price for HOUR. Prints the expected output of energy-oneliners.sh, with one space between
columns."""

import collections
import datetime
import sys
from decimal import Decimal

DIRECTORY, HOUR_WITHOUT_PRICE = sys.argv[1:3]


def rows(name):
    """Yields the start, import, export and forward of each row (forward: the production of s01)."""
    with open(f"{DIRECTORY}/{name}") as file:
        for line in file:
            cells = line.rstrip("\n").split(",")
            yield cells[2], cells[3], cells[4], cells[5]


def by_month(quarters):
    months = collections.defaultdict(list)
    for quarter in quarters:
        months[quarter[0][:7]].append(quarter)
    return sorted(months.items())


print("# the highest quarter-hour of each month (kW), as the Belgian capacity tariff counts it")
for month, quarters in by_month(q for q in rows("p1.quarters") if q[1]):
    most = max(quarters, key=lambda q: Decimal(q[1]))
    print(month, 4 * Decimal(most[1]), most[0])

print("# self-consumption of each month: kWh produced and not fed in, kWh produced, %")
fed = {q[0]: Decimal(q[2]) for q in rows("p1.quarters") if q[2]}
for month, quarters in by_month(q for q in rows("s01.quarters") if q[3] and q[0] in fed):
    made = sum(Decimal(q[3]) for q in quarters)
    own = made - sum(fed[q[0]] for q in quarters)
    print(month, own, made, round(100 * own / made, 1))

print("# the cost of each month at hourly prices")
cost = {}
with open(f"{DIRECTORY}/prices.csv", "w") as prices:
    print("start,price", file=prices)
    for i, (time, taken, given, _) in enumerate(rows("p1.hours")):
        utc = datetime.datetime.fromisoformat(time).astimezone(datetime.timezone.utc)
        # Any price will do, if it differs from hour to hour and is sometimes negative.
        price = Decimal((i * 7919) % 400 - 50) / 1000
        if time == HOUR_WITHOUT_PRICE:
            price = None
        else:
            print(utc.isoformat().replace("+00:00", "Z"), price, sep=",", file=prices)
        sums = cost.setdefault(time[:7], [Decimal(0)] * 4)
        if taken:
            taken, given = Decimal(taken), Decimal(given)
            sums[:2] = sums[0] + taken, sums[1] + given
            if price is not None:
                sums[2:] = sums[2] + taken * price, sums[3] + given * price
print("import export paid earned cost")
print("month ")
for month, (taken, given, paid, earned) in sorted(cost.items()):
    money = [round(amount, 2) for amount in (paid, earned, paid - earned)]
    print(month, taken, given, *money)
