# SPDX-License-Identifier: BSD-3-Clause
"""The cluster that is measured: what runs on it, and which plugin its Slurm loads."""

import json
import os
import re
import shlex
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[3]
TOOL = REPOSITORY / "contrib/cluster/cluster"

# Times commands on the login node, inside one allocation: no connection and no shell of the
# benchmark's own is in the numbers.
RUNNER = """
import json, subprocess, sys, time
for line in sys.stdin:
    argv = json.loads(line)
    clock, start = time.time(), time.monotonic()
    done = subprocess.run(argv, stdin=subprocess.DEVNULL, capture_output=True, text=True)
    took = (time.monotonic() - start) * 1e3
    print(json.dumps([took, clock, done.returncode, done.stdout, done.stderr[-2000:]]), flush=True)
"""


class Trouble(Exception):
    """What went wrong, in words for the user."""


def say(text):
    print(f"launch: {text}", file=sys.stderr, flush=True)


class Cluster:
    def __init__(self, state):
        self.state = Path(os.path.abspath(state))
        self.environment = dict(os.environ, LADING_CLUSTER_DIR=str(self.state))

    def tool(self, *arguments):
        return subprocess.run([TOOL, *arguments], env=self.environment, capture_output=True, text=True)

    def is_up(self):
        return self.tool("status").returncode == 0

    def up(self, install):
        say(f"bringing a cluster up in {self.state}")
        result = self.tool("up", "--nodes", "1", "--install", str(install))
        if result.returncode != 0:
            raise Trouble(f"the cluster did not come up:\n{result.stderr}")

    def down(self):
        self.tool("down")

    def settings(self):
        found = {}
        for line in (self.state / "run/settings").read_text().splitlines():
            name, _, value = line.partition("=")
            found[name] = "".join(shlex.split(value))
        return found

    def argv(self, *command, user="root", node=None):
        place = ["--node", node] if node else []
        return [str(TOOL), "exec", "--as", user, *place, "--chdir", "/", "--", *map(str, command)]

    def run(self, *command, user="root", node=None, wrong=True):
        result = subprocess.run(self.argv(*command, user=user, node=node), env=self.environment,
                                capture_output=True, text=True)
        if wrong and result.returncode != 0:
            raise Trouble(f"{command[0]} failed:\n{result.stderr.strip()}")
        return result

    def start(self, *command, user="root", node=None, **streams):
        return subprocess.Popen(self.argv(*command, user=user, node=node), env=self.environment,
                                text=True, **streams)

    def image_blob(self, store):
        return max((store / "blobs/sha256").iterdir(), key=lambda path: path.stat().st_mtime)


class Plugins:
    """plugstack.conf is read anew by each srun and slurmstepd, so that the variants alternate on
    one cluster.  What was there comes back at the end."""

    def __init__(self, cluster):
        self.file = cluster.state / "etc/plugstack.conf"
        self.before = self.file.read_text() if self.file.exists() else ""
        line = re.search(r"^\s*\w+\s+(\S*spank_lading\.so)(.*)$", self.before, re.MULTILINE)
        if line is None:
            raise Trouble(f"{self.file} does not load lading: bring the cluster up with --install")
        self.library = line[1]
        self.arguments = [word for word in line[2].split() if not word.startswith("config=")]
        self.now = None

    def variant(self, config):
        return " ".join(["required", self.library, f"config={config}", *self.arguments]) + "\n"

    def use(self, text):
        if text == self.now:
            return
        new = self.file.with_suffix(".bench")
        new.write_text(text)
        new.replace(self.file)
        self.now = text

    def restore(self):
        self.use(self.before)


@dataclass
class Run:
    """How one command went."""

    took: float  # milliseconds
    started: float  # seconds, CLOCK_REALTIME
    status: int
    output: str
    error: str


class Allocation:
    """One allocation of node n1 in which steps are started one after another."""

    def __init__(self, cluster, user):
        start = "export USER=$0; cd; exec salloc -Q -w n1 -n16 --overcommit python3 -c \"$1\""
        self.process = cluster.start("bash", "-c", start, user, RUNNER, user=user,
                                     stdin=subprocess.PIPE, stdout=subprocess.PIPE)

    def run(self, argv):
        self.process.stdin.write(json.dumps([str(word) for word in argv]) + "\n")
        self.process.stdin.flush()
        answer = self.process.stdout.readline()
        if not answer:
            raise Trouble("the allocation ended: see `cluster logs`")
        return Run(*json.loads(answer))

    def close(self):
        self.process.stdin.close()
        self.process.wait()


def step(*command, tasks=1, options=()):
    """An srun of the allocation.  --overlap: the step before may still be giving its CPU back."""
    return ["srun", "--overlap", "--overcommit", "-w", "n1", "-n", str(tasks), *options, *command]
