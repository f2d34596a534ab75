# SPDX-License-Identifier: BSD-3-Clause
"""The result, for people and for programs."""

import json


def format_number(value):
    return f"{value:.2f}" if abs(value) < 10 else f"{value:.1f}"


def verdict(row):
    return {None: "", True: "yes", False: "NO"}[row.met] + ("" if row.sure else "?")


def print_table(rows, facts):
    for name, value in facts.items():
        print(f"{name + ':':<10}{value}")
    print()
    width = max(len(row.what) for row in rows)
    unsure = any(not row.sure for row in rows)
    print(f"{'':{width}}  {'median':>8} {'min':>8} {'max':>8}      {'target':<17}met")
    for row in rows:
        if row.text:
            target = f"   (target: {row.target}; met: {verdict(row)})" if row.target else ""
            print(f"{row.what:{width}}  {row.text}{target}")
            continue
        numbers = [row.median(), min(row.values), max(row.values)]
        shown = " ".join(f"{format_number(number):>8}" for number in numbers)
        if len(row.values) == 1:
            shown = f"{format_number(numbers[0]):>8}" + " " * 18
        note = f"  {row.note}" if row.note else ""
        print(f"{row.what:{width}}  {shown} {row.unit:<4}{row.target:<17}{verdict(row):<5}{note}".rstrip())
    if unsure:
        print("\n?: too noisy to be sure, the median's 95 % interval holds both answers")


def write_json(path, rows, facts):
    lines = [{"what": row.what.strip(), "unit": row.unit, "median": row.median(), "values": row.values,
              "text": row.text, "target": row.target, "met": row.met, "note": row.note} for row in rows]
    path.write_text(json.dumps({"machine": facts, "rows": lines}, indent=1) + "\n")
