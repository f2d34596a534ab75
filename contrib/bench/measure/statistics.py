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
    sure: bool = True

    def median(self):
        return statistics.median(self.values) if self.values else None

    def judge(self, low, high):
        """Met where the median lies from low to high; sure where its 95 % interval does, or lies
        outside altogether."""
        first, last = median_interval(self.values)
        self.met = low <= self.median() <= high
        self.sure = last < low or first > high or (low <= first and last <= high)
        return self


def whole_time(run):
    return run.took


def until_last_task(run):
    """Until the program of the last task ran: its tasks print their clock (`date +%s.%N`)."""
    return (max(map(float, run.output.split())) - run.started) * 1e3


def alternate(plugins, allocation, variants, rounds, between=None, value=whole_time):
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
            run = allocation.run(variant.argv)
            if run.status != 0 and not variant.optional:
                raise Trouble(f"{' '.join(map(str, variant.argv))}: exit status {run.status}\n{run.error}")
            if run.status != 0:
                refused[variant.name] = (run.error.strip() or f"exit status {run.status}").splitlines()[0]
                say(f"{variant.name}: {refused[variant.name]}")
            elif number >= 0:
                times[variant.name].append(value(run))
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
