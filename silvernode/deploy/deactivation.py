"""Locations taken away: `silver-node deactivate`."""

from collections.abc import Collection, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from typing import Any

from silvernode import instances, jobs, locks, units
from silvernode import settings as node_settings
from silvernode.deploy import switching
from silvernode.errors import NodeError
from silvernode.instances import Record
from silvernode.layout import Layout
from silvernode.routing import registry, selection, varnish
from silvernode.routing.registry import Registry
from silvernode.settings import Settings


@dataclass(frozen=True)
class Unwanted:
    """Who wants to have which locations taken away.

    Attributes:
        locations: locations or patterns, see `silvernode.routing.selection`.
        owner: who asks, as `user@machine`.
        check: tell only which ones these are.
    """

    locations: Sequence[str]
    owner: str
    check: bool = False


def deactivate(layout: Layout, unwanted: Unwanted) -> dict[str, Any]:
    """Take locations away, all of them or none; the instances stay on the node.

    Returns:
        The locations, and warnings of what could not be tidied up.

    Raises:
        NodeError: every location goes on as it was.
        OSError: the same, for a reason such as a full disk.
    """
    if unwanted.check:
        found = selection.select(registry.load(layout), unwanted.locations)
        return {"changed": True, "locations": found}
    settings = node_settings.load(layout)
    old = switching.mended(layout, settings)
    found = selection.select(old, unwanted.locations)
    apps = _apps(old, found)
    with ExitStack() as stack:
        for app in apps:
            what = f"deactivating {', '.join(found)}"
            stack.enter_context(locks.of_app(layout, app, unwanted.owner, what))
        old = registry.load(layout)
        _take_away(layout, apps, found, settings)
        warnings = _tidy_up(layout, old, found, settings)
    return {
        "changed": True,
        "locations": found,
        "msg": "\n".join(f"{each} is not served any more" for each in found),
        "warnings": warnings,
    }


def _take_away(
    layout: Layout, apps: Collection[str], found: Collection[str], settings: Settings
) -> None:
    records = [
        instances.load(layout, name) for app in apps for name in instances.on_disk(layout, app)
    ]
    changed = [
        (record, _without(record, found))
        for record in records
        if record and set(found) & set(record.active_since)
    ]
    with locks.of_routes(layout):
        old = registry.load(layout)
        switching.move(layout, old, old.without_locations(found), changed, settings)


def _without(record: Record, locations: Collection[str]) -> Record:
    """Return a record from which no registry that is made again will get these locations."""
    kept = {name: since for name, since in record.active_since.items() if name not in locations}
    return replace(record, active_since=kept, has_served=True)


def _tidy_up(
    layout: Layout, old: Registry, found: Collection[str], settings: Settings
) -> list[str]:
    """Stop what nobody can reach any more; nothing that fails here brings a location back."""
    warnings = [line for app in _apps(old, found) for line in jobs.follow(layout, app)]
    routes = registry.load(layout)
    try:
        for instance in sorted({old.active(location) for location in found}):
            if instance not in routes.all_active():
                units.disable(instance)
        for app in _apps(old, found):
            for instance in sorted(old.referenced(app) - routes.referenced(app)):
                units.stop(instance)
        with locks.of_routes(layout):
            varnish.discard_unused(layout, registry.load(layout), settings)
    except (NodeError, OSError) as error:
        warnings.append(f"{', '.join(found)}: not everything old could go: {error}")
    return warnings


def _apps(routes: Registry, locations: Collection[str]) -> list[str]:
    return sorted({route.app for name, route in routes.locations.items() if name in locations})
