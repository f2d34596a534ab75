# SPDX-License-Identifier: BSD-3-Clause
"""What lading adds to slurmstepd's memory, and which files are opened because of it."""

import os
import re
import shutil
import subprocess

from .cluster import step
from .statistics import Row

GROWTH_MB = 3.0

# A task that no other program is called like; its parent is the step's slurmstepd.
SLEEP = "86399"

# On the node: waits for the task, prints its parent's memory in kB, and ends the task.
READ_MEMORY = r"""
import os, re, sys, time
deadline = time.monotonic() + 20
while time.monotonic() < deadline:
    for pid in filter(str.isdigit, os.listdir('/proc')):
        try:
            if not open(f'/proc/{pid}/cmdline').read().endswith('sleep\0' + sys.argv[1] + '\0'):
                continue
            parent = re.search(r'^PPid:\s*(\d+)', open(f'/proc/{pid}/status').read(), re.M)[1]
            if not open(f'/proc/{parent}/comm').read().startswith('slurmstepd'):
                continue
            rollup = open(f'/proc/{parent}/smaps_rollup').read()
        except OSError:
            continue
        print(*(re.search(rf'^{name}:\s*(\d+)', rollup, re.M)[1] for name in ('Rss', 'Pss')))
        os.kill(int(pid), 9)
        sys.exit(0)
    time.sleep(0.02)
sys.exit('no task was seen')
"""

# Attaches to slurmd, says so, and goes on until its standard input ends and the step is gone.
TRACE = r"""
steps=$(pgrep -c -x slurmstepd)
strace -ff -y -s 4096 -e trace=open,openat,openat2 -o "$1" -p "$2" 2>"$1.log" &
until grep -qs attached "$1.log"; do kill -0 $! || exit 1; sleep 0.05; done
echo attached
read -r _
for _ in $(seq 100); do [ "$(pgrep -c -x slurmstepd)" -gt "$steps" ] || break; sleep 0.05; done
kill -INT $!
wait
"""


def step_memory(bench, plugins, options):
    """Rss and Pss of the slurmstepd of a sleeping step, in MB."""
    bench.plugins.use(plugins)
    srun = bench.cluster.start("srun", "-Q", "-w", "n1", "-n1", *options, "sleep", SLEEP, user="alice",
                               stdin=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        read = bench.cluster.run("python3", "-c", READ_MEMORY, SLEEP, node="n1").stdout
    finally:
        srun.terminate()
        srun.wait()
    return [int(number) / 1024 for number in read.split()]


def measure_memory(bench, rounds):
    container = [f"--container={bench.image}"]
    seen = {"container": [], "bare": [], "none": []}
    for _ in range(rounds):
        seen["container"].append(step_memory(bench, bench.with_lading, container))
        seen["bare"].append(step_memory(bench, bench.with_lading, []))
        seen["none"].append(step_memory(bench, bench.without_lading, []))
    rows = []
    for index, kind in enumerate(("resident", "proportional")):
        for base, words in (("bare", "a bare step's"), ("none", "without the plugin")):
            growth = [one[index] - other[index] for one, other in zip(seen["container"], seen[base])]
            row = Row(f"slurmstepd of a container, {kind}: over {words}", growth, "MB", f"< {GROWTH_MB:g}")
            row.met = row.median() < GROWTH_MB
            rows.append(row)
    return rows


def trace_step(bench, allocation, plugins, argv):
    """The opens of slurmd and all below it while one step runs, a list of strace's lines."""
    for old in bench.directory.glob("opens*"):
        old.unlink()
    file = bench.directory / "opens"
    pid = (bench.cluster.state / "run/slurmd-n1.pid").read_text().strip()
    bench.plugins.use(plugins)
    tracer = bench.cluster.start("bash", "-c", TRACE, "trace", file, pid, node="n1",
                                 stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    try:
        if "attached" not in tracer.stdout.readline():
            return None
        allocation.run(argv)
    finally:
        tracer.stdin.close()
        tracer.wait()
    return [line for one in bench.directory.glob("opens.*[0-9]") for line in one.read_text().splitlines()]


def paths(lines):
    """The opened paths; the numbers of processes, jobs and steps in them do not count."""
    found = set()
    for line in lines:
        opened = re.match(r'open\w*\((?:\w+(?:<([^>]*)>)?, )?"([^"]*)"', line)
        if opened:
            # A relative path is below the directory that strace -y names.
            path = os.path.join(opened[1] or "", opened[2])
            volatile = path.startswith(("/proc", "/sys", "/tmp")) or "slurmd" in path
            found.add(re.sub(r"\d+", "N", path) if volatile else path)
    return found


def bare_files(bench, allocation):
    """Files that jobs without --container open because of lading: on the node, and in srun."""
    argv = step("/bin/true")
    with_lading, without = [], []
    for _ in range(2):
        for plugins, kept in ((bench.with_lading, with_lading), (bench.without_lading, without)):
            lines = trace_step(bench, allocation, plugins, argv)
            if lines is None:
                return None
            file = bench.directory / "srun-opens"
            file.unlink(missing_ok=True)
            file.touch()
            file.chmod(0o666)
            allocation.run(["strace", "-f", "-y", "-e", "trace=open,openat,openat2", "-o", file, *argv])
            lines += [line.split(maxsplit=1)[1] for line in file.read_text().splitlines()]
            kept.append(paths(lines))
    return set.intersection(*with_lading) - set.union(*without)


def opens_of_image(bench, allocation, tasks):
    argv = step("/bin/true", tasks=tasks, options=[f"--container={bench.image}"])
    lines = trace_step(bench, allocation, bench.with_lading, argv)
    return None if lines is None else [line for line in lines if str(bench.store) in line]


def measure_opens(bench, allocation):
    what_bare = "job without --container: files opened for lading"
    what_image = "opens on the image's file system, node and step"
    if not shutil.which("strace"):
        return [Row(what, text="not measured: strace is not installed") for what in (what_bare, what_image)]
    files = bare_files(bench, allocation)
    if files is None:
        log = (bench.directory / "opens.log").read_text().strip()
        return [Row(what_bare, text=f"not measured: {log}"), Row(what_image, text=f"not measured: {log}")]
    names = sorted(file.rsplit("/", 1)[-1] for file in files)
    bare = Row(what_bare, text=", ".join(names) or "none", target="the plugin alone",
               met=files == {bench.plugins.library})
    counts = {tasks: len(opens_of_image(bench, allocation, tasks)) for tasks in (1, 16)}
    image = Row(what_image, text=", ".join(f"{count} for {tasks} task{'s' * (tasks > 1)}"
                                           for tasks, count in counts.items()),
                target="the same", met=counts[1] == counts[16] and counts[1] > 0)
    return [bare, image]
