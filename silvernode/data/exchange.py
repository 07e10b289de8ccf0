"""A file or directory and its replacement beside it, exchanged in one step of the kernel's."""

import ctypes
import os
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from silvernode.errors import NodeError

_AT_FDCWD = -100
_RENAME_EXCHANGE = 2


class Replaceable(Protocol):
    """What a restore replaces: the data of a service, a configuration, a secret.

    The methods are described in `silvernode.data.service`.
    """

    def identity(self) -> str:
        """Return what tells it from its replacement."""

    def swap(self) -> None:
        """Exchange it and its replacement."""

    def discard(self) -> None:
        """Remove the replacement."""


@dataclass(frozen=True)
class Paths:
    """A file or directory, and what replaces it.

    Attributes:
        path: it.
        copy: its replacement, on the same file system.
    """

    path: Path
    copy: Path

    @classmethod
    def beside(cls, path: Path, side: str = "restore") -> "Paths":
        """Return it with a replacement in the same directory, by a name that nothing else has."""
        return cls(path, path.with_name(f".{path.name}.{side}"))

    def identity(self) -> str:
        """Return its inode."""
        status = self.path.stat()
        return f"{status.st_dev}:{status.st_ino}"

    def swap(self) -> None:
        """Exchange the two names.

        Raises:
            NodeError: it could not be done, and nothing has changed.
        """
        # renameat2(2), which Python does not have.
        libc = ctypes.CDLL(None, use_errno=True)
        paths = [_AT_FDCWD, os.fsencode(self.path), _AT_FDCWD, os.fsencode(self.copy)]
        if libc.renameat2(*paths, _RENAME_EXCHANGE):
            reason = os.strerror(ctypes.get_errno())
            raise NodeError(f"{self.path} and {self.copy} cannot be exchanged: {reason}")

    def put(self) -> None:
        """Put the replacement in its place, where there may be nothing yet."""
        if self.path.exists():
            self.swap()
            self.discard()
        else:
            self.copy.rename(self.path)

    def discard(self) -> None:
        """Remove the replacement, if it is there."""
        if self.copy.is_dir():
            shutil.rmtree(self.copy)
        else:
            self.copy.unlink(missing_ok=True)
