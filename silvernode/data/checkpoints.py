"""Checkpoints: an app's database as it was before an update, kept beside the instance it served.

`/var/lib/silverlining/checkpoints/APP/INSTANCE/STAMP/` holds one: what each service's `backup`
wrote in `services/NAME/`, and `checkpoint.json`. INSTANCE is the one that was active: whose data it
is.
"""

import json
import shutil
import time
from collections.abc import Collection
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from itertools import chain, count
from pathlib import Path
from typing import Any

from silvernode import atomic, instances
from silvernode.data import journal, services
from silvernode.data.service import Service
from silvernode.errors import NodeError
from silvernode.layout import Layout
from silvernode.settings import Settings

SIDE = "checkpoint"
FIRST = "first"
"""In place of the instance for the data of an app that has none yet."""
FILE = "checkpoint.json"


@dataclass(frozen=True)
class Checkpoint:
    """A checkpoint that is complete.

    Attributes:
        app: the app's name.
        instance: the instance whose data it is.
        stamp: its name, the time in UTC at which it was begun.
        created: the same, ISO 8601.
        seconds: how long it took.
        bytes: how many it takes on disk.
        reason: why it was taken and is there, in words.
        facts: for each service what its `backup` returned.
    """

    app: str
    instance: str
    stamp: str
    created: str
    seconds: float
    bytes: int
    reason: str
    facts: dict[str, dict[str, Any]] = field(default_factory=dict)


def kept_of(layout: Layout, app: str, side: str = SIDE) -> dict[str, Service]:
    """Return the services of an app of which checkpoints are taken, by name."""
    found = services.of_app(layout, app, side)
    return {name: service for name, service in found.items() if service.has_checkpoint}


def obstacle(layout: Layout, app: str, settings: Settings) -> str:
    """Return why no checkpoint can be taken of an app, in words; empty if one can."""
    if not settings.checkpoint:
        return "role variable app_checkpoint is off"
    kept = kept_of(layout, app).values()
    if why := next(filter(None, (service.obstacle() for service in kept)), ""):
        return why
    size = sum(service.size() for service in kept)
    if size > settings.checkpoint_max_mb * 2**20:
        return (
            f"the data takes {_mb(size)} (role variable app_checkpoint_max_mb:"
            f" {settings.checkpoint_max_mb})"
        )
    # Putting it back takes a copy of the data as well.
    free = shutil.disk_usage(layout.state).free - settings.disk_reserve_mb * 2**20
    if 2 * size > free:
        return (
            f"it and a copy could take {_mb(2 * size)}, and the disk has {_mb(max(free, 0))} left"
        )
    return ""


def take(layout: Layout, app: str, instance: str, reason: str) -> Checkpoint:
    """Take a checkpoint of an app's data, while the app goes on.

    Args:
        layout: the node's paths.
        app: the app's name.
        instance: the instance whose data it is; empty if there is none yet.
        reason: why, in words.

    Raises:
        NodeError: it failed, and nothing is left of it.
        OSError: the same, for a reason such as a full disk.
    """
    began, now = time.monotonic(), datetime.now(UTC)
    directory = journal.directory(layout, app)
    draft = directory / ".new"
    _clear(draft)
    draft.mkdir(mode=0o700)
    try:
        facts = _backup(layout, app, draft)
        home = directory / (instance or FIRST)
        home.mkdir(exist_ok=True, mode=0o700)
        target = _free(home, now)
        checkpoint = Checkpoint(
            app=app,
            instance=home.name,
            stamp=target.name,
            created=now.isoformat(timespec="seconds"),
            seconds=round(time.monotonic() - began, 3),
            bytes=_size(draft),
            reason=reason,
            facts=facts,
        )
        atomic.write_json(draft / FILE, asdict(checkpoint), mode=0o600)
        draft.rename(target)
    except BaseException:
        _clear(draft)
        raise
    return checkpoint


def find(layout: Layout, app: str, stamp: str) -> Checkpoint:
    """Return a checkpoint of an app.

    Raises:
        NodeError: there is none of that name; names those that are there.
    """
    known = {each.stamp: each for each in load_all(layout, app)}
    if stamp not in known:
        there = f"there is {', '.join(known)}" if known else "there is none"
        raise NodeError(f"{app} has no checkpoint {stamp!r} on this node; {there}")
    return known[stamp]


def of_instance(layout: Layout, instance: str) -> list[Checkpoint]:
    """Return the checkpoints of an instance's data, the newest first."""
    app = instance.partition(".")[0]
    return [each for each in load_all(layout, app) if each.instance == instance]


def load_all(layout: Layout, app: str) -> list[Checkpoint]:
    """Return the checkpoints of an app, the newest first."""
    found = []
    for path in (layout.checkpoints / app).glob(f"*/*/{FILE}"):
        try:
            found.append(Checkpoint(**json.loads(path.read_bytes())))
        except (OSError, ValueError, TypeError):
            continue  # It is being removed, or was by somebody's hand.
    return sorted(found, key=lambda each: each.stamp, reverse=True)


