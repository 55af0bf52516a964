#!/usr/bin/env python3
"""Makes the table of the benchmarks: table.py RESULTS [--markdown].

RESULTS has lines "row ID WHAT UNIT GOAL PEER LIMIT" and "figure ID SERIES VALUE", with tabs between
them; see bench-lib.sh. Each figure shown is the median of its series; the spread is that of ours,
from the fastest to the slowest, relative to the median.
"""
import statistics
import sys

HEAD = ["what", "unit", "ours", "spread", "peer", "", "ratio", "limit", "", "ratio", "goal", "met"]


def read(path):
    rows, figures = {}, {}
    for line in open(path, encoding="utf-8"):
        kind, name, *rest = line.rstrip("\n").split("\t")
        if kind == "row":
            rows[name] = rest
        else:
            figures.setdefault(name, {}).setdefault(rest[0], []).append(float(rest[1]))
    return rows, figures


def short(number):
    return f"{number:.3g}" if abs(number) < 1000 else f"{number:.0f}"


def verdict(goal, ours, peers, limits, limit_name):
    """Whether a goal is met; empty if there is nothing to compare it with."""
    series = peers if goal.startswith("peer") else limits
    if not series:
        return ""
    middle = statistics.median(series)
    most = float(goal.split("<=")[1]) * middle if "<=" in goal else float(goal.split("+")[1]) + middle
    if ours <= most:
        return "yes"
    # Even collectd's own share, which every plugin needs, is above the goal.
    if limit_name == "only dispatching" and limits and statistics.median(limits) > most:
        return f"no: {statistics.median(limits) / middle:.2f} at best"
    return "no"


def verdict_of_all(goals, *figures):
    """The worst of them; empty without a goal."""
    met = [verdict(goal, *figures) for goal in goals.split() if goal != "-"]
    return min(met, key=lambda word: (not word.startswith("no"), word != ""), default="")


def line(row, series):
    what, unit, goal, peer_name, limit_name = row
    ours = statistics.median(series["ours"])
    spread = (max(series["ours"]) - min(series["ours"])) / ours if ours else 0
    peer = statistics.median(series["peer"]) if series.get("peer") else None
    limit = statistics.median(series["limit"]) if series.get("limit") else None
    cells = [what, unit, short(ours), f"{spread:.0%}" if len(series["ours"]) > 1 else ""]
    for value, name in ((peer, peer_name), (limit, limit_name)):
        known = value is not None
        cells += [short(value) if known else "", name if known else "",
                  f"{ours / value:.2f}" if known and value else ""]
    return cells + ["" if goal == "-" else goal, verdict_of_all(goal, ours, series.get("peer"), series.get("limit"), limit_name)]


def main():
    rows, figures = read(sys.argv[1])
    table = [line(row, figures[name]) for name, row in rows.items() if "ours" in figures.get(name, {})]
    if "--markdown" in sys.argv:
        for cells in [HEAD, ["---"] * len(HEAD)] + table:
            print("| " + " | ".join(cells) + " |")
        return
    widths = [max(len(cells[i]) for cells in [HEAD] + table) for i in range(len(HEAD))]
    for cells in [HEAD] + table:
        print("  ".join(cell.ljust(width) for cell, width in zip(cells, widths)).rstrip())


main()
