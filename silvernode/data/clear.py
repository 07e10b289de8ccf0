"""All that an app's services keep for it goes: it has what it had in the beginning."""

from typing import Any

from silvernode import locks, settings
from silvernode.data import mending, replacement, services
from silvernode.data.replacement import Replacement
from silvernode.layout import Layout


def clear(layout: Layout, app: str, owner: str) -> dict[str, Any]:
    """Remove all data of an app; its code, configuration, secret and logs stay.

    Returns:
        `msg`, what to tell; `warnings`, of instances that do not work without their data.

    Raises:
        NodeError: the app has what it had, and serves as before.
        OSError: the same, for a reason such as a full disk.
    """
    command = "clearing its data"
    with locks.of_app(layout, app, owner, command):
        told = mending.mend(layout, settings.load(layout), app)
        found = services.of_app(layout, app)
        with (
            locks.of_data(layout, app, owner, command),
            replacement.prepared(layout, app),
        ):
            for service in found.values():
                service.stage(None)
            what = Replacement(app, list(found), must_work=False)
            warnings = replacement.carry_out(layout, what)
    cleared = ", ".join(found) or "it has no services"
    return {
        "changed": bool(found),
        "msg": f"the data of {app} is cleared: {cleared}",
        "warnings": [*told, *warnings],
    }
