"""Schedules of cron jobs, checked by the systemd that will follow them."""

from collections.abc import Iterable, Mapping
from typing import Any

from silvernode.errors import NodeError
from silvernode.jobs.job import schedules
from silvernode.programs import run

NEVER = "Next elapse: never"


def check(plan: Mapping[str, Any]) -> None:
    """Check the schedules of an app's cron jobs.

    Args:
        plan: what its app.ini says.

    Raises:
        NodeError: some are none, or have no time to come; tells of all of them.
    """
    found = [f"cron.{name}: {each}" for name, each in _problems(plan)]
    if found:
        raise NodeError("\n".join(found))


def problem(schedule: str) -> str:
    """Return what is wrong with a schedule; empty if nothing is."""
    done = run("systemd-analyze", "calendar", "--", schedule, check=False)
    if done.returncode:
        return (
            f"{schedule!r} is not a calendar expression of systemd; write hourly, *-*-* 03:30 or"
            " Mon 09:00 (man systemd.time, docs/jobs.md)"
        )
    return f"{schedule!r} never comes" if NEVER in done.stdout else ""


def _problems(plan: Mapping[str, Any]) -> Iterable[tuple[str, str]]:
    for name, (schedule, _) in schedules(plan).items():
        if wrong := problem(schedule):
            yield name, wrong
