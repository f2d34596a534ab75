# SPDX-License-Identifier: BSD-3-Clause
"""Places where commands are timed, as Allocation does it, and steps that name their nodes."""

import subprocess
import sys

from .cluster import RUNNER, Allocation

PIPES = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}


class AsItIs:
    """In the place of Plugins: plugstack.conf stays as it is."""

    def use(self, _text):
        pass


class Session(Allocation):
    """Times the commands that it is given, in the place where its process runs."""

    def __init__(self, process):
        self.process = process

    @classmethod
    def on(cls, cluster, user, node=None):
        """On the login node, or on a compute node."""
        return cls(cluster.start("python3", "-c", RUNNER, user=user, node=node, **PIPES))

    @classmethod
    def outside(cls):
        """On this machine, outside of the cluster."""
        return cls(subprocess.Popen([sys.executable, "-c", RUNNER], text=True, **PIPES))

    @classmethod
    def allocate(cls, cluster, user, nodes):
        """In an allocation of these nodes."""
        start = 'export USER=$0; cd; exec salloc -Q -w "$2" -N "$3" -n "$4" --overcommit python3 -c "$1"'
        return cls(cluster.start("bash", "-c", start, user, RUNNER, ",".join(nodes), len(nodes),
                                 2 * len(nodes), user=user, **PIPES))


def step_on(nodes, *command, tasks=1, options=()):
    """An srun of the allocation.  --overlap: the step before may still be giving its CPU back."""
    return ["srun", "--overlap", "--overcommit", "-w", ",".join(nodes), "-N", str(len(nodes)),
            "-n", str(tasks), *options, *command]
