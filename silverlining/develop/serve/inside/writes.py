"""Tells which files of its own directory an application writes.

They must not start it again: it would never come to rest. And on a node it may not write them.
"""

import os
import sys
from collections.abc import Callable
from typing import Any

# Events of https://docs.python.org/3/library/audit_events.html, and which of their arguments is
# paths that are written.
EVENTS = {
    "os.mkdir": (0,),
    "os.remove": (0,),
    "os.rmdir": (0,),
    "os.rename": (0, 1),
    "os.link": (1,),
    "os.symlink": (1,),
    "sqlite3.connect": (0,),
}
WRITING = os.O_WRONLY | os.O_RDWR | os.O_CREAT
SQLITE_SUFFIXES = ("", "-journal", "-wal", "-shm")


def watch(app_dir: str, tell: Callable[[str], None]) -> None:
    """Have each path below a directory that this process writes told, once, before it does so.

    Args:
        app_dir: an absolute path.
        tell: is given the path.
    """
    below = os.path.join(app_dir, "")  # noqa: PTH118
    told: set[str] = set()

    def hook(event: str, arguments: tuple[Any, ...]) -> None:
        for path in _written(event, arguments):
            absolute = os.path.abspath(path)  # noqa: PTH100
            if absolute.startswith(below) and absolute not in told:
                told.add(absolute)
                tell(absolute)

    sys.addaudithook(hook)


def _written(event: str, arguments: tuple[Any, ...]) -> list[str]:
    if event == "open":
        path, _, flags = arguments
        return _texts(path) if isinstance(flags, int) and flags & WRITING else []
    paths = [text for index in EVENTS.get(event, ()) for text in _texts(arguments[index])]
    if event == "sqlite3.connect":
        return [path + suffix for path in paths for suffix in SQLITE_SUFFIXES]
    return paths


def _texts(path: object) -> list[str]:
    """Return a path as text; a file descriptor is none."""
    return [os.fsdecode(path)] if isinstance(path, str | bytes | os.PathLike) else []
