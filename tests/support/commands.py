"""Commands of `./silver` as its user types them."""

import os
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path

from silverlining.playbook import ROOT

_PROCESS = os.environ.get("PYTEST_XDIST_WORKER", "0")

NODE = os.environ.get("SILVER_TEST_NODE", f"commands-{_PROCESS}")
"""The node that the tests of this process use."""

POSTGIS = f"{NODE}-postgis"
"""The local node with databases that these tests use in development."""

PATIENCE = 300
"""Seconds after which a command that hangs is a failure."""


@dataclass(frozen=True)
class Done:
    """How a command ended.

    Attributes:
        status: its exit status.
        out: its standard output.
        err: its standard error.
        seconds: how long it took.
    """

    status: int
    out: str
    err: str
    seconds: float

    def __str__(self) -> str:
        """Return it for the message of a failed test."""
        return (
            f"exit status {self.status} after {self.seconds:.1f} s\n{self.out}\n--- stderr:"
            f"\n{self.err}"
        )


def silver(*arguments: object, cwd: Path = ROOT, stdin: str = "", **variables: str) -> Done:
    """Run a command of `./silver` to its end.

    Args:
        arguments: what is typed after its name.
        cwd: where it is typed.
        stdin: what it is given on standard input.
        variables: further environment variables.
    """
    began = time.monotonic()
    done = subprocess.run(
        [str(ROOT / "silver"), *map(str, arguments)],
        cwd=cwd,
        input=stdin,
        env=os.environ | {"TERM": "dumb", **variables},
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=False,
    )
    return Done(done.returncode, done.stdout, done.stderr, time.monotonic() - began)


def must(*arguments: object, cwd: Path = ROOT, stdin: str = "", **variables: str) -> Done:
    """Run a command of `./silver` that is to succeed."""
    done = silver(*arguments, cwd=cwd, stdin=stdin, **variables)
    if done.status:
        raise AssertionError(str(done))
    return done
