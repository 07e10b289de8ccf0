"""A backup of the schedule: stored, read back, and only then are old ones removed."""

import hashlib
from pathlib import Path
from typing import IO

from silverbackup import encryption, manifest
from silverbackup.destinations import Destination, chunks
from silverbackup.local_files import LocalFiles
from silvernode.data import backup, retention, schedule, services, status, work
from silvernode.data.produced import produced
from silvernode.data.schedule import Schedule
from silvernode.data.status import Result
from silvernode.errors import NodeError
from silvernode.layout import Layout

OWNER = "the schedule"


def back_up(layout: Layout, wanted: Schedule, app: str) -> Result:
    """Make a backup of an app, which goes on meanwhile.

    Args:
        layout: the node's paths.
        wanted: where it goes, who can read it, and how many are kept.
        app: the app's name.

    Raises:
        SilverError: it failed; the backups that were there are there.
        OSError: the same, for a reason such as a full disk.
    """
    place = schedule.destination(layout, wanted)
    name = manifest.archive_name(app, status.now())
    place.check(name)
    _check_room(layout, place, app)
    location, recipients = backup.main_location(layout, app), _recipients(layout, wanted)
    what = backup.Wanted(location, wanted.node, OWNER, recipients, wait=True)

    def write(stream: IO[bytes]) -> None:
        backup.make(layout, what, stream)

    with produced(write) as stream:
        size = place.put(name, stream)
    _read_back(place, name, stream.sha256)
    removed = _remove_old(place, wanted, app, name)
    more = f"; {removed} old one{'s' if removed > 1 else ''} removed" if removed else ""
    message = f"{place.shown(name)} was made and read back{more}"
    return Result(True, message, name, wanted.destination, size)


def _check_room(layout: Layout, place: Destination, app: str) -> None:
    """Check that there is room for a backup beside the copy that it is made of."""
    if isinstance(place, LocalFiles) and _is_same_disk(place.directory, layout.state):
        size = sum(each.size() for each in services.of_app(layout, app).values())
        work.check_room(layout, 2 * size, "the backup")


def _is_same_disk(one: Path, other: Path) -> bool:
    return one.stat().st_dev == other.stat().st_dev


def _recipients(layout: Layout, wanted: Schedule) -> list[str]:
    """Return who can read a backup: this node too, for its drills."""
    own = encryption.recipient(schedule.identity(layout))
    return [own, *(each for each in wanted.recipients if each != own)]


def _read_back(place: Destination, name: str, sha256: str) -> None:
    digest = hashlib.sha256()
    with place.open(name) as stream:
        for data in chunks(stream):
            digest.update(data)
    if digest.hexdigest() != sha256:
        place.delete(name)  # It would count as one that is kept.
        raise NodeError(f"{place.shown(name)} was not what was stored there: its checksum differs")


def _remove_old(place: Destination, wanted: Schedule, app: str, name: str) -> int:
    """Remove the backups that are not kept, but never the one just made; how many they were."""
    names = [each.name for each in place.list()]
    old = retention.old(names, app, wanted.keep, wanted.keep_weekly, wanted.keep_monthly)
    for each in (removed := [each for each in old if each != name]):
        place.delete(each)
    return len(removed)
