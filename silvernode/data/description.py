"""What a backup or a restore has to know before it begins."""

from typing import Any

from silvernode import instances
from silvernode.errors import NodeError
from silvernode.layout import Layout
from silvernode.routing import registry


def of_location(layout: Layout, location: str, node: str) -> dict[str, Any]:
    """Describe the app that is served at a location; `plan` is what its `app.ini` says.

    Raises:
        NodeError: nothing is served there.
    """
    instance = registry.find(layout, location, node)
    record = instances.load(layout, instance)
    if record is None:
        raise NodeError(f"the record of {instance} is gone; run: ./silver update DIR {location}")
    return {**of_app(layout, record.app), "instance": instance, "plan": record.plan}


def of_app(layout: Layout, app: str) -> dict[str, Any]:
    """Describe an app: its `services`, none where it was never deployed, and its `locations`."""
    served = registry.load(layout).locations.items()
    return {
        "app": app,
        "services": sorted(path.stem for path in layout.service_envs(app).glob("*.env")),
        "locations": sorted(name for name, route in served if route.app == app),
    }
