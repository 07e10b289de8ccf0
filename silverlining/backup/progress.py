"""Bytes as they pass: counted, summed up, and shown while one waits."""

import hashlib
import os
import time
from collections.abc import Callable

from rich.filesize import decimal

from silverbackup.destinations import Readable

VARIABLE = "SILVER_PROGRESS"
"""Set in the environment where somebody watches at a terminal: an action of Ansible has none."""

INTERVAL_SECONDS = 0.2

Show = Callable[[str], object]


class Watched:
    """A stream that is read through this.

    Attributes:
        bytes: how many were read.
    """

    def __init__(self, stream: Readable, what: str, show: Show, total: int = 0) -> None:
        """Watch a stream.

        Args:
            stream: the stream.
            what: is done with it, for who waits.
            show: shows a line in the place of the one before.
            total: the bytes that there are, if that is known.
        """
        self._stream, self._what, self._show, self._total = stream, what, show, total
        self._began = self._shown = time.monotonic()
        self._digest = hashlib.sha256()
        self.bytes = 0

    def read(self, size: int = -1, /) -> bytes:
        """Return some bytes, at the end none."""
        data = self._stream.read(size)
        self.bytes += len(data)
        self._digest.update(data)
        if VARIABLE in os.environ and (
            not data or time.monotonic() - self._shown > INTERVAL_SECONDS
        ):
            self._shown = time.monotonic()
            self._show(f"\r\033[K{self._line() if data else ''}")
        return data

    @property
    def sha256(self) -> str:
        """The checksum of what was read."""
        return self._digest.hexdigest()

    def _line(self) -> str:
        rate = self.bytes / (time.monotonic() - self._began)
        of = f" of {decimal(self._total)}" if self._total else ""
        return f"{self._what}: {decimal(self.bytes)}{of}, {decimal(int(rate))}/s "
