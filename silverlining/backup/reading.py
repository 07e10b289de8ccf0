"""Archives, read on the laptop; nothing of them is ever written decrypted."""

from pathlib import Path

from silverbackup import archive, encryption
from silverbackup.destinations import Destination, Readable
from silverbackup.errors import BackupError
from silverbackup.manifest import Manifest


def manifest(place: Destination, name: str, identity: Path) -> Manifest:
    """Return the manifest of an archive; reads no more of it than its beginning.

    Raises:
        BackupError: it is not there, damaged, or encrypted for other keys.
    """
    with (
        place.open(name) as content,
        encryption.decrypted(content, identity, whole=False) as plain,
    ):
        return archive.read_manifest(plain)


def verified(content: Readable, identity: Path) -> Manifest:
    """Read an archive to its end and check it; return its manifest.

    Raises:
        BackupError: it is damaged, cut off, tampered with, or encrypted for other keys.
    """
    with encryption.decrypted(content, identity) as plain:
        return archive.verify(plain)


def name_in(place: Destination, text: str) -> str:
    """Return the name of the archive that a text means.

    Raises:
        BackupError: it means a place for many; names those that are there.
    """
    if place.named:
        return place.named
    there = [each.name for each in place.list()]
    if not there:
        raise BackupError(f"{text}: there is no archive")
    listed = "\n".join(f"  {place.shown(name)}" for name in there)
    raise BackupError(f"{text}: say which of these archives:\n{listed}")
