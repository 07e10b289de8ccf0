"""Files that several processes read and write at once."""

import fcntl
import os
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def locked(path: Path, waiting: Callable[[], object] = lambda: None) -> Iterator[None]:
    """Hold an exclusive lock for the length of a ``with`` block.

    Args:
        path: The lock's own file. It is made if missing and never removed, since a removed
            lock file can be held by two processes at once.
        waiting: Called when another process holds the lock, before waiting for it.
    """
    with path.open("a") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            waiting()
            fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def replace(path: Path, text: str, mode: int = 0o600) -> None:
    """Write a file so that a reader sees the old text or the new one, never a part.

    Args:
        path: The file; its directory must exist.
        text: The whole new content.
        mode: The file's permission bits.
    """
    with tempfile.NamedTemporaryFile("w", dir=path.parent, delete=False) as new:
        try:
            new.write(text)
            new.flush()
            os.fchmod(new.fileno(), mode)
            Path(new.name).replace(path)
        except BaseException:
            Path(new.name).unlink()
            raise
