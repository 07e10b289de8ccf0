"""What nothing needs any more is removed from the node: `silver-node clean`."""

import shutil
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from silvernode import disk, instances, locks
from silvernode import settings as node_settings
from silvernode.deploy import removal
from silvernode.errors import NodeError
from silvernode.layout import Layout
from silvernode.routing import registry, varnish


@dataclass(frozen=True)
class Order:
    """Who wants to have what removed.

    Attributes:
        keep: how many instances of each app stay, beside those that a location refers to.
        owner: who asks, as `user@machine`.
        check: tell only what would be removed.
    """

    keep: int
    owner: str
    check: bool


@dataclass
class Found:
    """What was found, and removed unless it was only to be told.

    Attributes:
        instances: with the bytes that each gives back.
        uploads: the same, of uploads that came to no end.
        warnings: what could not be removed.
    """

    instances: dict[str, int] = field(default_factory=dict)
    uploads: dict[str, int] = field(default_factory=dict)
    warnings: list[str] = field(default_factory=list)

    @property
    def freed(self) -> int:
        """The bytes that all of it gives back."""
        return sum(self.instances.values()) + sum(self.uploads.values())


def clean(layout: Layout, order: Order) -> dict[str, Any]:
    """Remove the instances that no location refers to, and what killed deploys left.

    An app that somebody changes at the moment is left alone, with a warning.

    Returns:
        What was removed with the bytes that it gave back, and the room that there is then.

    Raises:
        NodeError: the registry is damaged, so that it cannot be told what is needed.
        OSError: something could not be removed.
    """
    registry.load(layout)
    found = Found()
    for app in _apps(layout):
        try:
            _clean_app(layout, app, order, found)
        except NodeError as error:
            found.warnings.append(str(error))
    if not order.check:
        with locks.of_routes(layout):
            varnish.discard_unused(layout, registry.load(layout), node_settings.load(layout))
    room = shutil.disk_usage(layout.www)
    return {
        "changed": bool(found.instances or found.uploads) and not order.check,
        "instances": found.instances,
        "uploads": found.uploads,
        "freed": found.freed,
        "free_bytes": room.free,
        "total_bytes": room.total,
        "warnings": found.warnings,
        "msg": "\n".join(_lines(found, order, room.free, room.total)),
    }


def _clean_app(layout: Layout, app: str, order: Order, found: Found) -> None:
    if order.check:
        found.instances |= removal.superfluous(layout, app, order.keep)[1]
        found.uploads |= removal.abandoned(layout, app)
        return
    with locks.of_app(layout, app, order.owner, "cleaning the node"):
        uploads = removal.abandoned(layout, app)
        found.instances |= removal.prune(layout, app, order.keep)
        found.uploads |= uploads


def _apps(layout: Layout) -> list[str]:
    """Return the apps of which there are instances or uploads."""
    names = {path.name for path in layout.www.iterdir()}
    names |= {path.stem for path in layout.instances.iterdir()}
    found = {name.partition(".")[0] for name in names if instances.NAME.fullmatch(name)}
    return sorted(found | {path.name.partition(".")[0] for path in layout.staging.glob("?*.*")})


def _lines(found: Found, order: Order, free: int, total: int) -> Iterator[str]:
    verb = "would remove" if order.check else "removed"
    for name, count in found.instances.items():
        yield f"{verb} {name}, {disk.text(count)}"
    for name, count in found.uploads.items():
        yield f"{verb} the upload {name}, {disk.text(count)}"
    if not (found.instances or found.uploads):
        yield "there is nothing to remove"
    room = f"{disk.text(free)} of {disk.text(total)} are free"
    more = f"; {disk.text(found.freed)} more without these" if order.check and found.freed else ""
    yield room + more
