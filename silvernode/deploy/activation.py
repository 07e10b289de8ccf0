"""Locations switched to instances that are on the node already: `silver-node activate`."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import Any

from silvernode import instances, locks
from silvernode import settings as node_settings
from silvernode.data import going_back, mending
from silvernode.deploy import revival, switching
from silvernode.errors import NodeError
from silvernode.instances import Record
from silvernode.layout import Layout
from silvernode.routing import registry, selection
from silvernode.routing.locations import LOCATION
from silvernode.routing.registry import Registry
from silvernode.settings import Settings

PREVIOUS = "prev"
"""In the place of an instance: the one that was active before, at each of the locations."""

Wanted = Mapping[str, str]
"""The instance for each location."""


@dataclass(frozen=True)
class Wish:
    """Who wants to have which instance served where.

    Attributes:
        locations: locations or patterns, see `silvernode.routing.selection`.
        instance: the name of an instance, or `prev`.
        owner: who asks, as `user@machine`.
        checkpoint: what the app's data goes back to, see `silvernode.data.going_back`; empty for
            nothing.
        check: tell only what would become of the data.
    """

    locations: Sequence[str]
    instance: str
    owner: str
    checkpoint: str = ""
    check: bool = False


def activate(layout: Layout, wish: Wish) -> dict[str, Any]:
    """Switch locations, all of them or none, to instances that are started and checked first.

    Returns:
        What is served where, what was removed, and warnings of what could not be tidied up.

    Raises:
        NodeError: every location goes on as it was.
        OSError: the same, for a reason such as a full disk.
    """
    wanted = _wanted(registry.load(layout), wish)
    if wish.check:
        way = going_back.find(layout, registry.load(layout), wanted, wish.checkpoint)
        return {"changed": True, "back": way.told()}
    with _alone(layout, wish, wanted):
        settings = node_settings.load(layout)
        told = [line for app in _apps(wanted) for line in mending.mend(layout, settings, app)]
        routes = switching.mended(layout, settings)
        if _wanted(routes, wish) != wanted:
            raise NodeError(f"{', '.join(wanted)}: switched by somebody else; look and try again")
        changes = {each: name for each, name in wanted.items() if routes.active(each) != name}
        with _data(layout, routes, wanted, wish, settings) as warnings:
            if changes:
                with _told_of(changes):
                    _switch(layout, routes, changes, settings)
        tidied = _tidy_up(layout, wanted, settings)
        tidied["warnings"] += [*told, *warnings]
    return {
        "changed": bool(changes or wish.checkpoint),
        "served": wanted,
        "msg": "\n".join(_lines(registry.load(layout), wanted, changes)),
        **tidied,
    }


def _wanted(routes: Registry, wish: Wish) -> Wanted:
    """Return what is to be served where.

    Raises:
        NodeError: it cannot be.
    """
    if wish.instance == PREVIOUS:
        return {each: _previous(routes, each) for each in selection.select(routes, wish.locations)}
    app = wish.instance.partition(".")[0]
    found: dict[str, str] = {}
    for location in wish.locations:
        meant = selection.matching(routes, location) or _new(location)
        if not meant:
            raise selection.unknown(routes, location)
        found |= dict.fromkeys(meant, wish.instance)
    for location in found:
        owner = routes.owner(location)
        if owner not in (None, app):
            raise NodeError(
                f"{location} is served by the app {owner}, and {wish.instance} is none of its"
                " instances"
            )
    return found


def _new(location: str) -> list[str]:
    """Return what is no location yet, but can become one; a pattern would do so by mistake."""
    can_be = LOCATION.fullmatch(location) and not selection.has_wildcard(location)
    return [location] if can_be else []


def _previous(routes: Registry, location: str) -> str:
    previous = routes.locations[location].previous
    if not previous:
        raise NodeError(
            f"{location} has no previous instance: {routes.active(location)} is the first"
        )
    return previous


@contextmanager
def _alone(layout: Layout, wish: Wish, wanted: Wanted) -> Iterator[None]:
    """Keep every other command that changes one of the apps out."""
    what = f"activating {wish.instance} at {', '.join(wanted)}"
    with ExitStack() as stack:
        for app in _apps(wanted):
            stack.enter_context(locks.of_app(layout, app, wish.owner, what))
        yield


@contextmanager
def _data(
    layout: Layout, routes: Registry, wanted: Wanted, wish: Wish, settings: Settings
) -> Iterator[list[str]]:
    """Have the app's data go back to a checkpoint, if that is wanted; gives warnings."""
    if not wish.checkpoint:
        yield []
        return
    way = going_back.find(layout, routes, wanted, wish.checkpoint)
    with going_back.gone(layout, settings, way) as warnings:
        yield warnings


@contextmanager
def _told_of(changes: Wanted) -> Iterator[None]:
    """Have an error of the block say what it means for the sites."""
    try:
        yield
    except NodeError as error:
        are = "stays as it was" if len(changes) == 1 else "stay as they were"
        raise NodeError(f"{', '.join(changes)} {are}: {error}", error.output) from error


def _switch(layout: Layout, routes: Registry, changes: Wanted, settings: Settings) -> None:
    records = {name: _record(layout, name) for name in sorted(set(changes.values()))}
    with ExitStack() as stack:
        for name, record in records.items():
            locations = [location for location, each in changes.items() if each == name]
            stack.enter_context(revival.revived(layout, record, locations, routes, settings))
        switching.serve(
            layout, {location: records[name] for location, name in changes.items()}, settings
        )


def _record(layout: Layout, instance: str) -> Record:
    """Return the record of an instance that is to be served.

    Raises:
        NodeError: there is no such instance; names those that there are.
    """
    record = instances.load(layout, instance) if instances.NAME.fullmatch(instance) else None
    if record and (layout.www / instance).is_dir():
        return record
    app = instance.partition(".")[0]
    there = [each.instance for each in instances.load_all(layout) if each.app == app]
    known = ", ".join(sorted(there)) or "none of this app"
    raise NodeError(f"there is no instance {instance} on this node; there is: {known}")


def _tidy_up(layout: Layout, wanted: Wanted, settings: Settings) -> dict[str, Any]:
    """Put away what was active before, also if a command that was killed has switched from it."""
    routes = registry.load(layout)
    tidied: dict[str, Any] = {"removed": [], "freed": 0, "warnings": []}
    before = {routes.locations[location].previous for location in wanted}
    for app in _apps(wanted):
        old = sorted(each for each in before if each.startswith(f"{app}."))
        for key, value in switching.tidy_up(layout, app, old, settings).items():
            tidied[key] += value
    return tidied


def _lines(routes: Registry, wanted: Wanted, changes: Wanted) -> Iterator[str]:
    for location, instance in wanted.items():
        previous = routes.locations[location].previous
        more = f", prev.{location} by {previous}" if previous else ""
        yield (
            f"{location} is served by {instance}"
            + (more if location in changes else " already; nothing has changed")
        )


def _apps(wanted: Wanted) -> list[str]:
    return sorted({instance.partition(".")[0] for instance in wanted.values()})
