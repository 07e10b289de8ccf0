"""What a node serves where, for the routes: the locations of the registry that have visitors."""

from dataclasses import dataclass

from silvernode.routing.locations import DISABLED, NOT_FOUND, SPECIAL, WILDCARD, specificity, split
from silvernode.routing.registry import Registry, Route

WWW = "www."


@dataclass(frozen=True)
class Place:
    """A location at which visitors are served.

    Attributes:
        location: its name.
        app: the app that is served there.
        instance: its active instance.
        previous: what `prev.` before the host leads to; empty if nothing does.
        closed: whether and how visitors are kept out: `disabled`, one of the modes of
            `silvernode.routing.closings`, or empty.
    """

    location: str
    app: str
    instance: str
    previous: str
    closed: str

    @property
    def host(self) -> str:
        """The host, or the pattern, that visitors ask for."""
        return split(self.location)[0]

    @property
    def path(self) -> str:
        """The path prefix, such as `/blog`; empty for a whole host."""
        return split(self.location)[1]


def places(registry: Registry) -> list[Place]:
    """Return every place of a node, the most specific one first."""
    visited = set(registry.locations) - {DISABLED}
    return [
        _place(registry, name, registry.locations[name])
        for name in sorted(visited, key=specificity)
    ]


def redirects(registry: Registry) -> set[str]:
    """Return the hosts with `www.` that lead to those without it, as nothing is served there."""
    hosts = {name for name in registry.locations if _is_host(name) and not name.startswith(WWW)}
    return {f"{WWW}{host}" for host in hosts} - set(registry.locations)


def is_pattern(location: str) -> bool:
    """Tell whether a location means every host below a domain."""
    return location.startswith(WILDCARD)


def _place(registry: Registry, location: str, route: Route) -> Place:
    if location == NOT_FOUND:
        # It is shown to whoever asks for anything unknown, whatever is closed.
        return Place(location, route.app, route.instance, "", "")
    closed = "disabled" if registry.is_disabled(location) else registry.closed.get(route.app, "")
    return Place(location, route.app, route.instance, route.previous, closed)


def _is_host(location: str) -> bool:
    return not (split(location)[1] or is_pattern(location) or location in SPECIAL)
