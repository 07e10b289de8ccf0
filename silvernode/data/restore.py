"""A restore: an archive takes the place of all that an app has on this node but its code."""

import os
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

from silverbackup import archive
from silverbackup.manifest import Manifest
from silvernode import apps, locks, settings
from silvernode.data import mending, replacement, services, work
from silvernode.data.exchange import Paths
from silvernode.data.replacement import Replacement
from silvernode.deploy import app_config
from silvernode.deploy.request import APP_NAME
from silvernode.errors import NodeError
from silvernode.layout import Layout
from silvernode.routing import registry
from silvernode.routing.locations import LOCATION

SECRET_MODE = 0o440


@dataclass(frozen=True)
class Wanted:
    """Where an archive is to be restored.

    Attributes:
        app: whose archive it is.
        location: where the app is served, or is going to be.
        node: what to call this node.
        owner: who asks, as `user@machine`.
    """

    app: str
    location: str
    node: str
    owner: str

    def __post_init__(self) -> None:
        if not APP_NAME.fullmatch(self.app) or not LOCATION.fullmatch(self.location):
            raise NodeError(f"not an app and a location: {self.app!r}, {self.location!r}")


def restore(layout: Layout, wanted: Wanted, stream: IO[bytes]) -> dict[str, Any]:
    """Put what is in an archive in the place of an app's data.

    Where the app was never deployed, the configuration waits for its first update.

    Args:
        layout: the node's paths.
        wanted: where.
        stream: the archive, decrypted.

    Returns:
        `msg`, what to tell; `warnings`; `services`, with the facts of each.

    Raises:
        SilverError: the app has what it had, and serves as before.
        OSError: the same, for a reason such as a full disk.
    """
    command = f"restoring {wanted.location}"
    with locks.of_app(layout, wanted.app, wanted.owner, command):
        told = mending.mend(layout, settings.load(layout), wanted.app)
        with (
            locks.of_data(layout, wanted.app, wanted.owner, command),
            replacement.prepared(layout, wanted.app),
            work.directory(layout, wanted.app, replacement.RESTORE) as root,
        ):
            manifest = archive.unpack(stream, root, lambda found: _check(layout, wanted, found))
            warnings = _replace(layout, wanted, manifest, root)
    where = f"{wanted.location} on {wanted.node}"
    return {
        "changed": True,
        "msg": f"{where} has the data of {manifest.location} from {manifest.created}",
        "warnings": [*told, *warnings],
        "services": manifest.services,
    }


def _check(layout: Layout, wanted: Wanted, manifest: Manifest) -> None:
    """Check that it is the right archive, and that there is room for it."""
    owner = registry.load(layout).owner(wanted.location)
    if owner not in (None, manifest.app):
        raise NodeError(f"{wanted.location} is served by {owner}, the archive is of {manifest.app}")
    if manifest.app != wanted.app:
        raise NodeError(f"the archive is of the app {manifest.app}, not of {wanted.app}")
    missing = sorted(set(manifest.services) - set(services.of_app(layout, wanted.app)))
    if missing:
        raise NodeError(
            f"the archive has data of service.{missing[0]}, which {wanted.app} does not have on"
            f" {wanted.node}; update the app with that service in its app.ini first"
        )
    needed = manifest.packed_bytes + manifest.unpacked_bytes
    work.check_room(layout, needed, "the restore")


def _replace(layout: Layout, wanted: Wanted, manifest: Manifest, root: Path) -> list[str]:
    active = registry.load(layout).active(wanted.location)
    given = manifest.config == app_config.GIVEN
    config = _config(layout, wanted.app, active) if given else None
    _stage(layout, wanted.app, manifest, root, config)
    what = Replacement(
        app=wanted.app,
        services=list(manifest.services),
        secret=True,
        configured=active if config else "",
        first=None if active else config,
    )
    return replacement.carry_out(layout, what)


def _config(layout: Layout, app: str, active: str) -> Paths:
    """Return where a configuration belongs: to the active instance, or to the first that comes."""
    return Paths.beside(
        app_config.path(layout, active) if active else app_config.restored(layout, app)
    )


def _stage(layout: Layout, app: str, manifest: Manifest, root: Path, config: Paths | None) -> None:
    """Put all that an archive holds beside what it is to replace, and check it."""
    found = services.of_app(layout, app)
    for name, told in manifest.services.items():
        found[name].stage(root / "services" / name)
        found[name].check(told["facts"])
    _stage_secret(Paths.beside(layout.data("secret", app)), root / "secret", app)
    if config:
        _stage_config(config.copy, root / "config", app)
    os.sync()  # so that a power failure does not take what is relied on from here


def _stage_secret(secret: Paths, source: Path, app: str) -> None:
    secret.discard()
    shutil.copyfile(source, secret.copy)
    apps.restrict_file(secret.copy, app, SECRET_MODE)


def _stage_config(target: Path, source: Path, app: str) -> None:
    if target.exists():
        shutil.rmtree(target)
    target.parent.mkdir(parents=True, exist_ok=True)
    apps.restrict(target.parent, app)
    if source.exists():
        shutil.copytree(source, target)
    else:
        target.mkdir()  # An archive has no directories: the configuration has no file.
    for path in [target, *target.rglob("*")]:
        if path.is_dir():
            apps.restrict(path, app)
        else:
            apps.restrict_file(path, app)
