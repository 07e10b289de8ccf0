"""Restore drills: the newest backup of an app is restored beside its data, checked, thrown away."""

import sys
from pathlib import Path

from silverbackup import archive, encryption
from silverbackup.destinations import Destination
from silverbackup.manifest import Manifest
from silvernode.data import retention, schedule, services, work
from silvernode.data.schedule import Schedule
from silvernode.data.service import Service
from silvernode.data.status import Result
from silvernode.errors import NodeError
from silvernode.interrupts import Interrupted
from silvernode.layout import Layout
from silversupport.errors import SilverError

SIDE = "drill"
"""Names the copies of a drill: a restore at the same time has others."""


def drill(layout: Layout, wanted: Schedule, app: str) -> Result:
    """Try the newest backup of an app; its data, and the app, notice nothing.

    Args:
        layout: the node's paths.
        wanted: where backups are.
        app: the app's name.

    Raises:
        SilverError: it is missing, damaged, or not what its manifest says.
        OSError: the disk is full, for example.
    """
    place = schedule.destination(layout, wanted)
    stored = {each.name: each.bytes for each in place.list()}
    newest = next(iter(retention.archives(stored, app)), None)
    if newest is None:
        raise NodeError(
            f"there is no backup of it in {wanted.destination}; make one with: ./silver backup-all"
            f" {wanted.node}"
        )
    try:
        tried = _try(layout, app, place, newest)
    except Interrupted:
        raise
    except SilverError as error:
        output = getattr(error, "output", "")
        detail = f" ({output.splitlines()[0]})" if output else ""
        raise NodeError(f"{place.shown(newest)}: {error}{detail}", output) from error
    what = f"was restored beside the data and checked: {', '.join(tried) or 'no service'}"
    return Result(True, f"{newest} {what}", newest, wanted.destination, stored[newest])


def tidy(layout: Layout) -> None:
    """Remove what killed drills left; to be called when no drill is under way."""
    work.remove_all(layout, SIDE)
    for app in sorted(path.name for path in (layout.etc / "apps").glob("*")):
        try:
            for service in services.of_app(layout, app, SIDE).values():
                service.discard()
        except (NodeError, OSError) as error:
            sys.stderr.write(f"{app}: what a drill left cannot be removed: {error}\n")


def _try(layout: Layout, app: str, place: Destination, name: str) -> list[str]:
    """Restore an archive beside an app's data; the services that it has."""
    with work.directory(layout, app, SIDE) as directory:
        with (
            place.open(name) as stream,
            encryption.decrypted(stream, schedule.identity(layout)) as tar,
        ):
            manifest = archive.unpack(tar, directory, lambda found: _check(layout, found, app))
        for service, about in manifest.services.items():
            copy = services.load(layout, service)(layout, app, SIDE)
            _restore(copy, directory / "services" / service, about["facts"])
    return sorted(manifest.services)


def _restore(copy: Service, source: Path, facts: dict[str, object]) -> None:
    try:
        copy.stage(source)
        copy.check(facts)
    finally:
        copy.discard()


def _check(layout: Layout, manifest: Manifest, app: str) -> None:
    """Check that an archive is the right one, and that there is room for what is in it."""
    if manifest.app != app:
        raise NodeError(f"it is a backup of {manifest.app}")
    work.check_room(layout, manifest.packed_bytes + manifest.unpacked_bytes, "a drill")
