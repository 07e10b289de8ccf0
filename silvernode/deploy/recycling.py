"""The processes of an instance replaced by new ones, such as when their database is another."""

import os
import signal
import time
from contextlib import suppress
from pathlib import Path

from silvernode import instances, units
from silvernode.layout import Layout
from silvernode.programs import run
from silvernode.settings import Settings

POLL_SECONDS = 0.02


def running(layout: Layout, app: str, but: str = "") -> list[str]:
    """Return the instances of an app whose servers run.

    Args:
        layout: the node's paths.
        app: the app's name.
        but: an instance to leave out.
    """
    names = sorted(path.name for path in layout.run(app).parent.glob(f"{app}.*"))
    known = (name for name in names if instances.NAME.fullmatch(name) and name != but)
    return [name for name in known if units.is_running(name)]


def recycle(layout: Layout, instance: str, settings: Settings) -> None:
    """Replace the processes of a running instance, which finish their requests; no other one fails.

    Requests that come meanwhile wait. An instance that does not manage to is started anew.
    """
    old = _processes(layout, instance)
    for process in old:
        # mod_wsgi ends a process so, and starts another: the same as for maximum-requests.
        with suppress(ProcessLookupError):
            os.kill(process, signal.SIGUSR1)
    deadline = time.monotonic() + settings.start_timeout
    while not _is_replaced(layout, instance, old, settings.processes):
        if time.monotonic() > deadline:
            run("systemctl", "restart", units.unit(instance), check=False)
            return
        time.sleep(POLL_SECONDS)


def _is_replaced(layout: Layout, instance: str, old: set[int], count: int) -> bool:
    there = _processes(layout, instance)
    return not there & old and len(there) >= count


def _processes(layout: Layout, instance: str) -> set[int]:
    """Return the processes that have imported the app and are there.

    The app itself says which, so it is checked that they belong to its unit.
    """
    names = [path.name for path in layout.run(instance).glob("started/*")]
    return {int(name) for name in names if name.isdecimal() and _belongs(name, instance)}


def _belongs(process: str, instance: str) -> bool:
    try:
        groups = Path("/proc", process, "cgroup").read_text(encoding="utf-8")
    except OSError:
        return False
    return any(line.endswith(f"/{units.unit(instance)}") for line in groups.splitlines())
