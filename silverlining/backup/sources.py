"""What is restored: an archive that is kept somewhere, or what a site has now."""

import tempfile
from abc import ABC, abstractmethod
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from silverbackup import encryption
from silverbackup.destinations import Destination, Readable
from silverbackup.manifest import Manifest
from silverlining.backup import nodes, reading, summary
from silverlining.backup.progress import Show, Watched
from silverlining.remote.connections import Connection

SITE = "site:"


@dataclass(frozen=True)
class Described:
    """What is known of a source before it is read.

    Attributes:
        app: the app whose data it is.
        plan: what the app's `app.ini` said.
        origin: what it is and from when, for a person.
    """

    app: str
    plan: dict[str, Any]
    origin: str


class Source(ABC):
    """Something to restore."""

    @abstractmethod
    def describe(self, *, verify: bool) -> Described:
        """Return what it is.

        Args:
            verify: check first that it is whole, where that costs no traffic.

        Raises:
            BackupError: it cannot be read.
        """

    @abstractmethod
    def plain(self, show: Show) -> AbstractContextManager[Readable]:
        """Give it as a plain archive; what was read is right when that has ended.

        Raises:
            BackupError: it cannot be read, or is damaged.
        """


@dataclass(frozen=True)
class Archive(Source):
    """An archive in a directory or an object store.

    Attributes:
        place: where it is.
        name: its name.
        identity: the file of the key that reads it.
    """

    place: Destination
    name: str
    identity: Path

    def describe(self, *, verify: bool) -> Described:
        """Return what the manifest says."""
        if verify and self.place.is_near:
            with self.place.open(self.name) as content:
                found = reading.verified(content, self.identity)
        else:
            found = reading.manifest(self.place, self.name, self.identity)
        return _described(found, self.place.shown(self.name))

    @contextmanager
    def plain(self, show: Show) -> Iterator[Readable]:
        """Give it decrypted."""
        shown = self.place.shown(self.name)
        with self.place.open(self.name) as content:
            watched = Watched(content, f"Restoring {shown}", show)
            with encryption.decrypted(watched, self.identity) as plain:
                yield plain


@dataclass(frozen=True)
class Site(Source):
    """What an app has on its node.

    Attributes:
        location: where it is served.
        node: the way to its node.
    """

    location: str
    node: Connection

    def describe(self, *, verify: bool) -> Described:
        """Return what the node says."""
        told = nodes.ask(self.node, "describe", location=self.location)
        origin = f"what {self.location} has on {self.node.node}"
        return Described(told["app"], told["plan"], origin)

    @contextmanager
    def plain(self, show: Show) -> Iterator[Readable]:
        """Give a backup, encrypted from there to here with a key that nobody else ever sees."""
        with tempfile.TemporaryDirectory(prefix="silver-key-") as directory:
            identity = Path(directory, "identity")
            recipients = [encryption.make_identity(identity)]
            request = {"location": self.location, "recipients": recipients}
            with nodes.sent(self.node, "backup", **request) as sent:
                watched = Watched(sent, f"Copying {self.location}", show)
                with encryption.decrypted(watched, identity) as plain:
                    yield plain


def _described(manifest: Manifest, where: str) -> Described:
    made = summary.moment(manifest.created)
    origin = f"that of {made} in {where} ({summary.services(manifest)})"
    return Described(manifest.app, manifest.plan, origin)
