"""How many requests a process of an application was handed and has answered.

A deploy reads it to tell whether the application can have written anything since a certain moment
(`silvernode/data/evidence.py`). Noting one costs less than a microsecond.
"""

from __future__ import annotations

import mmap
import os
from struct import Struct
from threading import Lock
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

DIRECTORY = "requests"
"""In the instance's run directory: a file for each process, named after its id."""

COUNTS = Struct("<QQ")
"""Begun and ended requests."""


class Traffic:
    """The two counts of this process, in a file that is always up to date.

    Args:
        path: the file; None keeps them to oneself.
    """

    __slots__ = ("_begun", "_ended", "_lock", "_memory")

    def __init__(self, path: Path | None = None) -> None:
        self._memory = _mapped(path) if path else bytearray(COUNTS.size)
        self._begun = self._ended = 0
        self._lock = Lock()

    def begin(self) -> None:
        """Note that the application is about to be handed a request."""
        with self._lock:
            self._begun += 1
            COUNTS.pack_into(self._memory, 0, self._begun, self._ended)

    def end(self) -> None:
        """Note that a request is over, for the application too."""
        with self._lock:
            self._ended += 1
            COUNTS.pack_into(self._memory, 0, self._begun, self._ended)


def of_process(run_directory: Path) -> Traffic:
    """Return the counts of this process of an instance."""
    directory = run_directory / DIRECTORY
    directory.mkdir(exist_ok=True)
    return Traffic(directory / str(os.getpid()))


def _mapped(path: Path) -> mmap.mmap:
    with path.open("w+b") as file:
        file.truncate(COUNTS.size)
        return mmap.mmap(file.fileno(), COUNTS.size)
