"""Archives in a directory."""

import errno
import fcntl
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

from silverbackup.destinations import (
    Destination,
    DestinationError,
    Readable,
    Stored,
    chunks,
    is_archive,
)
from silverbackup.manifest import SUFFIX

PART = ".part"


class LocalFiles(Destination):
    """A directory of this machine."""

    is_near = True

    def __init__(self, directory: Path, named: str | None = None) -> None:
        self.directory, self.named = directory, named

    @classmethod
    def of(cls, text: str) -> "LocalFiles":
        """Return the directory that a path means, or in which the archive is that it means."""
        path = Path(text).expanduser().absolute()
        if not text or path.name in ("", ".."):
            return cls(path)
        is_file = text.endswith(SUFFIX) or not (path.is_dir() or text.endswith("/"))
        return cls(path.parent, path.name) if is_file and not path.is_dir() else cls(path)

    def shown(self, name: str) -> str:
        """Return an archive's path."""
        return str(self.directory / name)

    def check(self, name: str) -> None:
        """Check that an archive of this name can be written."""
        if not self.directory.is_dir():
            raise DestinationError(
                f"{self.directory}: there is no such directory; make it with: mkdir -p"
                f" {self.directory}"
            )
        if not os.access(self.directory, os.W_OK | os.X_OK):
            raise DestinationError(f"{self.directory}: you may not write there")
        if (self.directory / name).exists():
            raise DestinationError(
                f"{self.shown(name)} is there already, and stays; choose another name"
            )

    def put(self, name: str, stream: Readable) -> int:
        """Write an archive beside where it belongs, and give it its name at the end."""
        self.check(name)
        part = self.directory / f".{name}{PART}"
        try:
            self._remove_left_over()
            size = self._write(part, stream)
            self.check(name)
            part.rename(self.directory / name)
            _sync(self.directory)
        except BaseException as error:
            with suppress(OSError):
                part.unlink(missing_ok=True)
            if isinstance(error, OSError):
                raise DestinationError(f"{self.shown(name)}: {_reason(error)}") from error
            raise
        return size

    @contextmanager
    def open(self, name: str) -> Iterator[Readable]:
        """Give the content of an archive."""
        try:
            file = (self.directory / name).open("rb")
        except OSError as error:
            raise DestinationError(f"{self.shown(name)}: {_reason(error)}") from error
        with file:
            yield file

    def list(self) -> Sequence[Stored]:
        """Return the archives of the directory."""
        try:
            found = sorted(path for path in self.directory.iterdir() if is_archive(path.name))
            return [Stored(path.name, path.stat().st_size) for path in found]
        except OSError as error:
            raise DestinationError(f"{self.directory}: {_reason(error)}") from error

    def delete(self, name: str) -> None:
        """Remove an archive."""
        try:
            (self.directory / name).unlink()
        except OSError as error:
            raise DestinationError(f"{self.shown(name)}: {_reason(error)}") from error

    def _write(self, part: Path, stream: Readable) -> int:
        # Nobody else needs to read it, though it is encrypted.
        flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW
        with os.fdopen(os.open(part, flags, 0o600), "wb") as file:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            size = sum(file.write(data) for data in chunks(stream))
            file.flush()
            os.fsync(file.fileno())
        return size

    def _remove_left_over(self) -> None:
        """Remove what somebody wrote who was killed: who is writing holds a lock."""
        for part in self.directory.glob(f".*{SUFFIX}{PART}"):
            with suppress(OSError), part.open("rb") as file:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                part.unlink(missing_ok=True)


def _sync(directory: Path) -> None:
    """Have a new name survive a power cut."""
    descriptor = os.open(directory, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _reason(error: OSError) -> str:
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return "the disk is full; make room and try again"
    return (error.strerror or str(error)).lower()
