"""The schedule of the backups and drills, and what went wrong with it."""

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any

from silverbackup.destinations import Destination
from silvernode.data import status
from silvernode.errors import NodeError
from silvernode.layout import Layout
from silvernode.programs import run
from silvernode.routing import registry

PATIENCE = timedelta(hours=1)
"""What a run may take, with its random delay, before one speaks of it as overdue."""

MISSED = 2
"""How many times a schedule may come round without success until that is a problem."""

ITERATION = re.compile(rf"\s*Iter(?:ation|\.) #{MISSED}: (?P<when>.+)")
"""A line of `systemd-analyze calendar`; which word it is depends on the version."""


@dataclass(frozen=True)
class Schedule:
    """What the role `backup` was given, rendered to `/etc/silverlining/backup/settings.json`.

    Attributes:
        node: this node's name in the inventory.
        schedule: when backups are made, as systemd's `OnCalendar=`.
        drill_schedule: when drills are; empty for never.
        destination: where backups go, see `silverbackup.destinations`; this node's own place.
        recipients: who can read them beside this node.
        keep: how many of the newest are kept; 0 keeps all.
        keep_weekly: for how many weeks one is kept.
        keep_monthly: for how many months one is kept.
    """

    node: str
    schedule: str
    drill_schedule: str
    destination: str
    recipients: list[str]
    keep: int
    keep_weekly: int
    keep_monthly: int


def load(layout: Layout) -> Schedule | None:
    """Return the node's schedule; None if it has none.

    Raises:
        NodeError: the file is damaged, or of another version.
    """
    path = _directory(layout) / "settings.json"
    try:
        return Schedule(**json.loads(path.read_bytes()))
    except FileNotFoundError:
        return None
    except (ValueError, TypeError) as error:
        raise NodeError(
            f"{path} cannot be used ({error}); run ./silver setup-node for this node again"
        ) from error


def storage(layout: Layout) -> dict[str, Any]:
    """Return what opens the object store: the role variable `backup_storage`."""
    path = _directory(layout) / "storage.json"
    try:
        return dict(json.loads(path.read_bytes()))
    except FileNotFoundError:
        return {}
    except (ValueError, TypeError) as error:
        raise NodeError(
            f"{path} cannot be used; run ./silver setup-node for this node again"
        ) from error


def destination(layout: Layout, wanted: Schedule) -> Destination:
    """Return where the backups of this node are.

    Raises:
        SilverError: there is no such provider, or something to open it with is missing.
    """
    return Destination.parse(wanted.destination, storage(layout), environ={})


def identity(layout: Layout) -> Path:
    """Return the file of the node's own key, which can read the backups that it makes."""
    return _directory(layout) / "identity"


def served_apps(layout: Layout) -> list[str]:
    """Return the apps that have a location: those that are backed up."""
    return sorted({route.app for route in registry.load(layout).locations.values()})


AGAIN = {
    status.BACKUP: "try again with: ./silver backup-all {node}",
    # Another drill would take the same archive.
    status.DRILL: "make a new backup and try that: ./silver backup-all {node}"
    " && ./silver drill-all {node}",
}


def problems(layout: Layout) -> list[str]:
    """Return a line for each backup and each drill that failed or is overdue, with what to do.

    Changes nothing. On a node without a schedule nothing is expected.

    Raises:
        NodeError: the schedule or the registry is damaged.
    """
    schedule = load(layout)
    if schedule is None:
        return []
    known = status.load_all(layout)
    return [
        problem
        for app in served_apps(layout)
        for problem in _problems(layout, schedule, app, known.get(app, {}))
    ]


def _problems(
    layout: Layout, schedule: Schedule, app: str, known: Mapping[str, Any]
) -> Iterator[str]:
    start = _start(layout, app)
    for kind, calendar in (
        (status.BACKUP, schedule.schedule),
        (status.DRILL, schedule.drill_schedule),
    ):
        result = known.get(kind)
        again = AGAIN[kind].format(node=schedule.node)
        if result and not result["ok"]:
            yield f"the last {kind} of {app} failed ({result['at']}): {result['message']}; {again}"
        elif calendar and is_overdue(calendar, _time(result["at"]) if result else start):
            last = f"the last one was {result['at']}" if result else "there was none yet"
            yield f"the {kind} of {app} is overdue: {last}; {again}"


def is_overdue(calendar: str, last: datetime) -> bool:
    """Tell whether a calendar has come round twice since the last success, and a while has passed.

    Args:
        calendar: as systemd's `OnCalendar=`.
        last: when that was.
    """
    # Rounded up, so that what ended within the same hour is looked up once.
    hour = last.replace(minute=0, second=0, microsecond=0) + timedelta(hours=1)
    return status.now() > _elapse(calendar, hour) + PATIENCE


@cache
def _elapse(calendar: str, after: datetime) -> datetime:
    """Return when a calendar comes round for the `MISSED`-th time; never, if it does not."""
    base = f"--base-time={after.astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC"
    command = ["systemd-analyze", "calendar", base, f"--iterations={MISSED}", calendar]
    shown = run("env", "LC_ALL=C", "TZ=UTC", *command).stdout
    found = next(filter(None, map(ITERATION.match, shown.splitlines())), None)
    if found is None:
        return datetime.max.replace(tzinfo=UTC) - PATIENCE
    return datetime.strptime(found["when"], "%a %Y-%m-%d %H:%M:%S UTC").replace(tzinfo=UTC)


def _start(layout: Layout, app: str) -> datetime:
    """Return from when on there could have been a backup: app and schedule have both been here.

    An app's secret is made with its first deploy, and stays.
    """
    files = (layout.data("secret", app), _directory(layout) / "settings.json")
    times = [path.stat().st_mtime for path in files if path.exists()]
    return datetime.fromtimestamp(max(times, default=0), UTC)


def _time(text: str) -> datetime:
    return datetime.fromisoformat(text)


def _directory(layout: Layout) -> Path:
    return layout.etc / "backup"
