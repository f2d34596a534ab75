# SPDX-License-Identifier: BSD-3-Clause
"""Alternating pairs, and what is said of them."""

import statistics
from dataclasses import dataclass, field

from .cluster import Trouble, say


@dataclass
class Variant:
    name: str
    plugins: str  # plugstack.conf while it runs
    argv: list
    optional: bool = False  # a peer that may not run on this machine


@dataclass
class Row:
    """One line of the table."""

    what: str
    values: list = field(default_factory=list)
    unit: str = "ms"
    target: str = ""
    met: bool | None = None
    note: str = ""
    text: str = ""  # instead of numbers

    def median(self):
        return statistics.median(self.values) if self.values else None


def alternate(plugins, allocation, variants, rounds, between=None):
    """Runs each variant once a round, in an order that turns, after one round that does not count:
    what disturbs the machine disturbs all.  Returns name -> milliseconds, and name -> why not."""
    times = {variant.name: [] for variant in variants}
    refused = {}
    for number in range(-1, rounds):
        turn = max(number, 0) % len(variants)
        for variant in variants[turn:] + variants[:turn]:
            if variant.name in refused:
                continue
            plugins.use(variant.plugins)
            took, status, error = allocation.run(variant.argv)
            if status != 0 and not variant.optional:
                raise Trouble(f"{' '.join(map(str, variant.argv))}: exit status {status}\n{error}")
            if status != 0:
                refused[variant.name] = error.strip().splitlines()[0] if error.strip() else f"exit status {status}"
                say(f"{variant.name}: {refused[variant.name]}")
            elif number >= 0:
                times[variant.name].append(took)
        if between is not None and number >= 0:
            between()
    return times, refused


def differences(times, name, base):
    return [one - other for one, other in zip(times[name], times[base])]


def slope(points):
    """Least squares through (x, y)."""
    mean_x = statistics.fmean(x for x, _ in points)
    mean_y = statistics.fmean(y for _, y in points)
    return sum((x - mean_x) * (y - mean_y) for x, y in points) / sum((x - mean_x) ** 2 for x, _ in points)


def median_interval(values):
    """Where the median lies with 95 % confidence, whatever the distribution: the order statistics
    around the middle (binomial, normal approximation)."""
    ordered = sorted(values)
    half = 0.98 * len(ordered) ** 0.5
    low = max(0, int(len(ordered) / 2 - half))
    high = min(len(ordered) - 1, int(len(ordered) / 2 + half))
    return ordered[low], ordered[high]
