"""Which location is served by which instance: the one truth from which the routes are made."""

import difflib
import json
from collections.abc import Iterable
from dataclasses import asdict, dataclass, field, replace

from silvernode import atomic
from silvernode.errors import NodeError
from silvernode.instances import Record
from silvernode.layout import Layout

PREVIOUS = "prev."
"""Put before a location, it addresses the instance before the active one."""


@dataclass(frozen=True)
class Route:
    """What is served at one location.

    Attributes:
        app: the app's name.
        instance: the active instance, `APP.YYYYMMDD_NNN`.
        previous: the instance before it, served at `prev.LOCATION`; empty for the first.
        since: when the active instance became active, ISO 8601.
    """

    app: str
    instance: str
    previous: str
    since: str


@dataclass(frozen=True)
class Registry:
    """A node's locations, and the address on which each instance listens.

    Attributes:
        locations: the route of each location, `HOST[/PATH]`.
        addresses: the address of each instance.
    """

    locations: dict[str, Route] = field(default_factory=dict)
    addresses: dict[str, str] = field(default_factory=dict)

    def owner(self, location: str) -> str | None:
        """Return the app that is served at a location."""
        route = self.locations.get(location)
        return route.app if route else None

    def active(self, location: str) -> str:
        """Return the instance that is active at a location, or an empty string."""
        route = self.locations.get(location)
        return route.instance if route else ""

    def active_of(self, app: str) -> set[str]:
        """Return an app's instances that are active at some location."""
        return {route.instance for route in self.locations.values() if route.app == app}

    def referenced(self, app: str) -> set[str]:
        """Return an app's instances that some location serves, now or as its previous one."""
        routes = [route for route in self.locations.values() if route.app == app]
        return {name for route in routes for name in (route.instance, route.previous) if name}

    def switched(self, location: str, app: str, instance: str, since: str) -> "Registry":
        """Return the registry after an instance has become active at a location."""
        old = self.locations.get(location)
        if old and old.instance == instance:
            return self
        route = Route(app, instance, old.instance if old else "", since)
        return replace(self, locations={**self.locations, location: route})

    def with_address(self, instance: str, address: str) -> "Registry":
        """Return the registry after an instance was given an address."""
        return replace(self, addresses={**self.addresses, instance: address})

    def without(self, instance: str) -> "Registry":
        """Return the registry after an instance that no location refers to was removed."""
        kept = {name: address for name, address in self.addresses.items() if name != instance}
        return replace(self, addresses=kept)

    def free_address(self) -> str:
        """Return the lowest address of 127.1.0.0/16 that no instance has.

        Raises:
            NodeError: all of them are taken.
        """
        taken = set(self.addresses.values())
        for number in range(1, 0xFFFF):
            address = f"127.1.{number >> 8}.{number & 0xFF}"
            if address not in taken:
                return address
        raise NodeError("this node has no address left for another instance")


def find(layout: Layout, location: str, node: str = "this node") -> str:
    """Return the instance that is served at a location; at `prev.LOCATION`, the one before it.

    Args:
        layout: the node's paths.
        location: `HOST[/PATH]`, or that with `prev.` before it.
        node: what to call the node in an error.

    Raises:
        NodeError: there is none; names the near ones.
    """
    routes = load(layout).locations
    active = {name: route.instance for name, route in routes.items()}
    previous = {f"{PREVIOUS}{name}": route.previous for name, route in routes.items()}
    served = active | {name: instance for name, instance in previous.items() if instance}
    if location in served:
        return served[location]
    near = difflib.get_close_matches(location, served) or sorted(routes)
    there = f"there is {', '.join(near)}" if near else "nothing was deployed to it yet"
    raise NodeError(f"nothing is served at {location} on {node}; {there}")


def load(layout: Layout) -> Registry:
    """Return the node's registry; an empty one on a node to which nothing was deployed.

    Raises:
        NodeError: the file is damaged; names the command that rebuilds it.
    """
    try:
        data = json.loads(layout.registry.read_bytes())
        routes = {location: Route(**route) for location, route in data["locations"].items()}
        return Registry(routes, dict(data["addresses"]))
    except FileNotFoundError:
        return Registry()
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise NodeError(
            f"{layout.registry} is damaged ({error}); run on the node: silver-node rebuild"
        ) from error


def save(layout: Layout, registry: Registry) -> None:
    """Replace the node's registry."""
    atomic.write_json(layout.registry, asdict(registry))


def rebuild(records: Iterable[Record]) -> Registry:
    """Return the registry that the records of a node's instances tell of.

    At each location the instance that became active last is the active one, the one before it the
    previous one.
    """
    known = list(records)
    registry = Registry(addresses={record.instance: record.address for record in known})
    history = sorted(
        (since, location, record.app, record.instance)
        for record in known
        for location, since in record.active_since.items()
    )
    for since, location, app, instance in history:
        registry = registry.switched(location, app, instance, since)
    return registry
