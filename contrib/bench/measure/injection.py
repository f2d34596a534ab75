# SPDX-License-Identifier: BSD-3-Clause
"""What an injected step costs at launch, and how fast the injected MPI is."""

import math
import re
import shutil
import subprocess

from .cluster import REPOSITORY, Trouble
from .session import AsItIs, Session, step_on
from .statistics import Row, Variant, alternate, differences, median_interval

LAUNCH_MS = 5.0
NEAR_ONE = (0.98, 1.02)

RESULT = re.compile(r"latency (\S+) bandwidth (\S+) library (\S+) (\S+)")


def with_interval(row):
    low, high = median_interval(row.values)
    row.note = f"median's 95 % interval {low:.2f} to {high:.2f}"
    return row


def launch_variants(bench, image):
    """The loader's own --list, by its variable: the program's libraries are found, mapped and
    bound as ever, and main does not run."""
    loads = ["/usr/bin/env", "LD_TRACE_LOADED_OBJECTS=1", "LD_WARN=1", image.program]
    node = bench.nodes[:1]
    variants = []
    for how, words in (("none", ["--container-inject=none"]), ("auto", ["--container-inject=auto"])):
        options = [f"--container-image={image.reference}", *words]
        variants += [Variant(f"true {how}", "", step_on(node, "/bin/true", options=options)),
                     Variant(f"loads {how}", "", step_on(node, *loads, options=options))]
    return variants


def measure_launch(bench, images, rounds):
    rows = []
    session = Session.allocate(bench.cluster, "alice", bench.nodes[:1])
    try:
        for image in images:
            times, _ = alternate(AsItIs(), session, launch_variants(bench, image), rounds)
            more = Row(f"{image.name}, /bin/true: injected more than not",
                       differences(times, "true auto", "true none"),
                       target=f"<= {LAUNCH_MS:g}").judge(-math.inf, LAUNCH_MS)
            rows += [
                Row(f"step of {image.name}, /bin/true, --container-inject=none", times["true none"]),
                with_interval(more),
                with_interval(Row("  with the libraries of a program that uses them loaded",
                                  differences(times, "loads auto", "loads none"))),
            ]
    finally:
        session.close()
    return rows


def build_pingpong(bench):
    """In alice's home, which all nodes and every container show."""
    program = bench.cluster.state / "home/alice" / f"lading-pingpong-{bench.nodes[0]}"
    done = subprocess.run(["mpicc.mpich", "-O2", "-o", program, REPOSITORY / "contrib/bench/pingpong.c"],
                          capture_output=True, text=True)
    if done.returncode != 0:
        raise Trouble(f"pingpong.c does not compile:\n{done.stderr.strip()}")
    program.chmod(0o755)
    return program


def pingpong_value(run):
    """(microseconds, MB/s, library): the library as device:inode, whatever path shows it."""
    found = RESULT.search(run.output)
    if found is None:
        raise Trouble(f"pingpong said: {run.output}{run.error}")
    return float(found[1]), float(found[2]), found[3]


def pingpong_variants(nodes, command, images):
    steps = {"bare": []}
    for image in images:
        steps[image.name] = [f"--container-image={image.reference}"]
    return [Variant(name, "", step_on(nodes, *command, tasks=2, options=["--mpi=pmi2", *options]))
            for name, options in steps.items()]


def rows_of(where, times, images):
    """Ratios of each round, as pairs: what disturbs it disturbs both."""
    host = {library for _, _, library in times["bare"]}
    rows = []
    for place, what, unit in ((0, "latency, 8 B", "us"), (1, "bandwidth, 1 MiB", "MB/s")):
        bare = [value[place] for value in times["bare"]]
        rows.append(Row(f"MPI {where}: {what}, the host's own on bare nodes", bare, unit))
        for image in images:
            ratios = [value[place] / other for value, other in zip(times[image.name], bare)]
            row = Row(f"  injected into {image.name}, as a multiple", ratios, "x", "1.00 +- 0.02")
            rows.append(with_interval(row.judge(*NEAR_ONE)))
            if not {library for _, _, library in times[image.name]} <= host:
                raise Trouble(f"{image.name}: the program did not get the host's MPI library")
    return rows


def measure_mpi(bench, images, rounds):
    if not shutil.which("mpicc.mpich"):
        return [Row("MPI", text="not measured: mpicc.mpich is not installed (libmpich-dev)")]
    if len(bench.nodes) < 2:
        return [Row("MPI", text="not measured: this cluster has one node")]
    program = build_pingpong(bench)
    command = [f"/home/alice/{program.name}"]
    session = Session.allocate(bench.cluster, "alice", bench.nodes)
    places = {"between two nodes": bench.nodes, "within a node": bench.nodes[:1]}
    rows = []
    try:
        for where, nodes in places.items():
            times, _ = alternate(AsItIs(), session, pingpong_variants(nodes, command, images), rounds,
                                 value=pingpong_value)
            rows += rows_of(where, times, images)
    finally:
        session.close()
        program.unlink()
    return rows
