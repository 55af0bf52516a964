#!/usr/bin/env python3
"""A month in pandas, from its day files in a mount of cemmfs.

    pandas-month.py ~/meters/UID/p1/data/day/2026/06

Prints consumption and feed-in, by day and by hour of the day. Times have their offset from UTC, so the
days on which the clocks change have 23 and 25 hours.
"""
import pathlib
import sys

import pandas as pd

ZONE = "Europe/Amsterdam"

days = sorted(pathlib.Path(sys.argv[1]).glob("????-??-??.csv"))
power = pd.concat(pd.read_csv(day) for day in days)
power.index = pd.to_datetime(power.pop("time"), utc=True).dt.tz_convert(ZONE)
watts = power["electric_power"].dropna()

# A row is the mean of a minute: W / 60 / 1000 is kWh.
kwh = pd.DataFrame({"used": watts.clip(lower=0), "fed_in": -watts.clip(upper=0)}) / 60000
print(kwh.resample("D").sum().round(3).to_string())
print(kwh.groupby(kwh.index.hour).sum().round(3).rename_axis("hour").to_string())
