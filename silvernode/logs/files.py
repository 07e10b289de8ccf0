"""One log: its file, those that it was rotated to, and what is added to it."""

import gzip
import os
import stat
import zlib
from contextlib import suppress
from pathlib import Path

ROTATED_BYTES = 200_000_000
"""What is read at most of a compressed file, which an app could have made to be endless."""


ADDED_BYTES = 8_000_000
"""What is read at most at once of what is added, and the longest line: a file can be made to be
larger than the memory in no time."""


class LogFile:
    """One log, read backwards from where it ends now, and on from there.

    Its directory belongs to an app, which may put anything there: only regular files are opened.

    Args:
        path: the current file, which need not exist.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._file = _open(path)
        self._before = -1
        self._end = self._position = _size(self._file)
        self._rest = b""
        self._older = _older(path)

    def back(self, size: int) -> tuple[list[str], bool]:
        """Return the last lines from before this was made, and whether these are all.

        Args:
            size: how many bytes to read.
        """
        start = max(0, self._end - size)
        parts = [_read(self._file, start, self._end)]
        whole = start == 0
        missing = size - (self._end - start)
        for path in self._older:
            if not whole or missing <= 0:
                whole = False
                break
            data, whole = _read_rotated(path, missing)
            parts.insert(0, data)
            missing -= len(data)
        lines = b"".join(parts).decode(errors="replace").split("\n")
        # The first line may be the end of one; the last is what follows the last line's end.
        return lines[0 if whole else 1 :][: -1 if not lines[-1] else None], whole

    def more(self) -> list[str]:
        """Return the lines that were added since the last call."""
        data = self._rest + self._added()
        lines, newline, rest = data.rpartition(b"\n")
        self._rest = rest if len(rest) <= ADDED_BYTES else b""
        return lines.decode(errors="replace").split("\n") if newline else []

    def _added(self) -> bytes:
        data = b""
        if self._before >= 0:
            # Whoever had it open when it was renamed may have written a last line.
            data = _read_some(self._before, self._end)
            self._end += len(data)
            if len(data) == ADDED_BYTES:
                return data
            os.close(self._before)
            self._before = -1
        added = self._read_on()
        data += added
        if len(added) == ADDED_BYTES:
            return data  # the rest comes first, wherever the file is then
        if _identity(self._path) not in (None, _identity(self._file)):
            self._before, self._end = self._file, self._position
            self._file, self._position = _open(self._path), 0
            lines, newline, half = self._read_on().rpartition(b"\n")
            # What comes late to the other one must not come into the middle of a line.
            self._position -= len(half)
            data += lines + newline
        return data

    def _read_on(self) -> bytes:
        size = _size(self._file)
        start = self._position if size >= self._position else 0  # copied and truncated
        data = _read_some(self._file, start)
        self._position = start + len(data)
        return data


def _open(path: Path) -> int:
    """Open a regular file; -1 if there is none."""
    try:
        file = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError:
        return -1
    if stat.S_ISREG(os.fstat(file).st_mode):
        return file
    os.close(file)
    return -1


def _size(file: int) -> int:
    return os.fstat(file).st_size if file >= 0 else 0


def _identity(file: Path | int) -> tuple[int, int] | None:
    try:
        found = file.lstat() if isinstance(file, Path) else os.fstat(file)
    except OSError:
        return None
    return found.st_dev, found.st_ino


def _read(file: int, start: int, end: int) -> bytes:
    parts = []
    while start < end:
        part = os.pread(file, end - start, start)
        if not part:
            break
        parts.append(part)
        start += len(part)
    return b"".join(parts)


def _read_some(file: int, start: int) -> bytes:
    return _read(file, start, min(_size(file), start + ADDED_BYTES))


def _older(path: Path) -> list[Path]:
    """Return the files to which a log was rotated, the newest first."""
    dated = []
    for each in path.parent.glob(f"{path.name}.*"):
        with suppress(FileNotFoundError):  # logrotate may be at work
            found = each.lstat()
            if stat.S_ISREG(found.st_mode):
                dated.append((found.st_mtime, each))
    return [each for _, each in sorted(dated, reverse=True)]


def _read_rotated(path: Path, size: int) -> tuple[bytes, bool]:
    """Return the last bytes of a file, and whether these are all; of a compressed one, all."""
    file = _open(path)
    if file < 0:
        return b"", True
    with os.fdopen(file, "rb") as opened:
        if path.suffix == ".gz":
            try:
                with gzip.open(opened) as unpacked:
                    return unpacked.read(ROTATED_BYTES), True
            except (OSError, EOFError, zlib.error):
                return b"", True  # logrotate is still compressing it, or the app damaged it
        start = max(0, os.fstat(file).st_size - size)
        return _read(file, start, os.fstat(file).st_size), start == 0
