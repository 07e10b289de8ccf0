"""Room on the node's disk: what takes it, and what a removal gives back.

What is the same in two instances of an app is one file with two names (hard links), so that the
sizes of their files say little.
"""

import os
import stat
from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path

BLOCK_BYTES = 512
"""Of `st_blocks`, whatever the file system has: https://docs.python.org/3/library/os.html"""

Names = Counter[tuple[int, int]]
"""For each file, by device and inode, how many of its names were met."""


def used(paths: Iterable[Path], met: Names) -> int:
    """Return the bytes that files and directories take.

    Args:
        paths: what is looked at, with all that is below it.
        met: the names that were met before, whose files do not count again; these are added.
    """
    return sum(status.st_blocks * BLOCK_BYTES for status, names in _met(paths, met) if names == 1)


def freed(paths: Iterable[Path], met: Names) -> int:
    """Return the bytes that it gives back to remove files and directories.

    Args:
        paths: what is removed, with all that is below it.
        met: the names that are removed before these; these are added.
    """
    return sum(
        status.st_blocks * BLOCK_BYTES
        for status, names in _met(paths, met)
        if names == status.st_nlink or stat.S_ISDIR(status.st_mode)
    )


def text(count: int) -> str:
    """Return a number of bytes as a person reads it."""
    for unit, size in (("GB", 1e9), ("MB", 1e6)):
        if count >= size:
            return f"{count / size:.1f} {unit}"
    return f"{count / 1e3:.1f} kB"


def _met(paths: Iterable[Path], met: Names) -> Iterator[tuple[os.stat_result, int]]:
    """Yield everything with how many of its names were met by now."""
    for path in paths:
        for status in _statuses(str(path)):
            inode = (status.st_dev, status.st_ino)
            met[inode] += 1
            yield status, met[inode]


def _statuses(top: str) -> Iterator[os.stat_result]:
    """Yield the status of a file, or of a directory and all below it, but for what vanishes."""
    pending = [top]
    while pending:
        path = pending.pop()
        try:
            status = os.lstat(path)
            yield status
            if stat.S_ISDIR(status.st_mode):
                with os.scandir(path) as entries:
                    pending += [entry.path for entry in entries]
        except FileNotFoundError:
            continue
