"""What `silver query` tells of the jobs of a node."""

import json
import os
import stat
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from silvernode.errors import NodeError
from silvernode.jobs import job as jobs
from silvernode.jobs import running
from silvernode.jobs.job import CRON, Job
from silvernode.jobs.running import AUTO_RESTART, Unit
from silvernode.layout import Layout
from silvernode.programs import run
from silvernode.routing.registry import Registry

MOST_BYTES = 10_000
STATES = {"active": "running", "activating": "starting", "deactivating": "stopping"}


def tell(layout: Layout, routes: Registry) -> list[dict[str, Any]]:
    """Return the jobs of every app: what they are, their state, their last and next run."""
    wanted = [job for app in _apps(routes) for job in _of_app(layout, routes, app)]
    if not wanted:
        return []
    units = running.show([*(job.unit for job in wanted), *(job.timer for job in wanted)])
    due = _due()
    return [_told(layout, job, units, due) for job in wanted]


def _told(
    layout: Layout, job: Job, units: Mapping[str, Unit], due: Mapping[str, str]
) -> dict[str, Any]:
    last = _last(layout, job)
    return {
        "app": job.app,
        "job": job.title,
        "instance": job.instance,
        "schedule": job.schedule or None,
        "command": job.command,
        "state": _state(job, units),
        "restarts": units[job.unit].restarts if job.unit in units else 0,
        "began": _time(last.get("began")),
        "ended": _time(last.get("ended")),
        "status": last.get("status"),
        "reason": last.get("reason", ""),
        "next": due.get(job.timer),
    }


def _state(job: Job, units: Mapping[str, Unit]) -> str:
    service, timer = units.get(job.unit), units.get(job.timer)
    if service and service.substate == AUTO_RESTART:
        return "restarting"
    if service and not service.is_idle:
        return STATES.get(service.state, service.state)
    return "waiting" if job.kind == CRON and timer and not timer.is_idle else "stopped"


def _due() -> dict[str, str]:
    """Return when each timer is due next, ISO 8601."""
    command = ["systemctl", "list-timers", "--output=json", "silver-cron-*.timer"]
    try:
        listed = json.loads(run(*command, check=False).stdout)
        found = {each["unit"]: each["next"] for each in listed}
    except (ValueError, KeyError, TypeError):
        return {}
    return {name: _iso(next_ / 1e6) for name, next_ in found.items() if next_}


def _last(layout: Layout, job: Job) -> dict[str, Any]:
    """Return what is kept of the last run. The file is the app's own, which can be anything."""
    path = layout.data("jobs", job.app) / f"{job.title}.json"
    try:
        file = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
    except OSError:
        return {}
    try:
        return _checked(os.read(file, MOST_BYTES)) if _is_file(file) else {}
    finally:
        os.close(file)


def _is_file(file: int) -> bool:
    return stat.S_ISREG(os.fstat(file).st_mode)


def _checked(text: bytes) -> dict[str, Any]:
    types: dict[str, Any] = {
        "began": (int, float),
        "ended": (int, float),
        "status": int,
        "reason": str,
    }
    try:
        found = json.loads(text)
    except (ValueError, RecursionError):
        return {}
    if not isinstance(found, dict):
        return {}
    return {key: found[key] for key, kind in types.items() if isinstance(found.get(key), kind)}


def _time(seconds: float | None) -> str | None:
    try:
        return _iso(seconds) if seconds is not None else None
    except (ValueError, OverflowError, OSError):
        return None


def _iso(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="seconds")


def _apps(routes: Registry) -> list[str]:
    return sorted({route.app for route in routes.locations.values()})


def _of_app(layout: Layout, routes: Registry, app: str) -> list[Job]:
    try:
        return jobs.of_app(layout, routes, app)
    except NodeError:
        return []  # A damaged record, which the report tells of.
