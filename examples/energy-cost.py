#!/usr/bin/python3
"""What the hours of `cemm energy` cost, month by month, with pandas.

    energy-cost.py hours.csv prices.csv

hours.csv is from `cemm energy --format csv p1`. prices.csv has the columns start and price: an hour,
with its offset from UTC, and what a kWh of it costs. Energy that was fed in earns as much. Hours are
compared in UTC, so the prices may have another offset, and the hour that comes twice is two.
"""
import sys

import pandas as pd

hours, prices = (pd.read_csv(file) for file in sys.argv[1:3])
for table in hours, prices:
    table["utc"] = pd.to_datetime(table["start"], utc=True)
hours = hours.merge(prices[["utc", "price"]], on="utc", how="left", validate="many_to_one")

hours["paid"] = hours["import"] * hours["price"]
hours["earned"] = hours["export"] * hours["price"]
months = hours.groupby(hours["start"].str[:7].rename("month"))[["import", "export", "paid", "earned"]].sum()
months["cost"] = months["paid"] - months["earned"]
print(months.round({"import": 3, "export": 3, "paid": 2, "earned": 2, "cost": 2}).to_string())

missing = hours["start"][hours["import"].notna() & hours["price"].isna()]
if len(missing) > 0:
    sys.exit(f"hours without a price, which are left out: {len(missing)}, the first is {missing.iloc[0]}")
