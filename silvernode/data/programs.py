"""Programs that handle an app's data as another user than root, with their streams in files."""

import os
import subprocess
from collections.abc import Mapping, Sequence
from typing import IO, Any

from silvernode.errors import NodeError

SYSTEM_PATH = "/usr/local/bin:/usr/bin:/bin"


def start(
    user: str, command: Sequence[str], *, variables: Mapping[str, str] | None = None, **streams: Any
) -> "subprocess.Popen[bytes]":
    """Start a program as a user of the node.

    Args:
        user: who it runs as, with that user's own group only.
        command: its name and arguments.
        variables: its environment, beside PATH and a locale.
        streams: further arguments of `subprocess.Popen`.
    """
    environment = {"PATH": SYSTEM_PATH, "LC_ALL": "C.UTF-8", **(variables or {})}
    return subprocess.Popen(command, cwd="/", env=environment, **identity(user), **streams)


def run_as(
    user: str,
    command: Sequence[str],
    *,
    stdin: IO[bytes] | None = None,
    stdout: IO[bytes] | None = None,
    accept: Sequence[int] = (0,),
    **options: Any,
) -> str:
    """Run a program as a user of the node, to its end.

    Args:
        user: who it runs as.
        command: its name and arguments.
        stdin: what it reads; nothing by default.
        stdout: where it writes, if the caller does not want it.
        accept: the exit statuses that are no failure.
        options: further arguments of `start`.

    Returns:
        What it printed on standard output.

    Raises:
        NodeError: it failed; the output is what it said.
    """
    process = start(
        user,
        command,
        stdin=stdin or subprocess.DEVNULL,
        stdout=stdout or subprocess.PIPE,
        stderr=subprocess.PIPE,
        **options,
    )
    with process:
        out, err = process.communicate()
    if process.returncode not in accept:
        said = err.decode(errors="replace").strip()
        raise NodeError(f"{command[0]} failed with exit status {process.returncode}", said)
    return (out or b"").decode(errors="surrogateescape")


def identity(user: str) -> dict[str, Any]:
    """Return the arguments of `subprocess.Popen` that make a program another user's."""
    if os.geteuid():
        return {}  # in unit tests
    return {"user": user, "group": user, "extra_groups": []}
