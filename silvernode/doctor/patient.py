"""What every check looks at."""

from dataclasses import dataclass

from silvernode.layout import Layout
from silvernode.routing.registry import Registry
from silvernode.settings import Settings


@dataclass(frozen=True)
class Patient:
    """A node, as it is to be.

    Attributes:
        layout: its paths.
        node: what the operator calls it.
        routes: what is to be served.
        settings: its settings.
    """

    layout: Layout
    node: str
    routes: Registry
    settings: Settings

    @property
    def active(self) -> dict[str, str]:
        """The active instances, each with one of the locations that it is served at."""
        return {route.instance: where for where, route in sorted(self.routes.locations.items())}
