"""What goes away again: instances, uploads, and the rest of an instance that nobody asks."""

import re
import shutil
import time
from pathlib import Path

from silvernode import atomic, disk, instances, jobs, locks, units
from silvernode.deploy import app_config, manifest
from silvernode.deploy.request import Request
from silvernode.errors import NodeError
from silvernode.layout import Layout
from silvernode.routing import registry

ABANDONED_SECONDS = 24 * 3600
SETTLE_SECONDS = 10
POLL_SECONDS = 0.05
GONE_SECONDS = 0.5


def prune(layout: Layout, app: str, keep: int) -> dict[str, int]:
    """Remove what no location refers to, but for the newest instances that once served.

    Also removes what a killed deploy left: an instance that never served. What is kept is stopped,
    since nobody can reach it. To be called under the app's lock.

    Args:
        layout: the node's paths.
        app: the app's name.
        keep: how many instances to keep.

    Returns:
        The instances that were removed, with the bytes that each gave back.
    """
    kept, removed = superfluous(layout, app, keep)
    for name in filter(units.is_running, kept):
        units.stop(name)
    for name in removed:
        remove(layout, name)
    drop_abandoned(layout, app)
    return removed


def superfluous(layout: Layout, app: str, keep: int) -> tuple[list[str], dict[str, int]]:
    """Return which of the instances that no location refers to stay, and which go.

    Args:
        layout: the node's paths.
        app: the app's name.
        keep: how many stay, the newest of those that once served.

    Returns:
        The ones that stay; the ones that go, with the bytes that each gives back.
    """
    # A job or a script that is under way ends with the files that it began with.
    spared = registry.load(layout).referenced(app) | jobs.in_use(app)
    others = [name for name in instances.on_disk(layout, app) if name not in spared]
    kept = [name for name in others if _has_served(layout, name)][:keep]
    met = disk.Names()
    gone = {name: disk.freed(_parts(layout, name), met) for name in others if name not in kept}
    return kept, gone


def _parts(layout: Layout, instance: str) -> list[Path]:
    """Return all that there is of an instance, the last one being what tells that it is there."""
    return [
        instances.path(layout, instance),
        layout.www / instance,
        app_config.path(layout, instance),
        manifest.path(layout, instance),
        instances.env_path(layout, instance),
    ]


def remove(layout: Layout, instance: str) -> None:
    """Stop an instance and remove every trace of it; safe to repeat after a crash.

    The record goes first, so that nobody takes a half-removed instance for one that can serve; its
    environment goes last, since it shows that something is left to remove.

    Raises:
        NodeError: a location refers to the instance.
    """
    app = instance.partition(".")[0]
    if instance in registry.load(layout).referenced(app):
        raise NodeError(f"{instance} is in use and cannot be removed")
    units.stop_now(layout, instance)
    atomic.remove(instances.path(layout, instance))
    _remove_tree(layout.www / instance)
    _remove_tree(app_config.path(layout, instance))
    _remove_tree(layout.checkpoints / app / instance)
    atomic.remove(manifest.path(layout, instance))
    with locks.of_routes(layout):
        registry.save(layout, registry.load(layout).without(instance))
    atomic.remove(instances.env_path(layout, instance))


def abandon(layout: Layout, upload: str) -> None:
    """Remove an upload that did not come to its end, and the configuration beside it.

    Raises:
        NodeError: it is not the name of an upload.
    """
    for path in (layout.staged(upload), app_config.staged(layout, upload)):
        try:
            _remove_tree(path)
        except OSError:
            # The rsync of an upload that was just interrupted may have made another file.
            time.sleep(GONE_SECONDS)
            _remove_tree(path)


def settle(layout: Layout, request: Request, upload: str) -> str:
    """Remove what an interrupted update left, once its switch, if it came to one, has ended.

    A switch ends with its client, and has the app's lock until then.

    Returns:
        The instance that is active at the location, or an empty string.
    """
    deadline = time.monotonic() + SETTLE_SECONDS
    while True:
        try:
            command = f"tidying up after an update of {request.location}"
            with locks.of_app(layout, request.app, request.owner, command):
                break
        except NodeError:
            if time.monotonic() > deadline:
                break  # Somebody else's; ours is over by now.
            time.sleep(POLL_SECONDS)
    abandon(layout, upload)
    return registry.load(layout).active(request.location)


def drop_abandoned(layout: Layout, app: str) -> None:
    """Remove an app's uploads of which nobody has heard for a day."""
    for upload in abandoned(layout, app):
        _remove_tree(layout.staged(upload))


def abandoned(layout: Layout, app: str) -> dict[str, int]:
    """Return an app's uploads of which nobody has heard for a day, with the bytes that each takes.

    Younger ones may be under way: an upload takes no lock, and an app may have several locations.
    """
    now, met, found = time.time(), disk.Names(), {}
    for upload in sorted(layout.staging.glob(f"{app}.*")):
        started = re.fullmatch(r"[^.]+\.(\d+)(\.config)?", upload.name)
        if started and now - int(started[1]) / 1e9 > ABANDONED_SECONDS:
            found[upload.name] = disk.freed([upload], met)
    return found


def retire(layout: Layout, instance: str, seconds: int) -> None:
    """Let an instance that is not active any more rest in a while, and not start at boot.

    Args:
        layout: the node's paths.
        instance: its name.
        seconds: how long it is to keep running, as the previous instance.
    """
    if instance not in registry.load(layout).active_of(instance.partition(".")[0]):
        units.disable(instance)
        units.rest_later(instance, seconds)


def rest(layout: Layout, instance: str) -> bool:
    """Stop an instance that serves as a previous one at most.

    Returns:
        Whether it was stopped.
    """
    app = instance.partition(".")[0]
    with locks.of_app(layout, app, "silver-node", f"letting {instance} rest", wait=True):
        jobs.follow(layout, app)
        if instance in registry.load(layout).active_of(app) or not units.is_running(instance):
            return False
        units.stop(instance)
        return True


def _has_served(layout: Layout, instance: str) -> bool:
    record = instances.load(layout, instance)
    return record is not None and (record.has_served or bool(record.active_since))


def _remove_tree(path: Path) -> None:
    if path.exists():
        shutil.rmtree(path)
