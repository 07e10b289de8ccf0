"""What every way to change what is served shares: an instance is tried, then the routes move."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from silvernode import atomic, instances, interrupts, jobs, locks, units
from silvernode.deploy import removal
from silvernode.deploy.trial import Trial
from silvernode.errors import NodeError
from silvernode.instances import Record
from silvernode.layout import Layout
from silvernode.routing import registry, varnish
from silvernode.routing.registry import Registry
from silvernode.settings import Settings

Changes = Mapping[str, Record]
"""For each location that changes, the instance that it is going to be served by."""

Records = Sequence[tuple[Record, Record]]


def start(
    layout: Layout, record: Record, location: str, settings: Settings, *, update: bool
) -> None:
    """Start an instance that does not run, for a location, and check it, unseen by visitors.

    Args:
        layout: the node's paths.
        record: the instance.
        location: where it is going to be served.
        settings: the node's settings.
        update: carry out `update_fetch`, as is done once for every new instance.

    Raises:
        NodeError: it is not fit to be served; the output is the app's own.
    """
    variables = instances.environment(layout, record, location, settings)
    env = instances.env_path(layout, record.instance)
    atomic.write(env, instances.env_text(variables), mode=0o600)
    units.install(layout, record.app)
    Trial(layout, settings, record.instance, variables, record.plan).run(update=update)


def serve(layout: Layout, changes: Changes, settings: Settings) -> None:
    """Write the registry and move the routes, all together; all of it goes back if any of it fails.

    The registry decides: whatever kills this, the next `prepare` moves the routes to what it says.

    Args:
        layout: the node's paths.
        changes: what is to be served; these instances run.
        settings: the node's settings.

    Raises:
        NodeError: everything is served as before.
        OSError: the same, for a reason such as a full disk.
    """
    now = datetime.now(UTC).isoformat(timespec="milliseconds")
    names = sorted({record.instance for record in changes.values()})
    with locks.of_routes(layout):
        old = new = registry.load(layout)
        for location, record in changes.items():
            owner = old.owner(location)
            if owner not in (None, record.app):
                raise NodeError(
                    f"{location} is served by the app {owner} by now; choose another location"
                )
            new = new.switched(location, record.app, record.instance, now)
        for app in sorted({record.app for record in changes.values()}):
            varnish.load(layout, new, app, settings)
        interrupts.ignore()
        try:
            for name in names:
                units.enable(name)
            move(layout, old, new, _noted(changes, now), settings)
        except BaseException:
            for name in set(names) - registry.load(layout).all_active():
                units.disable(name)
            raise


def move(
    layout: Layout, old: Registry, new: Registry, records: Records, settings: Settings
) -> None:
    """Write records and registry, and move the routes; all of it goes back if any of it fails.

    To be called under the lock of the routes.

    Args:
        layout: the node's paths.
        old: the registry that there is.
        new: the one that there is going to be.
        records: those that change, as they are and as they are going to be.
        settings: the node's settings.

    Raises:
        NodeError: everything is served as before.
        OSError: the same, for a reason such as a full disk.
    """
    interrupts.ignore()
    try:
        for _, after in records:
            instances.save(layout, after)
        registry.save(layout, new)
        varnish.apply(layout, new, settings)
    except BaseException:
        varnish.apply(layout, old, settings)
        registry.save(layout, old)
        for before, _ in records:
            instances.save(layout, before)
        raise


def mended(layout: Layout, settings: Settings) -> Registry:
    """Return the registry, once the routes are what it says: a killed command may have left them.

    Raises:
        NodeError: Varnish refused.
    """
    with locks.of_routes(layout):
        routes = registry.load(layout)
        varnish.apply(layout, routes, settings)
        return routes


def tidy_up(layout: Layout, app: str, before: Iterable[str], settings: Settings) -> dict[str, Any]:
    """Put away what a switch of an app left over; nothing that fails here undoes the switch.

    Args:
        layout: the node's paths.
        app: the app's name.
        before: the instances that were active until the switch.
        settings: the node's settings.

    Returns:
        `removed`, the instances that were; `freed`, the bytes that this gave back; `warnings` of
        what could not be done.
    """
    removed: dict[str, int] = {}
    warnings = jobs.follow(layout, app)
    try:
        for instance in before:
            removal.retire(layout, instance, settings.warm_seconds)
        removed = removal.prune(layout, app, settings.keep_instances)
        with locks.of_routes(layout):
            varnish.discard_unused(layout, registry.load(layout), settings)
    except (NodeError, OSError) as error:
        warnings.append(f"{app} is switched, but not everything old could go: {error}")
    return {"removed": list(removed), "freed": sum(removed.values()), "warnings": warnings}


def _noted(changes: Changes, now: str) -> list[tuple[Record, Record]]:
    """Return the records of the instances, as they are and with where they are served from now."""
    records = {record.instance: record for record in changes.values()}
    return [
        (record, replace(record, active_since=record.active_since | _since(changes, name, now)))
        for name, record in records.items()
    ]


def _since(changes: Changes, instance: str, now: str) -> dict[str, str]:
    return {location: now for location, each in changes.items() if each.instance == instance}
