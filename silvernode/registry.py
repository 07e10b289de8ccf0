"""Which location is served by which instance: the one truth from which the routes are made."""

import json
from dataclasses import asdict, dataclass, field, replace

from silvernode import atomic
from silvernode.errors import NodeError
from silvernode.layout import Layout


@dataclass(frozen=True)
class Route:
    """What is served at one location.

    :param app: the app's name.
    :param instance: the active instance, ``APP.YYYYMMDD_NNN``.
    :param previous: the instance before it, served at ``prev.LOCATION``; empty for the first.
    :param since: when the active instance became active, ISO 8601.
    """

    app: str
    instance: str
    previous: str
    since: str


@dataclass(frozen=True)
class Registry:
    """A node's locations, and the address on which each instance listens."""

    locations: dict[str, Route] = field(default_factory=dict)
    addresses: dict[str, str] = field(default_factory=dict)

    def owner(self, location: str) -> str | None:
        """The app that is served at ``location``."""
        route = self.locations.get(location)
        return route.app if route else None

    def of_app(self, app: str) -> dict[str, Route]:
        """The locations of one app."""
        return {name: route for name, route in self.locations.items() if route.app == app}

    def referenced(self, app: str) -> set[str]:
        """The app's instances that some location serves, now or as its previous one."""
        routes = self.of_app(app).values()
        return {name for route in routes for name in (route.instance, route.previous) if name}

    def switched(self, location: str, app: str, instance: str, since: str) -> "Registry":
        """The registry after ``instance`` has become active at ``location``."""
        old = self.locations.get(location)
        route = Route(app, instance, old.instance if old else "", since)
        return replace(self, locations={**self.locations, location: route})

    def with_address(self, instance: str, address: str) -> "Registry":
        return replace(self, addresses={**self.addresses, instance: address})

    def without(self, instance: str) -> "Registry":
        """The registry after ``instance`` was removed from the node."""
        kept = {name: address for name, address in self.addresses.items() if name != instance}
        return replace(self, addresses=kept)

    def free_address(self) -> str:
        """The lowest address of 127.1.0.0/16 that no instance has.

        :raises NodeError: all of them are taken.
        """
        taken = set(self.addresses.values())
        for number in range(1, 0xFFFF):
            address = f"127.1.{number >> 8}.{number & 0xFF}"
            if address not in taken:
                return address
        raise NodeError("this node has no address left for another instance; run ./silver clean-node")


def load(layout: Layout) -> Registry:
    """The node's registry; an empty one on a node to which nothing was deployed.

    :raises NodeError: the file is damaged; names the command that rebuilds it.
    """
    try:
        data = json.loads(layout.registry.read_text())
    except FileNotFoundError:
        return Registry()
    except ValueError as error:
        raise NodeError(f"{layout.registry} is damaged ({error}); run on the node: silver-node rebuild") from error
    routes = {location: Route(**route) for location, route in data["locations"].items()}
    return Registry(routes, data["addresses"])


def save(layout: Layout, registry: Registry) -> None:
    """Replace the node's registry."""
    atomic.write_json(layout.registry, asdict(registry))


def rebuild(layout: Layout) -> Registry:
    """Make the registry again from the ``INSTANCE.json`` files.

    At each location the instance that became active last is the active one, the one before it the
    previous one.
    """
    records = [json.loads(path.read_text()) for path in (layout.etc / "instances").glob("*.json")]
    registry = Registry(addresses={record["instance"]: record["address"] for record in records})
    history = sorted(
        (since, location, record["app"], record["instance"])
        for record in records
        for location, since in record["active_since"].items()
    )
    for since, location, app, instance in history:
        registry = registry.switched(location, app, instance, since)
    return registry
