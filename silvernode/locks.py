"""Locks that live exactly as long as the process that works under them."""

import fcntl
import json
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import TextIO

from silvernode.errors import NodeError
from silvernode.layout import Layout


@contextmanager
def of_app(
    layout: Layout, app: str, owner: str, command: str, *, wait: bool = False
) -> Iterator[None]:
    """Keep every other command that changes an app out.

    Args:
        layout: the node's paths.
        app: the app's name.
        owner: who asks, as `user@machine`.
        command: what for, as a person would say it.
        wait: wait for one's turn, for commands that nobody waits for.

    Raises:
        NodeError: the lock is taken; says by whom, for what and since when.
    """
    with _open(layout, f"app-{app}") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))
        except BlockingIOError as error:
            holder = _holder(Path(file.name))
            raise NodeError(
                f"{app} is being changed on this node by {holder}; wait for it and try again"
            ) from error
        file.truncate(0)
        since = datetime.now().astimezone().isoformat(" ", timespec="seconds")
        json.dump({"owner": owner, "command": command, "since": since}, file)
        file.flush()
        yield


@contextmanager
def of_routes(layout: Layout) -> Iterator[None]:
    """Keep the registry, the routes and the list of addresses to oneself for a moment.

    Waits for its turn: whoever holds it does so for one load of VCL at most, which is bounded.
    """
    with _open(layout, "routes") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def directory(layout: Layout) -> Path:
    """Return the directory of the locks, which is gone after a boot and then made anew."""
    layout.locks.mkdir(parents=True, exist_ok=True, mode=0o700)
    return layout.locks


def _open(layout: Layout, name: str) -> TextIO:
    return (directory(layout) / name).open("a+", encoding="utf-8")


def _holder(path: Path) -> str:
    try:
        holder = json.loads(path.read_bytes())
        return f"{holder['owner']} ({holder['command']}, since {holder['since']})"
    except (ValueError, KeyError):
        # The holder has the lock, and is about to write who it is.
        return "another command"
