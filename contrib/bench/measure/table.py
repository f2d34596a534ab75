# SPDX-License-Identifier: BSD-3-Clause
"""The result, for people and for programs."""

import json


def format_number(value):
    return f"{value:.2f}" if abs(value) < 10 else f"{value:.1f}"


def verdict(row):
    return {None: "", True: "yes", False: "NO"}[row.met]


def print_table(rows, facts):
    for name, value in facts.items():
        print(f"{name + ':':<10}{value}")
    print()
    width = max(len(row.what) for row in rows)
    print(f"{'':{width}}  {'median':>8} {'min':>8} {'max':>8}      {'target':<17}met")
    for row in rows:
        if row.text:
            print(f"{row.what:{width}}  {row.text}" + (f"   (target: {row.target}; met: {verdict(row)})" if row.target else ""))
            continue
        numbers = [row.median(), min(row.values), max(row.values)]
        shown = " ".join(f"{format_number(number):>8}" for number in numbers)
        if len(row.values) == 1:
            shown = f"{format_number(numbers[0]):>8}" + " " * 18
        note = f"  {row.note}" if row.note else ""
        print(f"{row.what:{width}}  {shown} {row.unit:<4}{row.target:<17}{verdict(row):<4}{note}".rstrip())


def write_json(path, rows, facts):
    lines = [{"what": row.what.strip(), "unit": row.unit, "median": row.median(), "values": row.values,
              "text": row.text, "target": row.target, "met": row.met, "note": row.note} for row in rows]
    path.write_text(json.dumps({"machine": facts, "rows": lines}, indent=1) + "\n")
