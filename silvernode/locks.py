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
    holder = {"owner": owner, "command": command}
    with _held(_open(layout, f"app-{app}"), f"{app} is being changed", holder, wait=wait):
        yield


def is_changed(layout: Layout, app: str) -> bool:
    """Tell whether a command changes an app now."""
    try:
        with (layout.locks / f"app-{app}").open(encoding="utf-8") as file:
            fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except FileNotFoundError:
        return False
    except BlockingIOError:
        return True
    return False


@contextmanager
def of_data(
    layout: Layout, app: str, owner: str, command: str, *, wait: bool = False
) -> Iterator[None]:
    """Keep every other command that copies or replaces an app's data out, but no deploy.

    Whoever replaces data takes the app's lock first, then this one.

    Args:
        layout: the node's paths.
        app: the app's name.
        owner: who asks, as `user@machine`.
        command: what for, as a person would say it.
        wait: wait for one's turn, for commands that nobody waits for.

    Raises:
        NodeError: the lock is taken; says by whom, for what and since when.
    """
    holder = {"owner": owner, "command": command}
    with _held(_open(layout, f"data-{app}"), f"the data of {app} is in use", holder, wait=wait):
        yield


@contextmanager
def of_routes(layout: Layout) -> Iterator[None]:
    """Keep the registry, the routes and the list of addresses to oneself for a moment.

    Waits for its turn: whoever holds it does so for one load of VCL at most, which is bounded.
    """
    with _open(layout, "routes") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


@contextmanager
def of_status(layout: Layout) -> Iterator[None]:
    """Keep the results of backups and drills to oneself while one is noted; waits for its turn."""
    with _open(layout, "status") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


@contextmanager
def of_round(layout: Layout, kind: str) -> Iterator[None]:
    """Keep a second round of backups, or of drills, from going on beside the first.

    Raises:
        NodeError: one goes on; says since when.
    """
    holder = {"owner": "silver-node", "command": f"{kind}-all"}
    file, taken = _open(layout, f"round-{kind}"), f"a round of {kind}s is made"
    with _held(file, taken, holder, wait=False):
        yield


def directory(layout: Layout) -> Path:
    """Return the directory of the locks, which is gone after a boot and then made anew."""
    layout.locks.mkdir(parents=True, exist_ok=True, mode=0o700)
    return layout.locks


@contextmanager
def _held(file: TextIO, taken: str, holder: dict[str, str], *, wait: bool) -> Iterator[None]:
    with file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))
        except BlockingIOError as error:
            other = _holder(Path(file.name))
            raise NodeError(
                f"{taken} on this node by {other}; wait for it and try again"
            ) from error
        file.truncate(0)
        since = datetime.now().astimezone().isoformat(" ", timespec="seconds")
        json.dump({**holder, "since": since}, file)
        file.flush()
        yield


def _open(layout: Layout, name: str) -> TextIO:
    return (directory(layout) / name).open("a+", encoding="utf-8")


def _holder(path: Path) -> str:
    try:
        holder = json.loads(path.read_bytes())
        return f"{holder['owner']} ({holder['command']}, since {holder['since']})"
    except (ValueError, KeyError):
        # The holder has the lock, and is about to write who it is.
        return "another command"
