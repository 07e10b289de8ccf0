"""Where archives are kept: a directory, or a container of an object store that Libcloud knows.

A node uses this too, with Debian's Libcloud 3.4 and Python 3.11. It is imported where it is needed:
it takes half a second, and a directory needs none of it.
"""

import os
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from silverbackup.errors import BackupError
from silverbackup.manifest import SUFFIX

CHUNK = 1 << 20
"""Bytes that are held in memory at a time."""


class DestinationError(BackupError):
    """Archives cannot be kept there, or got from there."""


class Readable(Protocol):
    """What bytes are read from.

    A `read` that fails keeps what was read so far from ever being taken for the whole.
    """

    def read(self, size: int = ..., /) -> bytes:
        """Return some bytes, at the end none."""


@dataclass(frozen=True)
class Stored:
    """An archive that is there.

    Attributes:
        name: its name, without where it is.
        bytes: its size.
    """

    name: str
    bytes: int


class Destination(ABC):
    """A place for archives.

    Attributes:
        named: the name of the archive, where the text named one and not only a place for many.
        is_near: whether reading costs no traffic.
    """

    named: str | None = None
    is_near: bool = False

    @staticmethod
    def parse(
        text: str, options: Mapping[str, str] | None = None, environ: Mapping[str, str] = os.environ
    ) -> "Destination":
        """Return the place that a text means.

        Args:
            text: a path; or `PROVIDER://CONTAINER/PREFIX` with the name of one of Libcloud's
                storage providers, such as `s3://backups/polls`. What ends in `.tar.age` is an
                archive; a path that is neither this nor a directory is one, too.
            options: `key`, `secret`, `host`, `port`, `secure`, `region`, `token` and whatever else
                the provider's driver takes. What is missing is looked for in the environment, under
                the names that the provider's own tools use.
            environ: the environment.

        Raises:
            DestinationError: there is no such provider, or something is missing.
        """
        provider, separator, rest = text.partition("://")
        if separator:
            from silverbackup.object_store import ObjectStore

            return ObjectStore.of(provider, rest, options or {}, environ)
        from silverbackup.local_files import LocalFiles

        return LocalFiles.of(text)

    @abstractmethod
    def put(self, name: str, stream: Readable) -> int:
        """Store an archive, which has its name only when all of it is there.

        Args:
            name: its name.
            stream: its content.

        Returns:
            Its size in bytes.

        Raises:
            DestinationError: there is one of that name, or it could not be stored.
            Exception: whatever reading raised; nothing of the archive is left then.
        """

    @abstractmethod
    def open(self, name: str) -> AbstractContextManager[Readable]:
        """Give the content of an archive.

        Raises:
            DestinationError: there is none of that name, or it could not be read.
        """

    @abstractmethod
    def list(self) -> Sequence[Stored]:
        """Return the archives that are there, by name.

        Raises:
            DestinationError: the place could not be asked.
        """

    @abstractmethod
    def delete(self, name: str) -> None:
        """Remove an archive.

        Raises:
            DestinationError: there is none of that name, or it could not be removed.
        """

    @abstractmethod
    def shown(self, name: str) -> str:
        """Return an archive as a person names it, without anything secret."""

    @abstractmethod
    def check(self, name: str) -> None:
        """Check that an archive could be put here, before anything is done for it.

        Raises:
            DestinationError: it could not.
        """


def chunks(stream: Readable) -> Iterator[bytes]:
    """Yield what is in a stream, bit by bit."""
    read: Callable[[int], bytes] = stream.read
    while data := read(CHUNK):
        yield data


def is_archive(name: str) -> bool:
    """Tell whether a name is that of an archive."""
    return name.endswith(SUFFIX) and not name.startswith(".") and Path(name).name == name
