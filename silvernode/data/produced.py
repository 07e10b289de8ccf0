"""What one part of the program writes, as a stream that another one reads."""

import hashlib
import os
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import IO


class Produced:
    """A stream that is written in a thread; reading it fails where the writing did.

    So whoever stores it never takes what is cut off for the whole.

    Attributes:
        bytes: how much was read.
    """

    def __init__(
        self, file: IO[bytes], thread: threading.Thread, failures: list[Exception]
    ) -> None:
        self._file, self._thread, self._failures = file, thread, failures
        self._digest = hashlib.sha256()
        self.bytes = 0

    @property
    def sha256(self) -> str:
        """The checksum of what was read."""
        return self._digest.hexdigest()

    def read(self, size: int = -1, /) -> bytes:
        """Return some bytes, at the end none.

        Raises:
            Exception: what writing raised.
        """
        data = self._file.read(size)
        if not data:
            self._thread.join()
            if self._failures:
                raise self._failures[0]
        self._digest.update(data)
        self.bytes += len(data)
        return data


@contextmanager
def produced(write: Callable[[IO[bytes]], object]) -> Iterator[Produced]:
    """Give a stream of what a function writes.

    Args:
        write: writes to the stream that it is given, a pipe; it fails there when nobody reads on.
    """
    reader, writer = os.pipe()
    failures: list[Exception] = []

    def work() -> None:
        try:
            with os.fdopen(writer, "wb") as stream:
                write(stream)
        except Exception as error:  # noqa: BLE001 (raised again where it is read)
            failures.append(error)

    thread = threading.Thread(target=work)
    thread.start()
    try:
        with os.fdopen(reader, "rb") as file:
            yield Produced(file, thread, failures)
    finally:
        thread.join()
