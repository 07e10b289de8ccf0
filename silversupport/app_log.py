"""The log of an app: one JSON object a line in `SILVER_LOGS/app.jsonl`, each of them an event.

Every event has `time` (seconds since 1970), `pid`, `instance` and, inside of a request, `request`.
What was written is `stream` and `text`. `event` is `begin` or `end`, with `method`, `path` and
`location`; an `end` also has `status`, `seconds`, `began` and `failed`. A request that wrote
nothing and went well leaves no event. What a job writes has `job` (see silversupport.job), and a
run of `cron.*` is told from others as a request is, its `status` being the exit status.
silvernode/logs/blocks.py puts them together again.
"""

# Every process of an app loads this: pathlib alone would take longer than the rest of it.
# ruff: noqa: PTH104, PTH116, PTH118
from __future__ import annotations

import fcntl
import json
import os
import threading
import time
from contextlib import suppress

NAME = "app.jsonl"
MAXIMUM_BYTES = 50_000_000
"""The size at which a process puts the log aside itself: the disk must not be full before logrotate
comes by. What was put aside before is lost then."""

STANDARD_ERROR = 2


class AppLog:
    """The log of an app, to which every process of all its instances appends.

    Linux keeps a write together that goes to a file opened with O_APPEND, so no lock is needed.
    """

    def __init__(self, directory: str, instance: str) -> None:
        self._path = os.path.join(directory, NAME)
        self._instance = instance
        self._file = os.open(os.devnull, os.O_WRONLY)
        self._identity = (0, 0)
        self._torn = False
        self._lock = threading.RLock()

    def append(self, *events: dict[str, object]) -> None:
        """Write events. That a full disk loses them is no error of the application."""
        common = {"time": round(time.time(), 6), "pid": os.getpid(), "instance": self._instance}
        lines = "".join(json.dumps({**common, **event}) + "\n" for event in events).encode()
        try:
            self._follow_rotation()
            data = b"\n" + lines if self._torn else lines
            self._torn = os.write(self._file, data) < len(data)
        except OSError:
            # Apache's error log, which is read as well.
            with suppress(OSError):
                os.write(STANDARD_ERROR, lines)

    def _follow_rotation(self) -> None:
        """Open the log again where it was renamed, as logging.handlers.WatchedFileHandler does."""
        try:
            found = os.stat(self._path)
        except FileNotFoundError:
            self._open()
            return
        if _identity(found) != self._identity:
            self._open()
        elif found.st_size > MAXIMUM_BYTES:
            self._put_aside()
            self._open()

    def _open(self) -> None:
        opened = os.open(self._path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o640)
        with self._lock:
            # The number stays: another thread may be about to write to it.
            os.dup2(opened, self._file, inheritable=False)
            self._identity = _identity(os.fstat(opened))
        os.close(opened)

    def _put_aside(self) -> None:
        """Rename the log, unless another thread or process was faster."""
        with self._lock:
            fcntl.flock(self._file, fcntl.LOCK_EX)
            try:
                if _identity(os.stat(self._path)) == self._identity:
                    os.rename(self._path, f"{self._path}.full")
            finally:
                fcntl.flock(self._file, fcntl.LOCK_UN)


def _identity(found: os.stat_result) -> tuple[int, int]:
    return found.st_dev, found.st_ino
