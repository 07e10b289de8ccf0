"""Which apps a deploy keeps visitors out of, for as long as it works on their data.

Each of them has a file beside the locks, which the deploy has locked. So whatever ends the deploy
ends the closing too, and no other command that applies the routes opens the app before.
"""

import fcntl
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from silvernode import locks
from silvernode.layout import Layout

MAINTENANCE, READ_ONLY = "maintenance", "read-only"
PREFIX = "closed-"


@contextmanager
def held(layout: Layout, app: str, mode: str) -> Iterator[None]:
    """Have an app count as closed; Varnish does not know of it before its routes are applied.

    To be called under the app's lock.

    Args:
        layout: the node's paths.
        app: the app's name.
        mode: `MAINTENANCE`, or `READ_ONLY`, which lets visitors look.
    """
    path = locks.directory(layout) / f"{PREFIX}{app}"
    with path.open("w", encoding="utf-8") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        file.write(mode)
        file.flush()
        try:
            yield
        finally:
            path.unlink()


def change(layout: Layout, app: str, mode: str) -> None:
    """Close an app in another way, within `held`; to be called under the lock of the routes."""
    (layout.locks / f"{PREFIX}{app}").write_text(mode, encoding="utf-8")


def current(layout: Layout) -> dict[str, str]:
    """Return the mode of each app that is closed."""
    paths = layout.locks.glob(f"{PREFIX}*")
    closed = {path.name.removeprefix(PREFIX): _mode(path) for path in paths}
    return {app: mode for app, mode in closed.items() if mode}


def _mode(path: Path) -> str:
    """Return what the file of an app says; nothing if the deploy that wrote it is over."""
    try:
        with path.open(encoding="utf-8") as file:
            try:
                fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
            except BlockingIOError:
                return file.read()
    except FileNotFoundError:
        pass  # It has ended at this moment.
    return ""
