# SPDX-License-Identifier: BSD-3-Clause
"""How much longer a step takes in a container, and in those of others."""

import math
import shutil
import subprocess

from .cluster import REPOSITORY, Allocation, Trouble, step
from .statistics import Row, Variant, alternate, differences, median_interval, slope, until_last_task

START_MS = 8.0
FURTHER_TASK_MS = 0.2
NOISE_MS = 2.0
TASKS = (1, 2, 4, 8, 16)


class Floor:
    """contrib/bench/floor*.cpp, run on the node in between the steps."""

    def __init__(self, bench):
        self.bench = bench
        self.program = bench.directory / "floor"
        self.values = {"whole": [], "build": [], "first_task": [], "further_task": []}
        sources = sorted((REPOSITORY / "contrib/bench").glob("floor*.cpp"))
        subprocess.run(["g++", "-std=c++20", "-O2", "-o", self.program, *sources], check=True)
        self.owner = bench.cluster.run("sh", "-c", "id -u alice; id -g alice; echo ~alice").stdout.split()

    def run(self, rounds=1):
        uid, gid, home = self.owner
        output = self.bench.cluster.run(
            self.program, self.bench.blob, "--rounds", rounds, "--uid", uid, "--gid", gid,
            "--home", home, "--each", node="n1").stdout
        for line in output.splitlines():
            name, value = line.split()
            self.values[name].append(float(value))


def one_task_variants(bench):
    """What alternates: the bare step, lading's, and charliecloud's of the same image."""
    lading, none = bench.with_lading, bench.without_lading
    variants = [
        Variant("bare", lading, step("/bin/true")),
        Variant("container", lading, step("/bin/true", options=[f"--container={bench.image}"])),
        Variant("no record", bench.without_record,
                step("/bin/true", options=[f"--container={bench.image}"])),
        Variant("no plugin", none, step("/bin/true")),
    ]
    if shutil.which("ch-run"):
        variants += [
            Variant("ch-run squashfs", lading, step("ch-run", bench.blob, "--", "/bin/true"), True),
            Variant("ch-run directory", lading, step("ch-run", bench.root, "--", "/bin/true"), True),
        ]
    return variants


def peer_row(what, name, times, refused):
    if name in refused:
        return Row(what, text=f"does not run here: {refused[name]}")
    if name not in times:
        return Row(what, text="not installed (contrib/packages-install bench)")
    return Row(what, differences(times, name, "bare"))


def measure_one_task(bench, allocation, rounds):
    floor = Floor(bench)
    floor.run()  # cold caches
    floor.values = {name: [] for name in floor.values}
    times, refused = alternate(bench.plugins, allocation, one_task_variants(bench), rounds,
                               between=floor.run)
    start = Row("in a container, 1 task: more than bare srun", differences(times, "container", "bare"),
                target=f"<= {START_MS:g}").judge(-math.inf, START_MS)
    start.note = f"{min(times['container']) - min(times['bare']):.1f} between the fastest of each"
    whole = Row("the floor: system calls alone, build + first task", floor.values["whole"])
    peer = peer_row("charliecloud, ch-run IMAGE.squashfs (its squashfuse)", "ch-run squashfs", times, refused)
    ratio = start.median() / whole.median()
    rows = [
        Row("bare srun /bin/true, a step of an allocation", times["bare"]),
        start,
        Row("  the same with \"record\": false", differences(times, "no record", "bare")),
        Row("  as a multiple of the floor", [ratio], "x", "<= 2", ratio <= 2),
        whole,
        Row("  of it the building, once per node and step", floor.values["build"]),
        Row("  of it the first task (page cache still cold)", floor.values["first_task"]),
        Row("  a further task", floor.values["further_task"]),
        peer,
        peer_row("charliecloud, ch-run DIRECTORY (unpacked)", "ch-run directory", times, refused),
    ]
    if peer.values:
        # Of each round, as pairs: what disturbs it disturbs both.
        rows.insert(4, Row("  more than ch-run with the same squashfs",
                           differences(times, "container", "ch-run squashfs"),
                           target="< 0").judge(-math.inf, 0))
    return rows, plugin_row(times)


def plugin_row(times):
    row = Row("job without --container: plugin loaded or not", differences(times, "bare", "no plugin"),
              target="0 (noise)")
    low, high = median_interval(row.values)
    row.met = low <= 0 <= high
    # An interval this wide would hide a cost.
    row.sure = high - low <= NOISE_MS
    row.note = f"median's 95 % interval {low:.1f} to {high:.1f}"
    return row


def measure_tasks(bench, allocation, rounds):
    """Not to srun's end: slurmstepd sleeps 100 ms between the ends of tasks that do not end at once
    (Slurm's _wait_for_all_tasks), in a container or not, which hides what is looked for."""
    clock = ["/bin/date", "+%s.%N"]
    container = [f"--container={bench.image}"]
    variants = []
    for tasks in TASKS:
        variants.append(Variant(f"bare {tasks}", bench.with_lading, step(*clock, tasks=tasks)))
        variants.append(Variant(f"container {tasks}", bench.with_lading,
                                step(*clock, tasks=tasks, options=container)))
    times, _ = alternate(bench.plugins, allocation, variants, rounds, value=until_last_task)
    more = {tasks: differences(times, f"container {tasks}", f"bare {tasks}") for tasks in TASKS}
    slopes = [slope([(tasks, more[tasks][i]) for tasks in TASKS]) for i in range(rounds)]
    further = Row("each further task on the node, 1 to 16", slopes,
                  target=f"<= {FURTHER_TASK_MS:g}").judge(-math.inf, FURTHER_TASK_MS)
    low, high = median_interval(slopes)
    further.note = f"median's 95 % interval {low:.2f} to {high:.2f}"
    words = "until the last of {} runs: more than bare"
    return [further] + [Row("  " + words.format(tasks), more[tasks]) for tasks in TASKS]


def measure_podman(bench, rounds):
    """As root: rootless podman wants a user manager and sub-ids of each user on each node."""
    what = "podman run --rootfs, as root, runc, no network"
    if not shutil.which("podman"):
        return Row(what, text="not installed (contrib/packages-install bench)")
    scratch = bench.directory / "podman"
    podman = ["podman", "--root", scratch, "--runroot", f"{scratch}-run", "--runtime", "runc",
              "run", "--rm", "--network=none", "--rootfs", f"{bench.root}:O", "/bin/true"]
    allocation = Allocation(bench.cluster, "root")
    try:
        variants = [Variant("bare", bench.with_lading, step("/bin/true")),
                    Variant("podman", bench.with_lading, step(*podman), True)]
        times, refused = alternate(bench.plugins, allocation, variants, rounds)
    except Trouble as trouble:
        return Row(what, text=f"does not run here: {trouble}".splitlines()[0])
    finally:
        allocation.close()
    return peer_row(what, "podman", times, refused)
