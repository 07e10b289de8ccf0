"""What is deployed on this node: the answer of `silver-node query`."""

import re
from dataclasses import asdict
from typing import Any

from silvernode import instances
from silvernode.data import schedule, status
from silvernode.errors import NodeError
from silvernode.instances import Record
from silvernode.jobs import telling
from silvernode.layout import Layout
from silvernode.programs import run
from silvernode.routing import registry
from silvernode.routing.registry import Registry
from silversupport import VERSION

UNIT = re.compile(r"silver-(?P<app>[a-z][a-z0-9_]*)@(?P<version>\d{8}_\d{3,})\.service")
STATES = {"active": "running", "activating": "starting", "failed": "failed"}
STOPPED = "stopped"

NOT_SET = 2**64 - 1
"""What systemd says of memory that it does not count."""


def report(layout: Layout) -> dict[str, Any]:
    """Return all that is deployed here.

    Returns:
        The version, the registry's locations (with whether they are disabled) and addresses, the
        instances by app, the newest first, the jobs by app, and a line for each instance that
        cannot be told of.

    Raises:
        NodeError: the registry is damaged.
    """
    routes = registry.load(layout)
    found, problems = records(layout)
    units = _units()
    return {
        "version": VERSION,
        "locations": {
            location: {**asdict(route), "disabled": routes.is_disabled(location)}
            for location, route in routes.locations.items()
        },
        "addresses": routes.addresses,
        "instances": [_instance(record, routes, units) for record in found],
        "jobs": telling.tell(layout, routes),
        "backups": _backups(layout, routes),
        "problems": problems + _missed(layout),
    }


def records(layout: Layout) -> tuple[list[Record], list[str]]:
    """Return the records of all instances; those that are damaged keep nobody from the others."""
    names = [file.stem for file in layout.instances.glob("*.json")]
    records, problems = [], []
    for name in filter(instances.NAME.fullmatch, names):
        try:
            record = instances.load(layout, name)
        except NodeError as error:
            problems.append(str(error))
        else:
            records += [record] if record else []
    records.sort(key=lambda record: (record.uploaded, record.instance), reverse=True)
    return sorted(records, key=lambda record: record.app), sorted(problems)


def _backups(layout: Layout, routes: Registry) -> dict[str, Any]:
    """Return how the last backup and drill of each app ended, once there is one on this node."""
    known = status.load_all(layout)
    served = {route.app for route in routes.locations.values()} if known else set()
    return {app: known.get(app, {}) for app in sorted(served | set(known))}


def _missed(layout: Layout) -> list[str]:
    """Return what is wrong with the backups; a damaged schedule keeps nobody from the rest."""
    try:
        return schedule.problems(layout)
    except NodeError as error:
        return [str(error)]


def _instance(record: Record, routes: Registry, units: dict[str, dict[str, Any]]) -> dict[str, Any]:
    name, locations = record.instance, routes.locations.items()
    return {
        "instance": name,
        "app": record.app,
        "uploaded": record.uploaded,
        "uploader": record.uploader,
        # Older records do not tell.
        "files": record.files or None,
        "bytes": record.bytes or None,
        "config": record.config,
        "revisions": record.revisions,
        "serves": sorted(location for location, route in locations if route.instance == name),
        "previous_of": sorted(location for location, route in locations if route.previous == name),
        **units.get(name, {"state": STOPPED, "memory": None}),
    }


def _units() -> dict[str, dict[str, Any]]:
    """Return state and memory in bytes of the instances that systemd knows, all at once."""
    shown = run(
        "systemctl", "show", "--property=Id,ActiveState,MemoryCurrent", "silver-*@*.service"
    ).stdout
    found = {}
    for block in shown.strip().split("\n\n"):
        values = dict(line.split("=", 1) for line in block.splitlines() if "=" in line)
        if unit := UNIT.fullmatch(values.get("Id", "")):
            memory = values.get("MemoryCurrent", "")
            found[f"{unit['app']}.{unit['version']}"] = {
                "state": STATES.get(values.get("ActiveState", ""), STOPPED),
                "memory": int(memory) if memory.isdecimal() and int(memory) != NOT_SET else None,
            }
    return found
