"""A change of what an app serves and of its data, together: both happen, or none does.

A checkpoint is taken before the change. If the change fails, the data is put back as it was,
provided that nothing was written by others in between: `silvernode.data.undoing`. A journal on disk
has whoever comes after a kill go on there.
"""

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import replace

from silvernode import atomic, interrupts, jobs, locks, units
from silvernode.data import checkpoints, draining, evidence, journal, undoing
from silvernode.data.journal import Journal
from silvernode.data.undoing import Undoing
from silvernode.errors import DataChanged, NodeError
from silvernode.interrupts import Interrupted
from silvernode.layout import Layout
from silvernode.routing import closings, maintenance, registry, varnish
from silvernode.settings import Settings
from silversupport import update_variables


class Guard:
    """A change that is under way.

    Attributes:
        warnings: what to tell when it has succeeded.
    """

    def __init__(self, layout: Layout, settings: Settings, made: Journal) -> None:
        self._layout, self._settings = layout, settings
        self._journal = made
        self._alone = bool(made.mode)
        self.warnings: list[str] = []

    def begin(self, reason: str) -> None:
        """Keep everybody else from writing, if that is asked for, and take the checkpoint."""
        app, mode = self._journal.app, self._journal.mode
        self._write(self._journal)
        units.watch(f"mend-{app}", "mend", app)
        if mode:
            jobs.pause(self._layout, app)
            reading = mode == closings.READ_ONLY
            draining.drain(self._layout, app, self._journal.trial, reading=reading)
        if mode == closings.READ_ONLY:
            self._forbid_writes()
        found = evidence.gather(self._layout, app, self._journal.trial)
        self._write(replace(self._journal, evidence=found))
        if not checkpoints.kept_of(self._layout, app):
            return
        if obstacle := checkpoints.obstacle(self._layout, app, self._settings):
            self.warnings.append(f"no checkpoint of the data of {app} was taken: {obstacle}")
            return
        taken = checkpoints.take(self._layout, app, self._journal.before, reason)
        self._write(replace(self._journal, stamp=taken.stamp))

    def release(self) -> None:
        """Let the instance that is going to be served write as any other: it passed its trial."""
        if self._journal.mode != closings.READ_ONLY:
            return
        # From here on what the served instance writes would be lost, even if it only reads.
        found = evidence.gather(self._layout, self._journal.app, self._journal.trial)
        self._write(replace(self._journal, evidence=found))
        self._alone = False
        undoing.allow_writes(self._layout, self._journal)

    def undo(self) -> str:
        """Undo the change, which has failed; return what to tell of it."""
        closed = bool(self._journal.mode)
        alone = self._alone
        return Undoing(self._layout, self._settings, self._journal, alone, closed).run()

    def end(self) -> None:
        """Note that the change is done; nothing that fails here undoes it."""
        try:
            finish(self._layout, self._settings, self._journal)
        except (NodeError, OSError) as error:
            self.warnings.append(f"not everything of the update could be tidied up: {error}")

    def _forbid_writes(self) -> None:
        made = self._journal
        kept = checkpoints.kept_of(self._layout, made.app).values()
        given = {name: value for each in kept for name, value in each.update_variables().items()}
        text = "".join(f"{name}={value}\n" for name, value in given.items())
        atomic.write(update_variables.path(self._layout.run(made.trial)), text)
        for service in kept:
            service.forbid_writes()
        # Who is connected could go on writing. A new process connects anew.
        undoing.recycle(self._layout, self._settings, made)
        for service in kept:
            service.disconnect()

    def _write(self, made: Journal) -> None:
        self._journal = made
        journal.save(self._layout, made)


@contextmanager
def guarded(
    layout: Layout, settings: Settings, change: Journal, reason: str, *, needed: bool = True
) -> Iterator[Guard]:
    """Undo what is done to an app's data in this block, if the block fails.

    To be called under the app's lock.

    Args:
        layout: the node's paths.
        settings: the node's settings.
        change: what is going to be changed.
        reason: what the checkpoint is for, in words.
        needed: whether anything is done to the data at all.

    Raises:
        NodeError: the block failed; says too what became of the data, if anything.
    """
    guard = Guard(layout, settings, change)
    guard.warnings += mend(layout, settings, change.app)
    if not needed or not (change.mode or checkpoints.kept_of(layout, change.app)):
        yield guard
        return
    with _closed(layout, settings, change):
        try:
            guard.begin(reason)
            yield guard
        except BaseException as error:
            interrupts.ignore()
            told = guard.undo()
            if told and isinstance(error, Interrupted):
                journal.note(layout, change.app, told)  # Nobody is there any more.
            elif told and isinstance(error, NodeError | OSError):
                raise _explained(error, told) from error
            raise
        guard.end()


def mend(layout: Layout, settings: Settings, app: str) -> list[str]:
    """End what a killed command left unfinished with an app's data.

    To be called under the app's lock, before anything else is done to the data.

    Returns:
        What to tell of it.
    """
    made = journal.load(layout, app)
    if not made:
        journal.remove(layout, app)  # It may have been killed while it was written.
        return []
    if made.trial in registry.load(layout).active_of(app):
        finish(layout, settings, made)
        return []
    # The database itself has kept them from writing all the time.
    told = Undoing(layout, settings, made, alone=made.mode == closings.READ_ONLY).run()
    return [f"an update of {made.location} was killed; {told}"] if told else []


def mend_later(layout: Layout, settings: Settings, app: str) -> None:
    """Do that after whoever works at the data has ended; what there is to tell is told later."""
    with locks.of_app(layout, app, "silver-node", "ending what was interrupted", wait=True):
        if not journal.load(layout, app):
            return
        for line in mend(layout, settings, app):
            journal.note(layout, app, line)
    with locks.of_routes(layout):
        varnish.apply(layout, registry.load(layout), settings)


def mend_all(layout: Layout, settings: Settings) -> list[str]:
    """Do that for every app, but for those that a command changes now: it is not killed."""
    told = []
    for app in journal.apps(layout):
        try:
            with locks.of_app(layout, app, "silver-node", "ending what was interrupted"):
                told += mend(layout, settings, app)
        except NodeError:
            continue
    return told


def finish(layout: Layout, settings: Settings, made: Journal) -> None:
    """Tidy up after a change that is done."""
    if made.mode == closings.READ_ONLY:
        undoing.allow_writes(layout, made)
        undoing.recycle(layout, settings, made)
    if made.stamp and not made.before:
        checkpoints.remove(layout, checkpoints.find(layout, made.app, made.stamp))
    journal.remove(layout, made.app)
    checkpoints.prune(layout, made.app, settings.keep_checkpoints)


def _closed(layout: Layout, settings: Settings, change: Journal) -> AbstractContextManager[None]:
    if not change.mode:
        return nullcontext()
    return maintenance.closed(layout, change.app, change.mode, settings)


def _explained(error: NodeError | OSError, told: str) -> NodeError:
    output = error.output if isinstance(error, NodeError) else ""
    kind = NodeError if told == undoing.PUT_BACK else DataChanged
    return kind(f"{error}\n{told}", output)
