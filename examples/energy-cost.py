#!/usr/bin/python3
"""The cost of electricity, month by month, from the hours of `cemm energy`, with pandas.

    energy-cost.py hours.csv prices.csv

hours.csv is from `cemm energy --format csv p1`. prices.csv has the columns start and price: an hour,
with its offset from UTC, and the price of a kWh in it. Energy that was fed in is paid at the same price.
Hours are compared in UTC, so the prices may have another offset, and the hour that comes twice counts as
two. Prices of quarter-hours need `cemm energy --by quarter`.
"""
import sys

import pandas as pd

if len(sys.argv) != 3:
    sys.exit(__doc__)
hours, prices = (pd.read_csv(file) for file in sys.argv[1:])
for table, file in zip((hours, prices), sys.argv[1:]):
    if not table["start"].str.contains(r"(?:Z|[+-]\d\d:?\d\d)$").all():
        sys.exit(f"{file}: each start needs its offset from UTC, as in 2025-01-01T00:00:00+01:00")
    table["utc"] = pd.to_datetime(table["start"], utc=True)
if not set(prices["utc"].dt.minute) <= set(hours["utc"].dt.minute):
    sys.exit(f"{sys.argv[2]} has prices of shorter intervals: use `cemm energy --by quarter`")
hours = hours.merge(prices[["utc", "price"]], on="utc", how="left", validate="many_to_one")

hours["paid"] = hours["import"] * hours["price"]
hours["earned"] = hours["export"] * hours["price"]
months = hours.groupby(hours["start"].str[:7].rename("month"))[["import", "export", "paid", "earned"]].sum()
months["cost"] = months["paid"] - months["earned"]
print(months.round({"import": 3, "export": 3, "paid": 2, "earned": 2, "cost": 2}).to_string())

missing = hours["start"][hours["import"].notna() & hours["price"].isna()]
if len(missing) > 0:
    sys.exit(f"hours without a price, which are left out: {len(missing)}, the first is {missing.iloc[0]}")
