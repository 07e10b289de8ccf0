"""A round of the schedule: one app after the other, each result noted and told."""

import sys
import time
import traceback
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from silvernode import locks
from silvernode.data import drill, schedule, scheduled, status
from silvernode.data.schedule import Schedule
from silvernode.data.status import Result
from silvernode.errors import NodeError
from silvernode.interrupts import Interrupted
from silvernode.layout import Layout
from silversupport.errors import SilverError

Work = Callable[[Layout, Schedule, str], Result]


def back_up_all(layout: Layout) -> dict[str, Any]:
    """Make a backup of every app; see `go`."""
    return go(layout, status.BACKUP, scheduled.back_up)


def drill_all(layout: Layout) -> dict[str, Any]:
    """Try the newest backup of every app; see `go`."""
    return go(layout, status.DRILL, drill.drill, drill.tidy)


def go(
    layout: Layout, kind: str, work: Work, tidy: Callable[[Layout], None] = lambda layout: None
) -> dict[str, Any]:
    """Do something for every app that is served; one that fails keeps no other.

    Args:
        layout: the node's paths.
        kind: `status.BACKUP` or `status.DRILL`.
        work: does it for the app that is named, and raises what went wrong.
        tidy: removes what a round left that was killed.

    Returns:
        The answer of the command: a line for each app in `msg`, or in `output` if one failed.

    Raises:
        NodeError: there is no schedule, or the same is under way.
    """
    try:
        wanted = _wanted(layout)
        with locks.of_round(layout, kind):
            tidy(layout)
            results = {
                app: _note(layout, kind, app, lambda app: work(layout, wanted, app))
                for app in schedule.served_apps(layout)
            }
    except NodeError as error:
        _tell(str(error))
        raise
    return _answer(kind, results)


def _wanted(layout: Layout) -> Schedule:
    wanted = schedule.load(layout)
    if wanted is None:
        raise NodeError(
            "this node has no schedule; set backup_schedule and run ./silver setup-node for it"
        )
    return wanted


def _note(layout: Layout, kind: str, app: str, work: Callable[[str], Result]) -> Result:
    """Do it for an app, and note how it ended, on disk and in the journal."""
    began = time.monotonic()
    try:
        result = work(app)
    except Interrupted as error:
        status.note(layout, app, kind, Result(False, str(error), seconds=time.monotonic() - began))
        raise
    except (SilverError, OSError) as error:
        _tell(getattr(error, "output", ""))
        result = Result(False, str(error))
    except Exception as error:  # noqa: BLE001 (the other apps come first)
        traceback.print_exc()
        result = Result(False, f"an error of Silver Lining itself: {error!r}; see the journal")
    result = replace(result, seconds=time.monotonic() - began)
    status.note(layout, app, kind, result)
    _tell(_line(kind, app, result))
    return result


def _tell(text: str) -> None:
    """Put it into the journal of the unit, or before whoever typed the command."""
    if text:
        sys.stderr.write(f"{text}\n")
        sys.stderr.flush()


def _line(kind: str, app: str, result: Result) -> str:
    failed = "" if result.ok else f"the {kind} failed: "
    return f"{app}: {failed}{result.message}"


def _answer(kind: str, results: dict[str, Result]) -> dict[str, Any]:
    lines = "\n".join(_line(kind, app, result) for app, result in results.items())
    failed = [app for app, result in results.items() if not result.ok]
    if failed:
        counted = f"{len(failed)} of {len(results)} {kind}s failed: {', '.join(failed)}"
        return {"failed": True, "msg": counted, "output": lines}
    changed = kind == status.BACKUP and bool(results)
    return {"changed": changed, "msg": lines or "no app is served on this node"}
