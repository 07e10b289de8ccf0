"""Archives that are there, and what is in one of them."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from silverbackup.destinations import Destination
from silverbackup.manifest import Manifest, parse_name
from silverlining.backup import keys, reading


@dataclass(frozen=True)
class Archive:
    """An archive that is there.

    Attributes:
        archive: where it is.
        app: whose it is; None if its name does not tell.
        created: when it was made, ISO 8601; None if its name does not tell.
        bytes: its size.
    """

    archive: str
    app: str | None
    created: str | None
    bytes: int


@dataclass(frozen=True)
class Found:
    """Archives, the oldest of an app first; or the manifest of the one that was asked for."""

    archives: Sequence[Archive]
    manifest: Manifest | None

    def as_data(self) -> dict[str, Any]:
        """Return it as JSON has it; a manifest without its single files."""
        if self.manifest is None:
            return {"archives": [asdict(each) for each in self.archives]}
        told = asdict(self.manifest)
        del told["members"]
        return {"manifest": told}


def find(text: str, identity: Path | None) -> Found:
    """Return the archives of a place, or the manifest of an archive.

    Raises:
        BackupError: there is no such place or archive, or it cannot be read.
    """
    place = Destination.parse(text)
    if place.named:
        return Found((), reading.manifest(place, place.named, keys.for_reading(identity)))
    return Found([_archive(place, each.name, each.bytes) for each in place.list()], None)


def _archive(place: Destination, name: str, size: int) -> Archive:
    app, created = parse_name(name) or (None, None)
    return Archive(place.shown(name), app, created.isoformat() if created else None, size)
