"""A backup: a node sends an encrypted archive, which is stored and read back."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from rich.filesize import decimal

from silverbackup.destinations import Destination, chunks
from silverbackup.errors import BackupError
from silverbackup.manifest import Manifest, archive_name
from silverlining.backup import keys, nodes, reading, summary
from silverlining.backup.keys import Keys
from silverlining.backup.progress import Show, Watched
from silverlining.remote.connections import Connection


@dataclass(frozen=True)
class Backup:
    """A backup of the app that is served at a location.

    Attributes:
        location: `HOST[/PATH]`.
        destination: where the archive goes.
        keys: who can read it.
        node: the way to the node.
        verify: read it back.
        show: shows how far it is.
    """

    location: str
    destination: Destination
    keys: Keys
    node: Connection
    verify: bool
    show: Show

    def run(self, note: Callable[[str], object]) -> dict[str, Any]:
        """Make the backup.

        Args:
            note: is told what to say if it is interrupted from there on.

        Returns:
            The result for Ansible.

        Raises:
            BackupError: it failed; nothing of it is left, but for an archive that was stored and
                could not be read back, which the message names.
        """
        began = time.monotonic()
        app = nodes.ask(self.node, "describe", location=self.location)["app"]
        name = self.destination.named or archive_name(app, datetime.now(UTC))
        self.destination.check(name)
        note(f"{self.location}: no archive was made, and nothing of one is left")
        size, digest = self._stored(name)
        where = self.destination.shown(name)
        note(f"{where} was written, but not read back")
        manifest = self._verified(name, digest) if self.verify else None
        return self._told(where, size, manifest, time.monotonic() - began)

    def _stored(self, name: str) -> tuple[int, str]:
        """Store the archive; its size in bytes and its checksum."""
        recipients = list(self.keys.recipients)
        request = {"location": self.location, "recipients": recipients}
        with nodes.sent(self.node, "backup", **request) as sent:
            watched = Watched(sent, f"Backing up {self.location}", self.show)
            self.destination.put(name, watched)
        return watched.bytes, watched.sha256

    def _verified(self, name: str, digest: str) -> Manifest | None:
        """Read the archive back from where it is, decrypt it if that is possible, and check it."""
        where = self.destination.shown(name)
        try:
            with self.destination.open(name) as content:
                watched = Watched(content, f"Reading {where} back", self.show)
                manifest = self._read(watched)
            if watched.sha256 != digest:
                raise BackupError("what is there is not what was sent")
        except BackupError as error:
            raise BackupError(
                f"{where} was written, but do not rely on it: reading it back failed: {error}"
            ) from error
        return manifest

    def _read(self, content: Watched) -> Manifest | None:
        """Read an archive to its end; its manifest, if it can be decrypted here."""
        if self.keys.identity:
            return reading.verified(content, self.keys.identity)
        for _ in chunks(content):
            pass
        return None

    def _told(
        self, where: str, size: int, manifest: Manifest | None, seconds: float
    ) -> dict[str, Any]:
        checked = "not read back (--no-verify)"
        if self.verify:
            checked = "read back, every checksum is right"
            if not manifest:
                checked = "read back, but not decrypted: this machine has no key for it"
        lines = [f"{self.location} is in {where}", f"{decimal(size)} in {seconds:.1f} s, {checked}"]
        lines += [summary.services(manifest)] if manifest else []
        if self.keys.is_new:
            lines += ["", keys.notice(self.keys)]
        return {
            "changed": True,
            "archive": where,
            "bytes": size,
            "seconds": round(seconds, 1),
            "verified": bool(manifest),
            "services": manifest.services if manifest else {},
            "msg": "\n".join(lines),
        }
