"""What takes the room on this node's disk: the answer of `silver-node disk`."""

import shutil
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from silvernode import disk, instances
from silvernode.data import services
from silvernode.errors import NodeError
from silvernode.layout import Layout


def report(layout: Layout) -> dict[str, Any]:
    """Return the room that there is, and what takes how many bytes of the rest.

    Every file is counted once, however many instances have it.

    Returns:
        `free_bytes` and `total_bytes` of the disk; for each app its instances, the data of its
        services, its checkpoints, logs and uploads; `backup_bytes` of backups that are under way;
        and a line for what cannot be told.
    """
    room = shutil.disk_usage(layout.www)
    problems: list[str] = []
    return {
        "free_bytes": room.free,
        "total_bytes": room.total,
        "apps": [_app(layout, app, problems) for app in _apps(layout)],
        "backup_bytes": _used((layout.state / "backup" / "work").glob("*")),
        "problems": problems,
    }


def _app(layout: Layout, app: str, problems: list[str]) -> dict[str, Any]:
    names = instances.on_disk(layout, app)
    return {
        "app": app,
        "instances": len(names),
        "instances_bytes": _used(layout.www / name for name in names),
        "services": _services(layout, app, problems),
        "checkpoints_bytes": _used([layout.checkpoints / app]),
        "logs_bytes": _used([layout.logs(app)]),
        "uploads_bytes": _used(layout.staging.glob(f"{app}.*")),
    }


def _services(layout: Layout, app: str, problems: list[str]) -> dict[str, int]:
    """Return the bytes of the data of each service; what cannot be told keeps nobody from it."""
    try:
        return {name: each.size() for name, each in services.of_app(layout, app).items()}
    except (NodeError, OSError) as error:
        problems.append(f"the data of {app}: {error}")
        return {}


def _apps(layout: Layout) -> list[str]:
    """Return the apps that have anything here, whether or not they are served."""
    names = {path.name for path in (layout.etc / "apps").glob("*")}
    names |= {path.name.partition(".")[0] for path in layout.instances.glob("?*.*.*")}
    return sorted(names)


def _used(paths: Iterable[Path]) -> int:
    return disk.used(paths, disk.Names())