def path(layout: Layout, checkpoint: Checkpoint) -> Path:
    """Return the directory of a checkpoint."""
    return layout.checkpoints / checkpoint.app / checkpoint.instance / checkpoint.stamp


def explain(layout: Layout, checkpoint: Checkpoint, reason: str) -> None:
    """Change the reason of a checkpoint: why it is still there."""
    changed = asdict(checkpoint) | {"reason": reason}
    atomic.write_json(path(layout, checkpoint) / FILE, changed, mode=0o600)


def remove(layout: Layout, checkpoint: Checkpoint) -> None:
    """Remove a checkpoint."""
    directory = path(layout, checkpoint)
    # What has lost this is no checkpoint any more, whatever of it is left.
    atomic.remove(directory / FILE)
    _clear(directory)
    if not any(directory.parent.iterdir()):
        directory.parent.rmdir()


def prune(layout: Layout, app: str, keep: int) -> None:
    """Remove the oldest checkpoints of an app, and those of instances that are gone.

    To be called under the app's lock.
    """
    there = set(instances.on_disk(layout, app))
    for number, checkpoint in enumerate(load_all(layout, app)):
        if number >= keep or checkpoint.instance not in there:
            remove(layout, checkpoint)
    sweep(layout, app)


def sweep(layout: Layout, app: str) -> None:
    """Remove what killed commands left of an app's checkpoints."""
    home = layout.checkpoints / app
    for draft in (home / ".new", home / ".compared"):
        _clear(draft)
    for directory in home.glob("*/*"):
        if not (directory / FILE).exists():
            _clear(directory)


def is_unchanged(layout: Layout, checkpoint: Checkpoint) -> bool:
    """Tell whether the app's data is still, or again, what the checkpoint holds, for sure."""
    scratch = journal.directory(layout, checkpoint.app) / ".compared"
    _clear(scratch)
    scratch.mkdir(mode=0o700)
    try:
        for name, service in _recorded(layout, checkpoint).items():
            (scratch / name).mkdir()
            if not service.is_unchanged(_files(layout, checkpoint, name), scratch / name):
                return False
        return True
    finally:
        _clear(scratch)


def stage(layout: Layout, checkpoint: Checkpoint) -> None:
    """Make a copy of the checkpoint's data beside the app's, which stays as it is, and check it.

    Raises:
        NodeError: it failed, and no copy is left.
        OSError: the same, for a reason such as a full disk.
    """
    try:
        for name, service in _recorded(layout, checkpoint).items():
            service.stage(_files(layout, checkpoint, name))
            service.check(checkpoint.facts[name])
    except BaseException:
        discard(layout, checkpoint)
        raise


def identities(layout: Layout, checkpoint: Checkpoint) -> dict[str, str]:
    """Return what tells the app's data from the copy beside it, by service."""
    return {name: service.identity() for name, service in _recorded(layout, checkpoint).items()}


def swap(layout: Layout, checkpoint: Checkpoint, names: Collection[str] | None = None) -> None:
    """Exchange the app's data and the copy that was staged, all of it or nothing.

    Args:
        layout: the node's paths.
        checkpoint: what was staged.
        names: of the services to do it for; all of them by default.

    Raises:
        NodeError: the app has the data that it had.
    """
    done: list[Service] = []
    try:
        for name, service in _recorded(layout, checkpoint).items():
            if names is None or name in names:
                service.swap()
                done.append(service)
    except BaseException:
        for service in done:
            service.swap()
        raise


def discard(layout: Layout, checkpoint: Checkpoint) -> None:
    """Remove the copy beside the app's data, or what the app's data was before a swap."""
    for service in _recorded(layout, checkpoint).values():
        service.discard()


def _recorded(layout: Layout, checkpoint: Checkpoint) -> dict[str, Service]:
    """Return the services that a checkpoint has the data of.

    Raises:
        NodeError: the app does not have one of them any more.
    """
    found = kept_of(layout, checkpoint.app)
    missing = sorted(set(checkpoint.facts) - set(found))
    if missing:
        raise NodeError(f"{checkpoint.app} has no service.{missing[0]} any more")
    return {name: service for name, service in found.items() if name in checkpoint.facts}


def _backup(layout: Layout, app: str, draft: Path) -> dict[str, dict[str, Any]]:
    facts = {}
    for name, service in kept_of(layout, app).items():
        target = draft / "services" / name
        target.mkdir(parents=True)
        facts[name] = service.backup(target)
    return facts


def _files(layout: Layout, checkpoint: Checkpoint, service: str) -> Path:
    return path(layout, checkpoint) / "services" / service


def _free(home: Path, now: datetime) -> Path:
    """Return a path for a checkpoint of this moment; two in one second have each their own."""
    stamp = f"{now:%Y%m%dT%H%M%SZ}"
    names = chain([stamp], (f"{stamp}-{number}" for number in count(2)))
    return next(home / name for name in names if not (home / name).exists())


def _size(directory: Path) -> int:
    return sum(each.stat().st_size for each in directory.rglob("*") if each.is_file())


def _mb(size: int) -> str:
    return f"{size / 2**20:,.0f} MB"


def _clear(directory: Path) -> None:
    if directory.exists():
        shutil.rmtree(directory)
