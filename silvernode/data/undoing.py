"""What becomes of an app's data when a change of it has failed, or was killed."""

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace

from silvernode import scripts, units
from silvernode.data import checkpoints, draining, evidence, journal
from silvernode.data.checkpoints import Checkpoint
from silvernode.data.journal import Journal
from silvernode.deploy import recycling
from silvernode.errors import NodeError
from silvernode.layout import Layout
from silvernode.routing import closings, maintenance, registry
from silvernode.settings import Settings
from silversupport import update_variables

PUT_BACK = "the data is as it was before: its checkpoint was put back"
"""The beginning of what is told then."""


@dataclass(frozen=True)
class Undoing:
    """The way back from a change of an app's data; to be gone under the app's lock.

    Attributes:
        layout: the node's paths.
        settings: the node's settings.
        journal: what was under way.
        closed: the caller keeps visitors out, and lets them in again.
    """

    layout: Layout
    settings: Settings
    journal: Journal
    closed: bool = False

    def run(self) -> str:
        """Put the data back as it was, if nothing that was acknowledged to a visitor is lost so.

        The caller has the jobs go on and removes the journal, once the site is open.

        Returns:
            What to tell beside the failure; empty where nothing has happened to the data.
        """
        self._stop_trial()
        try:
            told = self._undo()
        except (NodeError, OSError) as error:
            told = self._kept(str(error))
        # It is decided. From here on the app may write, so a second look could come to another end.
        with suppress(OSError):  # The disk may be full; this must not keep the app from writing.
            journal.save(self.layout, replace(self.journal, stamp="", alone=False, told=told))
        self._let_go(recycled=told.startswith(PUT_BACK))
        return told

    def _undo(self) -> str:
        if not self.journal.stamp:
            return self.journal.told
        troubles: list[str] = []
        checkpoint = checkpoints.find(self.layout, self.journal.app, self.journal.stamp)
        if not self._was_put_back(checkpoint):
            if checkpoints.is_unchanged(self.layout, checkpoint):
                checkpoints.remove(self.layout, checkpoint)
                return ""
            if why := self._others() or self.activity() or self._put_back(checkpoint, troubles):
                return self._kept(why)
        try:
            checkpoints.discard(self.layout, checkpoint)
            checkpoints.remove(self.layout, checkpoint)
        except (NodeError, OSError) as error:
            troubles.append(str(error))
        return "\n".join(
            [PUT_BACK, *(f"not all went well after that: {each}" for each in troubles)]
        )

    def _put_back(self, checkpoint: Checkpoint, troubles: list[str]) -> str:
        """Have the app's data be what the checkpoint holds; return why not, if so.

        A restore and a clear are kept out by the app's lock. A backup that is under way fails,
        rather than keeping visitors out until it has ended.

        Args:
            checkpoint: what is put back.
            troubles: gets what failed after that.
        """
        done = False
        try:
            checkpoints.stage(self.layout, checkpoint)
            with self._shut():
                draining.drain(self.layout, checkpoint.app, self.journal.trial)
                if why := self.activity():
                    raise NodeError(why)
                known = checkpoints.identities(self.layout, checkpoint)
                journal.save(self.layout, replace(self.journal, swapped=known))
                checkpoints.swap(self.layout, checkpoint)
                done = True
                self._recycle()
        except (NodeError, OSError) as error:
            if not done:
                checkpoints.discard(self.layout, checkpoint)
                return str(error)
            troubles.append(str(error))
        return ""

    def _was_put_back(self, checkpoint: Checkpoint) -> bool:
        """Tell whether a killed command had begun to exchange the data, and end it then."""
        before = self.journal.swapped
        now = checkpoints.identities(self.layout, checkpoint) if before else {}
        left = [name for name, identity in now.items() if identity == before.get(name)]
        if len(left) == len(now):
            return False
        checkpoints.swap(self.layout, checkpoint, left)
        return True

    def activity(self) -> str:
        """Return what the app did since the checkpoint, that would be lost; empty if nothing."""
        if self.journal.alone:
            return ""
        before = self.journal.evidence
        now = evidence.gather(self.layout, self.journal.app, self.journal.trial)
        if self.journal.mode == closings.MAINTENANCE and now.boot != before.boot:
            return now.since_boot(before)  # Visitors were kept out until the power went off.
        return now.since(before)

    def _others(self) -> str:
        """Return who else may have written, of whom this node knows nothing; empty if nobody."""
        kept = checkpoints.kept_of(self.layout, self.journal.app).values()
        if self.journal.alone or not any(service.is_shared for service in kept):
            return ""
        return "the app runs on other nodes, too, which may have written since"

    @contextmanager
    def _shut(self) -> Iterator[None]:
        """Keep visitors out for a moment, those who only look as well."""
        app = self.journal.app
        if not self.closed:
            with maintenance.closed(self.layout, app, closings.MAINTENANCE, self.settings):
                yield
            return
        if self.journal.mode != closings.MAINTENANCE:
            maintenance.change(self.layout, app, closings.MAINTENANCE, self.settings)
        yield

    def _kept(self, why: str) -> str:
        """Keep the checkpoint, and return what to tell of it."""
        made = self.journal
        if not made.stamp:
            return f"what it did to the data stays: {why}"
        with suppress(NodeError, OSError):
            checkpoint = checkpoints.find(self.layout, made.app, made.stamp)
            checkpoints.explain(self.layout, checkpoint, "before an update that failed")
            checkpoints.discard(self.layout, checkpoint)
        lines = [f"the data was not put back: {why}. What the update did to it stays."]
        lines.append(f"Its checkpoint {made.stamp} is kept.")
        if made.before:
            where = self._where(made.before)
            command = f"./silver activate {where} {made.before} --checkpoint {made.stamp}"
            lines.append(f"To go back to it, and lose what was written since: {command}")
        return " ".join(lines)

    def _where(self, instance: str) -> str:
        """Return a location at which an instance is served: the one of the change, if it can be."""
        routes, location = registry.load(self.layout), self.journal.location
        served = [each for each, route in routes.locations.items() if route.instance == instance]
        return location if location in served or not served else min(served)

    def _stop_trial(self) -> None:
        trial = self.journal.trial
        if trial and trial not in registry.load(self.layout).active_of(self.journal.app):
            units.stop_now(self.layout, trial)
            scripts.stop_all(trial)

    def _let_go(self, *, recycled: bool) -> None:
        """Let the instances that are served write again."""
        if self.journal.mode == closings.READ_ONLY:
            allow_writes(self.layout, self.journal)
            if not recycled:
                self._recycle()
        checkpoints.sweep(self.layout, self.journal.app)

    def _recycle(self) -> None:
        recycle(self.layout, self.settings, self.journal)


def allow_writes(layout: Layout, made: Journal) -> None:
    """Undo what `update_mode = read-only` did to the app's database."""
    update_variables.path(layout.run(made.trial or made.app)).unlink(missing_ok=True)
    for service in checkpoints.kept_of(layout, made.app).values():
        service.allow_writes()


def recycle(layout: Layout, settings: Settings, made: Journal) -> None:
    """Give the running instances, but for the one on trial, new processes."""
    for instance in recycling.running(layout, made.app, but=made.trial):
        recycling.recycle(layout, instance, settings)
