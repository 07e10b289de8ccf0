"""A change of what an app serves and of its data, together: both happen, or none does.

A checkpoint is taken before the change. If the change fails, the data is put back as it was,
provided that nothing was written by others in between: `silvernode.data.undoing`. A journal on disk
has whoever comes after a kill go on there.
"""

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext, suppress
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
        self._is_begun = False
        self.warnings: list[str] = []

    def announce(self) -> None:
        """Have somebody end the change if it is killed."""
        app = self._journal.app
        self._write(self._journal)
        units.watch(f"mend-{app}", "mend", app)

    def begin(self, reason: str) -> None:
        """Keep everybody else from writing, if that is asked for, and take the checkpoint."""
        app, mode = self._journal.app, self._journal.mode
        self._is_begun = True
        if mode:
            jobs.pause(self._layout, app)
            reading = mode == closings.READ_ONLY
            draining.drain(self._layout, app, self._journal.trial, reading=reading)
        if mode == closings.READ_ONLY:
            self._forbid_writes()
        found = evidence.gather(self._layout, app, self._journal.trial)
        alone = mode == closings.READ_ONLY
        self._write(replace(self._journal, evidence=found, alone=alone))
        if not checkpoints.kept_of(self._layout, app):
            return
        if obstacle := checkpoints.obstacle(self._layout, app, self._settings):
            self.warnings.append(f"no checkpoint of the data of {app} was taken: {obstacle}")
            return
        taken = checkpoints.take(self._layout, app, self._journal.before, reason)
        self._write(replace(self._journal, stamp=taken.stamp))

    def release(self) -> None:
        """Let the instance that is going to be served write as any other: it passed its trial."""
        if not self._is_begun or self._journal.mode != closings.READ_ONLY:
            return
        # From here on what the served instance writes would be lost, even if it only reads.
        found = evidence.gather(self._layout, self._journal.app, self._journal.trial)
        self._write(replace(self._journal, evidence=found, alone=False))
        undoing.allow_writes(self._layout, self._journal)

    def refuse_activity(self) -> None:
        """Check that nobody has written since the checkpoint, which nobody needs else.

        Raises:
            NodeError: somebody may have.
        """
        made = self._journal
        if not (why := self._undoing().activity()):
            return
        if made.stamp:
            self._write(replace(made, stamp=""))
            checkpoints.remove(self._layout, checkpoints.find(self._layout, made.app, made.stamp))
        raise NodeError(
            f"{why} while the data of {made.app} as it is now was kept, and what that wrote would"
            " be lost; nothing has changed: end it, or wait for its end, and try again"
        )

    def undo(self) -> str:
        """Undo the change, which has failed; return what to tell of it."""
        told = self._undoing().run()
        self._is_begun = False
        return told

    def settle(self) -> None:
        """Have all instances write again, before visitors come back to those that did not."""
        with self._tidying():
            _settle(self._layout, self._settings, self._journal)

    def end(self) -> None:
        """Note that the change is done; nothing that fails here undoes it."""
        with self._tidying():
            self.warnings += _finish(self._layout, self._settings, self._journal)

    def forget(self) -> None:
        """Note that the change has failed, if it is undone; else that is left to `mend`."""
        if not self._is_begun:
            _forget(self._layout, self._journal)

    def _undoing(self) -> Undoing:
        closed = bool(self._journal.mode)
        return Undoing(self._layout, self._settings, self._journal, closed)

    @contextmanager
    def _tidying(self) -> Iterator[None]:
        try:
            yield
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

    To be called under the app's lock, after `silvernode.data.mending.mend`.

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
    if not needed or not (change.mode or checkpoints.kept_of(layout, change.app)):
        yield guard
        return
    with _forgotten_if_it_fails(guard), _closed(layout, settings, change):
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
        interrupts.ignore()
        guard.settle()
    guard.end()


def mend(layout: Layout, settings: Settings, app: str) -> list[str]:
    """End what a killed command left unfinished with an app's data.

    To be called by `silvernode.data.mending`.

    Returns:
        What to tell of it.

    Raises:
        NodeError: it could not be ended; the next call tries again.
    """
    made = journal.load(layout, app)
    if not made:
        journal.remove(layout, app)  # It may have been killed while it was written.
        return []
    served = bool(made.trial) and registry.load(layout).active(made.location) == made.trial
    if served:
        _settle(layout, settings, made)
        told = ""
    else:
        told = Undoing(layout, settings, made).run()
    with locks.of_routes(layout):  # Visitors may still be kept out, by one that was killed.
        varnish.apply(layout, registry.load(layout), settings)
    if served:
        return _finish(layout, settings, made)
    _forget(layout, made)
    return [f"an update of {made.location} was killed; {told}"] if told else []


def _settle(layout: Layout, settings: Settings, made: Journal) -> None:
    if made.mode == closings.READ_ONLY:
        undoing.allow_writes(layout, made)
        undoing.recycle(layout, settings, made)


def _finish(layout: Layout, settings: Settings, made: Journal) -> list[str]:
    """Tidy up after a change that is done, once the site is open; return what to tell of it."""
    warnings = jobs.follow(layout, made.app) if made.mode else []
    if made.stamp and not made.before:
        with suppress(NodeError):  # It is gone, if this was killed before.
            checkpoints.remove(layout, checkpoints.find(layout, made.app, made.stamp))
    journal.remove(layout, made.app)
    checkpoints.prune(layout, made.app, settings.keep_checkpoints)
    return warnings


def _forget(layout: Layout, made: Journal) -> None:
    """Note that a change has failed and is undone, once the site is open."""
    if made.mode:
        jobs.follow(layout, made.app)
    journal.remove(layout, made.app)


@contextmanager
def _forgotten_if_it_fails(guard: Guard) -> Iterator[None]:
    try:
        guard.announce()
        yield
    except BaseException:
        guard.forget()
        raise


def _closed(layout: Layout, settings: Settings, change: Journal) -> AbstractContextManager[None]:
    if not change.mode:
        return nullcontext()
    return maintenance.closed(layout, change.app, change.mode, settings)


def _explained(error: NodeError | OSError, told: str) -> NodeError:
    output = error.output if isinstance(error, NodeError) else ""
    kind = NodeError if told.startswith(undoing.PUT_BACK) else DataChanged
    return kind(f"{error}\n{told}", output)
