"""Keeping visitors out of an app: until somebody lets them in again, or while a deploy works."""

from collections.abc import Collection, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from silvernode import interrupts, locks
from silvernode import settings as node_settings
from silvernode.errors import NodeError
from silvernode.layout import Layout
from silvernode.routing import closings, registry, varnish
from silvernode.routing.locations import DISABLED, NOT_FOUND
from silvernode.routing.registry import Registry
from silvernode.routing.selection import select
from silvernode.settings import Settings

WITHOUT_VISITORS = frozenset({DISABLED, NOT_FOUND})


@dataclass(frozen=True)
class Meant:
    """What somebody wants to disable or enable.

    Attributes:
        apps: names of apps.
        locations: locations, or patterns as in a shell.
    """

    apps: tuple[str, ...] = ()
    locations: tuple[str, ...] = ()


def disable(layout: Layout, meant: Meant) -> dict[str, Any]:
    """Show visitors the maintenance page, at once and until it is enabled again.

    Returns:
        Whether anything changed, and what to tell.

    Raises:
        NodeError: there is no such app or location; nothing has changed.
    """
    with locks.of_routes(layout):
        old = registry.load(layout)
        locations = select(old, meant.locations)
        _check_apps(old, meant.apps)
        _check_visited(locations)
        new = old.with_disabled(meant.apps, locations)
        _replace(layout, old, new)
    page = "status 503 and the page of " + (old.owner(DISABLED) or "Silver Lining")
    lines = [
        f"{each} was disabled already" if old.is_disabled(each) else f"{each}: visitors get {page}"
        for each in sorted({*locations, *_locations_of(old, meant.apps)})
    ]
    return {"changed": old != new, "msg": "\n".join(lines)}


def enable(layout: Layout, meant: Meant) -> dict[str, Any]:
    """Let visitors in again; of an app at all of its locations.

    Returns:
        Whether anything changed, and what to tell.

    Raises:
        NodeError: there is no such app or location, or its app is disabled; nothing has changed.
    """
    with locks.of_routes(layout):
        old = registry.load(layout)
        _check_apps(old, set(meant.apps) - set(old.disabled.apps))
        gone = set(meant.locations) & set(old.disabled.locations)
        locations = {*gone, *select(old, (each for each in meant.locations if each not in gone))}
        locations |= set(_locations_of(old, meant.apps))
        new = old.with_enabled(meant.apps, locations)
        _check_enabled(new, locations)
        _replace(layout, old, new)
    lines = [
        f"{each}: visitors get the site" if old.is_disabled(each) else f"{each} was not disabled"
        for each in sorted(locations)
    ]
    return {"changed": old != new, "msg": "\n".join(lines)}


@contextmanager
def closed(layout: Layout, app: str, mode: str, settings: Settings) -> Iterator[None]:
    """Keep visitors out of an app while a deploy works on its data.

    See `silvernode.routing.closings`.

    To be called under the app's lock. If it is killed the app counts as open at once, and the next
    command that applies the routes (`prepare`, `refresh`, a reboot) opens it.

    Raises:
        NodeError: Varnish refused.
    """
    try:
        with closings.held(layout, app, mode):
            _apply(layout, settings)
            yield
    finally:
        with interrupts.held():
            _apply(layout, settings)


def change(layout: Layout, app: str, mode: str, settings: Settings) -> None:
    """Keep visitors out of an app in another way, within `closed`.

    Raises:
        NodeError: Varnish refused.
    """
    with locks.of_routes(layout):
        closings.change(layout, app, mode)
        varnish.apply(layout, registry.load(layout), settings)


def _apply(layout: Layout, settings: Settings) -> None:
    with locks.of_routes(layout):
        varnish.apply(layout, registry.load(layout), settings)


def _locations_of(routes: Registry, apps: Collection[str]) -> list[str]:
    found = [name for app in apps for name in routes.locations_of(app)]
    return [name for name in found if name not in WITHOUT_VISITORS]


def _check_visited(locations: Iterable[str]) -> None:
    for each in WITHOUT_VISITORS.intersection(locations):
        raise NodeError(
            f"{each} has no visitors of its own to keep out; to have Silver Lining's page instead:"
            f" ./silver deactivate {each}"
        )


def _check_enabled(routes: Registry, locations: Iterable[str]) -> None:
    for each in sorted(filter(routes.is_disabled, locations)):
        app = routes.owner(each)
        raise NodeError(
            f"{each} is disabled with all of {app}; to enable all of it:"
            f" ./silver enable --by-name {app}"
        )


def _check_apps(routes: Registry, apps: Iterable[str]) -> None:
    served = {route.app for route in routes.locations.values()}
    for app in apps:
        if app not in served:
            there = f"there is {', '.join(sorted(served))}" if served else "nothing is"
            raise NodeError(f"no app named {app} is served on this node; {there}")


def _replace(layout: Layout, old: Registry, new: Registry) -> None:
    """Write the registry and apply it; both go back if either fails."""
    settings = node_settings.load(layout)
    interrupts.ignore()
    try:
        registry.save(layout, new)
        varnish.apply(layout, new, settings)
    except BaseException:
        registry.save(layout, old)
        varnish.apply(layout, old, settings)
        raise
    varnish.discard_unused(layout, new, settings)
