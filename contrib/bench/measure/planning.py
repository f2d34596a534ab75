# SPDX-License-Identifier: BSD-3-Clause
"""What it costs to decide what an image gets: in a process, and by `lading check`."""

import json
import math
import subprocess

from .cluster import Trouble
from .session import AsItIs, Session
from .statistics import Row, Variant, alternate

INDEX_MS = 100.0
CHECK_MS = 100.0
# `lading check` ends with these as well: the image falls back to its own, or would not start.
CHECK_STATUS = (0, 9)


def read_values(text):
    """`name value` lines: name -> values."""
    values = {}
    for line in text.splitlines():
        name, value = line.split()
        values.setdefault(name, []).append(float(value))
    return values


def judged(what, values, limit, note=""):
    row = Row(what, values, target=f"<= {limit:g}").judge(-math.inf, limit)
    row.note = note
    return row


def measure_planning(bench, images, rounds):
    """On a compute node as root, where steps decide and keep what they know of the host."""
    rows = []
    probes = []
    for image in images:
        found = bench.cluster.run(
            bench.plan_time, "plan", bench.index_of(image), "--config", bench.config, "--program",
            image.program, "--rounds", rounds, node=bench.nodes[0])
        values = read_values(found.stdout)
        probes += values["probe"]
        what = f"planning for {image.stack}, {image.name}"
        rows += [
            judged(f"{what}: a process's first", values["cold"], image.planning_ms,
                   f"{values['files'][0]:.0f} files injected"),
            Row("  of it the host's stacks, as the node keeps them", values["cold_stacks"]),
            Row("  of it the image's index and the judgement", values["cold_judge"]),
            judged("  all of it again in the same process", values["warm"], image.planning_ms),
        ]
    rows.append(Row("the host's stacks from its libraries: a node's first step", probes))
    return rows


def measure_index(bench, image, rounds):
    done = subprocess.run([bench.plan_time, "index", image.root, "--rounds", str(rounds)],
                          capture_output=True, text=True)
    if done.returncode != 0:
        raise Trouble(done.stderr.strip())
    values = read_values(done.stdout)
    files = values["files"][0]
    return [
        Row(f"indexing the root of {image.name}, {files:.0f} ELF files", values["index"]),
        judged("  for 1,000 ELF files", [took / files * 1e3 for took in values["index"]], INDEX_MS),
    ]


def command_of(bench, image):
    """check exits with 9 where an image falls back: no failure here."""
    return [bench.lading, "--config", bench.config, "check", image.reference, image.program]


def check_places(bench):
    """Where `lading check` is asked: name -> how to get there."""
    places = {
        "alice on the login node": lambda: Session.on(bench.cluster, "alice"),
        "alice on a compute node": lambda: Session.on(bench.cluster, "alice", bench.nodes[0]),
    }
    if bench.same_release:
        places["root outside of the cluster"] = Session.outside
    return places


def measure_check(bench, images, rounds):
    rows = []
    for place, enter in check_places(bench).items():
        session = enter()
        try:
            variants = [Variant(image.name, "", command_of(bench, image)) for image in images]
            times, _ = alternate(AsItIs(), session, variants, rounds)
        finally:
            session.close()
        rows += [judged(f"lading check {image.name}, {place}", times[image.name], CHECK_MS)
                 for image in images]
    return rows


def check(bench, image):
    """The plan of `lading check --json`, as alice gets it on a compute node."""
    done = bench.cluster.run(*command_of(bench, image), "--json", user="alice", node=bench.nodes[0],
                             wrong=False)
    if done.returncode not in CHECK_STATUS:
        raise Trouble(f"lading check {image.reference}:\n{(done.stderr or done.stdout).strip()}")
    return json.loads(done.stdout)
