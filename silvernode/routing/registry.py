"""Which location is served by which instance: the one truth from which the routes are made."""

import difflib
import json
from collections.abc import Collection, Iterable, Mapping
from dataclasses import asdict, dataclass, field, replace
from typing import Any

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
class Disabled:
    """What visitors are kept out of until somebody enables it again.

    Attributes:
        apps: the names of apps, all of whose locations are disabled, later ones too.
        locations: further locations.
    """

    apps: tuple[str, ...] = ()
    locations: tuple[str, ...] = ()


NOTHING = Disabled()


@dataclass(frozen=True)
class Registry:
    """A node's locations, and the address on which each instance listens.

    Attributes:
        locations: the route of each location: `HOST[/PATH]`, `*.DOMAIN[/PATH]`, or one of the
            special ones, see `silvernode.routing.places`.
        addresses: the address of each instance.
        disabled: what visitors are kept out of.
        numbers: for each app the name that was given to an instance last, also if that is gone.
        closed: the apps that visitors are kept out of while a deploy changes their data, with
            `maintenance` or `read-only` (which lets them look). It is never saved, so that the
            next `prepare` or `refresh` opens what a killed deploy has closed; a deploy uses it
            through `silvernode.closing`.
    """

    locations: dict[str, Route] = field(default_factory=dict)
    addresses: dict[str, str] = field(default_factory=dict)
    disabled: Disabled = NOTHING
    numbers: dict[str, str] = field(default_factory=dict)
    closed: Mapping[str, str] = field(default_factory=dict)

    def owner(self, location: str) -> str | None:
        """Return the app that is served at a location."""
        route = self.locations.get(location)
        return route.app if route else None

    def locations_of(self, app: str) -> list[str]:
        """Return the locations at which an app is served."""
        return sorted(name for name, route in self.locations.items() if route.app == app)

    def active(self, location: str) -> str:
        """Return the instance that is active at a location, or an empty string."""
        route = self.locations.get(location)
        return route.instance if route else ""

    def active_of(self, app: str) -> set[str]:
        """Return an app's instances that are active at some location."""
        return {route.instance for route in self.locations.values() if route.app == app}

    def all_active(self) -> set[str]:
        """Return the instances that are active at some location, of every app."""
        return {route.instance for route in self.locations.values()}

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

    def without_locations(self, locations: Collection[str]) -> "Registry":
        """Return the registry after locations were taken away, which are not disabled either."""
        kept = {name: route for name, route in self.locations.items() if name not in locations}
        return replace(self.with_enabled(locations=locations), locations=kept)

    def with_address(self, instance: str, address: str) -> "Registry":
        """Return the registry after a new instance was given its name and an address."""
        return replace(
            self,
            addresses={**self.addresses, instance: address},
            numbers={**self.numbers, instance.partition(".")[0]: instance},
        )

    def without(self, instance: str) -> "Registry":
        """Return the registry after an instance that no location refers to was removed."""
        kept = {name: address for name, address in self.addresses.items() if name != instance}
        return replace(self, addresses=kept)

    def is_disabled(self, location: str) -> bool:
        """Tell whether visitors of a location are kept out until somebody enables it."""
        return location in self.disabled.locations or self.owner(location) in self.disabled.apps

    def with_disabled(
        self, apps: Collection[str] = (), locations: Collection[str] = ()
    ) -> "Registry":
        """Return the registry after apps and locations were disabled, beside those that are."""
        return replace(
            self,
            disabled=Disabled(
                tuple(sorted({*self.disabled.apps, *apps})),
                tuple(sorted({*self.disabled.locations, *locations})),
            ),
        )

    def with_enabled(
        self, apps: Collection[str] = (), locations: Collection[str] = ()
    ) -> "Registry":
        """Return the registry after apps and locations were enabled, if they were disabled."""
        return replace(
            self,
            disabled=Disabled(
                tuple(app for app in self.disabled.apps if app not in apps),
                tuple(name for name in self.disabled.locations if name not in locations),
            ),
        )

    def with_closed(self, closed: Mapping[str, str]) -> "Registry":
        """Return the registry with apps that are closed for a moment, see `closed`."""
        return replace(self, closed=closed)

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
        return Registry(
            locations={location: Route(**route) for location, route in data["locations"].items()},
            addresses=dict(data["addresses"]),
            # Releases before 0.3.0 did not write these.
            disabled=_disabled(data),
            numbers=dict(data.get("numbers", {})),
        )
    except FileNotFoundError:
        return Registry()
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise NodeError(
            f"{layout.registry} is damaged ({error}); run on the node: silver-node rebuild"
        ) from error


def save(layout: Layout, registry: Registry) -> None:
    """Replace the node's registry."""
    data = asdict(registry)
    del data["closed"]
    atomic.write_json(layout.registry, data)


def rebuild(records: Iterable[Record], disabled: Disabled = NOTHING) -> Registry:
    """Return the registry that the records of a node's instances tell of.

    At each location the instance that became active last is the active one, the one before it the
    previous one.

    Args:
        records: of all instances.
        disabled: what is disabled, of which the records do not tell: see `salvaged`.
    """
    known = sorted(records, key=lambda record: record.uploaded)
    registry = Registry(
        addresses={record.instance: record.address for record in known},
        disabled=disabled,
        numbers={record.app: record.instance for record in known},
    )
    history = sorted(
        (since, location, record.app, record.instance)
        for record in known
        for location, since in record.active_since.items()
    )
    for since, location, app, instance in history:
        registry = registry.switched(location, app, instance, since)
    return registry


def salvaged(layout: Layout) -> Disabled | None:
    """Return what a registry, which may be damaged otherwise, says is disabled; None if it cannot.

    Nothing was disabled on a node that has no registry.
    """
    try:
        return _disabled(json.loads(layout.registry.read_bytes()))
    except FileNotFoundError:
        return NOTHING
    except (ValueError, TypeError, AttributeError):
        return None


def _disabled(data: Mapping[str, Any]) -> Disabled:
    told = data.get("disabled", {})
    apps, locations = list(told.get("apps", ())), list(told.get("locations", ()))
    if not all(isinstance(each, str) for each in (*apps, *locations)):
        raise TypeError("disabled holds something that is no name")
    return Disabled(tuple(apps), tuple(locations))
