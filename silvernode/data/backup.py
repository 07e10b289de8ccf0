"""A backup: one encrypted archive of all that an app has on this node but its code.

The database comes first, in one snapshot; then the files, each as it is when it is read. So a file
without its row may be in an archive, which does no harm, and what wrote the row before its file is
the exception that an app has to know.
"""

import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import IO, Any

from silverbackup import archive, encryption
from silverbackup.manifest import Manifest
from silvernode import instances, locks
from silvernode.data import services, work
from silvernode.data.service import Service
from silvernode.deploy import app_config
from silvernode.errors import NodeError
from silvernode.instances import Record
from silvernode.layout import Layout
from silvernode.routing import registry
from silversupport import VERSION


@dataclass(frozen=True)
class Wanted:
    """What is to be backed up, and for whom.

    Attributes:
        location: where the app is served, `HOST[/PATH]`.
        node: this node's name, for the manifest.
        owner: who asks, as `user@machine`.
        recipients: public keys of age; the owner of any of them can read the archive.
        wait: whether to wait for a command that has the app's data, for nobody waits for this one.
    """

    location: str
    node: str
    owner: str
    recipients: Sequence[str]
    wait: bool = False


def make(layout: Layout, wanted: Wanted, stream: IO[bytes]) -> Manifest:
    """Write an archive, while the app goes on.

    Args:
        layout: the node's paths.
        wanted: of what.
        stream: where it goes: a file or pipe of the operating system's.

    Returns:
        The manifest.

    Raises:
        SilverError: it failed; what has arrived at the stream is worth nothing.
        OSError: the same, for a reason such as a full disk.
    """
    record = _record(layout, wanted)
    command = f"backing up {wanted.location}"
    encryption.check_installed()
    with (
        locks.of_data(layout, record.app, wanted.owner, command, wait=wanted.wait),
        work.directory(layout, record.app, "backup") as root,
    ):
        manifest = _gather(layout, wanted, record, root)
        with encryption.encrypted(stream, wanted.recipients) as sealed:
            archive.write(sealed, manifest, root)
    return manifest


def main_location(layout: Layout, app: str) -> str:
    """Return the location of an app by which it is backed up.

    Returns:
        Its default location if it is served there, else the shortest.

    Raises:
        NodeError: it has none.
    """
    routes = registry.load(layout).locations
    own = {name: route.instance for name, route in routes.items() if route.app == app}
    for location, instance in sorted(own.items()):
        record = instances.load(layout, instance)
        if record and record.plan.get("default_location") == location:
            return location
    if not own:
        raise NodeError(f"{app} is served nowhere on this node")
    return min(own, key=lambda name: (len(name), name))


def _record(layout: Layout, wanted: Wanted) -> Record:
    instance = registry.find(layout, wanted.location, wanted.node)
    record = instances.load(layout, instance)
    if record is None:
        raise NodeError(f"the record of {instance} is gone; update {wanted.location} first")
    return record


def _gather(layout: Layout, wanted: Wanted, record: Record, root: Path) -> Manifest:
    """Put everything into a directory."""
    created = datetime.now(UTC).replace(microsecond=0)
    found = services.of_app(layout, record.app)
    # No dump of a database is larger, and files are copied as they are.
    work.check_room(layout, sum(each.size() for each in found.values()), "the backup")
    kept = {name: _keep(each, root / "services" / name) for name, each in found.items()}
    versions = {key: text for each in found.values() for key, text in each.versions().items()}
    shutil.copytree(app_config.path(layout, record.instance), root / "config")
    shutil.copyfile(layout.data("secret", record.app), root / "secret")
    shutil.copyfile(layout.www / record.instance / "app.ini", root / "app.ini")
    return Manifest(
        app=record.app,
        location=wanted.location,
        node=wanted.node,
        instance=record.instance,
        created=created.isoformat(),
        version=VERSION,
        versions=versions,
        plan=record.plan,
        services=kept,
        config=record.config,
    )


def _keep(service: Service, target: Path) -> dict[str, Any]:
    target.mkdir(mode=0o700, parents=True)
    size = service.size()
    return {"facts": service.backup(target), "bytes": size}
