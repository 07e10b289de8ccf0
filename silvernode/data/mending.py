"""The end of whatever was killed while it changed an app's data: a restore, a clear, an update."""

from contextlib import ExitStack

from silvernode import locks
from silvernode.data import journal, pending, replacement, safeguard
from silvernode.errors import NodeError
from silvernode.layout import Layout
from silvernode.settings import Settings

OWNER, COMMAND = "silver-node", "ending what was interrupted"


def mend(layout: Layout, settings: Settings, app: str, *, wait: bool = False) -> list[str]:
    """End what a killed command left unfinished with an app's data.

    To be called under the app's lock but not under that of its data, before anything else is done
    to the data: what is undone later would take with it what visitors have written by then.

    Args:
        layout: the node's paths.
        settings: the node's settings.
        app: the app's name.
        wait: wait for a backup that is under way, for commands that nobody waits for.

    Returns:
        What to tell of it.

    Raises:
        NodeError: it could not be ended; the next call tries again.
    """
    told = []
    if pending.load(layout, app):
        with locks.of_data(layout, app, OWNER, COMMAND, wait=wait):
            replacement.mend(layout, app)
        told.append(f"a restore of {app} was interrupted; it has the data of before")
    else:
        pending.remove(layout, app)  # what a killed `save` may have left
    return [*told, *safeguard.mend(layout, settings, app)]


def mend_later(layout: Layout, settings: Settings, app: str) -> bool:
    """Do that after whoever works at the data has ended; what there is to tell is told later.

    Returns:
        Whether there was anything to end.
    """
    with locks.of_app(layout, app, OWNER, COMMAND, wait=True):
        interrupted = app in left(layout)
        for line in mend(layout, settings, app, wait=True):
            journal.note(layout, app, line)
    return interrupted


def mend_all(layout: Layout, settings: Settings) -> list[str]:
    """Do that for every app, but for those that a command changes now: it is not killed.

    Returns:
        What to tell of it, and what could not be ended.
    """
    told = []
    for app in left(layout):
        with ExitStack() as held:
            try:
                held.enter_context(locks.of_app(layout, app, OWNER, COMMAND))
            except NodeError:
                continue
            try:
                told += mend(layout, settings, app)
            except (NodeError, OSError) as error:
                told.append(f"what was interrupted of {app} could not be ended: {error}")
    return told


def left(layout: Layout) -> list[str]:
    """Return the apps of whose data a change is under way, or was when it was killed."""
    return sorted({*pending.apps(layout), *journal.apps(layout)})
