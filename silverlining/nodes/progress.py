"""Lines of a module that works, shown while it does: Ansible keeps what a module prints."""

import tempfile
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TextIO

MARK = "  … "
"""Stands before each line."""

_PAUSE_SECONDS = 0.2


@contextmanager
def shown(show: Callable[[str], object]) -> Iterator[Path]:
    """Show each line of a file as soon as it is there, for the length of a ``with`` block.

    Args:
        show: is given each line.

    Yields:
        The file, empty.
    """
    ended = threading.Event()
    with tempfile.NamedTemporaryFile("r", prefix="silver-progress-") as file:
        reader = threading.Thread(target=_follow, args=(file, show, ended), daemon=True)
        reader.start()
        try:
            yield Path(file.name)
        finally:
            ended.set()
            reader.join()


def _follow(file: TextIO, show: Callable[[str], object], ended: threading.Event) -> None:
    while True:
        is_last = ended.wait(_PAUSE_SECONDS)
        for line in file.read().splitlines():
            show(f"{MARK}{line}")
        if is_last:
            return
