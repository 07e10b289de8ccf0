"""Playbooks as an operator runs them: typed in the root of the repository."""

import os
import re
import shlex
import subprocess
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from silverlining.playbook import ROOT, environment

LOCAL_NODES = ROOT / "inventory/local.libcloud.yml"

# Longer than any playbook of a test takes: one that hangs is to fail, not to stop the tests.
PATIENCE = 300
"""Seconds."""


@dataclass(frozen=True)
class Run:
    """How a playbook ended.

    Attributes:
        status: its exit status.
        output: all that it printed.
        seconds: how long it took.
    """

    status: int
    output: str
    seconds: float

    @property
    def changed(self) -> int:
        """The number of tasks that changed something."""
        return sum(int(count) for count in re.findall(r"\bok=\d+ +changed=(\d+)", self.output))

    @property
    def words(self) -> str:
        """The output with every run of blanks and line ends as one blank."""
        return " ".join(self.output.split())

    def __str__(self) -> str:
        """Return it for the message of a failed test."""
        return f"exit status {self.status} after {self.seconds:.1f} s\n{self.output}"


def start(
    name: str,
    extra: Mapping[str, object],
    *arguments: str,
    inventory: Path = LOCAL_NODES,
    path: Path | None = None,
) -> subprocess.Popen[str]:
    """Start a playbook, in a process group of its own.

    Args:
        name: the playbook, relative to the root of the repository.
        extra: variables for it; those that are None are left out.
        arguments: further arguments of ansible-playbook.
        inventory: where the nodes are from.
        path: a directory of programs that go before those of this machine.
    """
    command = ["ansible-playbook", str(ROOT / name), "-i", str(inventory), *arguments]
    given = {key: value for key, value in extra.items() if value is not None}
    command += [f"-e{key}={shlex.quote(str(value))}" for key, value in given.items()]
    variables = environment() | {"ANSIBLE_FORCE_COLOR": "0"}  # Molecule asks for colours
    variables["PATH"] = os.pathsep.join([*([str(path)] if path else []), variables["PATH"]])
    return subprocess.Popen(
        command,
        cwd=ROOT,
        env=variables,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )


def finish(process: subprocess.Popen[str], began: float | None = None) -> Run:
    """Wait for a playbook to end."""
    began = time.monotonic() if began is None else began
    output, _ = process.communicate(timeout=PATIENCE)
    return Run(process.returncode, output, time.monotonic() - began)


def run(
    name: str, extra: Mapping[str, object], *arguments: str, inventory: Path = LOCAL_NODES
) -> Run:
    """Run a playbook; the arguments are those of `start`."""
    began = time.monotonic()
    return finish(start(name, extra, *arguments, inventory=inventory), began)
