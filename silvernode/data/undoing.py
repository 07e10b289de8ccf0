"""What becomes of an app's data when a change of it has failed, or was killed."""

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace

from silvernode import jobs, locks, scripts, units
from silvernode.data import checkpoints, draining, evidence, journal
from silvernode.data.checkpoints import Checkpoint
from silvernode.data.journal import Journal
from silvernode.deploy import recycling
from silvernode.errors import NodeError
from silvernode.layout import Layout
from silvernode.routing import closings, maintenance, registry
from silvernode.settings import Settings
from silversupport import update_variables

OWNER = "silver-node"
PUT_BACK = "the data is as it was before: its checkpoint was put back"


@dataclass(frozen=True)
class Undoing:
    """The way back from a change of an app's data; to be gone under the app's lock.

    Attributes:
        layout: the node's paths.
        settings: the node's settings.
        journal: what was under way.
        alone: visitors were kept from writing all the time, so that there is nothing to lose.
        closed: the caller keeps visitors out, and lets them in again.
    """

    layout: Layout
    settings: Settings
    journal: Journal
    alone: bool
    closed: bool = False

    def run(self) -> str:
        """Put the data back as it was, if nothing that was acknowledged to a visitor is lost so.

        Returns:
            What to tell beside the failure; empty where nothing has happened to the data.
        """
        self._stop_trial()
        try:
            told = self._undo()
        except (NodeError, OSError) as error:
            told = self._kept(str(error))
        self._let_go(recycled=told == PUT_BACK)
        return told

    def _undo(self) -> str:
        if not self.journal.stamp:
            return ""
        checkpoint = checkpoints.find(self.layout, self.journal.app, self.journal.stamp)
        if not self._was_put_back(checkpoint):
            if checkpoints.is_unchanged(self.layout, checkpoint):
                checkpoints.remove(self.layout, checkpoint)
                return ""
            if why := self._activity() or self._put_back(checkpoint):
                return self._kept(why)
        checkpoints.discard(self.layout, checkpoint)
        checkpoints.remove(self.layout, checkpoint)
        return PUT_BACK

    def _put_back(self, checkpoint: Checkpoint) -> str:
        """Have the app's data be what the checkpoint holds; return why not, if so."""
        app, what = checkpoint.app, f"putting back the data of {checkpoint.created}"
        with locks.of_data(self.layout, app, OWNER, what, wait=True):
            checkpoints.stage(self.layout, checkpoint)
            try:
                with self._shut():
                    draining.drain(self.layout, app, self.journal.trial)
                    if why := self._activity():
                        raise NodeError(why)
                    known = checkpoints.identities(self.layout, checkpoint)
                    journal.save(self.layout, replace(self.journal, swapped=known))
                    checkpoints.swap(self.layout, checkpoint)
                    self._recycle()
            except NodeError as error:
                checkpoints.discard(self.layout, checkpoint)
                return str(error)
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

    def _activity(self) -> str:
        """Return what the app did since the checkpoint, that would be lost; empty if nothing."""
        if self.alone:
            return ""
        before = self.journal.evidence
        now = evidence.gather(self.layout, self.journal.app, self.journal.trial)
        if self.journal.mode == closings.MAINTENANCE and now.boot != before.boot:
            return now.since_boot()  # Visitors were kept out until the power went off.
        return now.since(before)

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
            command = f"silver activate {made.location} {made.before} --checkpoint {made.stamp}"
            lines.append(f"To go back to it, and lose what was written since: {command}")
        return " ".join(lines)

    def _stop_trial(self) -> None:
        trial = self.journal.trial
        if trial and trial not in registry.load(self.layout).active_of(self.journal.app):
            units.stop_now(self.layout, trial)
            scripts.stop_all(trial)

    def _let_go(self, *, recycled: bool) -> None:
        """Let the instances that are served write again, and the jobs run."""
        app = self.journal.app
        if self.journal.mode == closings.READ_ONLY:
            allow_writes(self.layout, self.journal)
            if not recycled:
                self._recycle()
        checkpoints.sweep(self.layout, app)
        journal.remove(self.layout, app)
        if self.journal.mode:
            jobs.follow(self.layout, app)

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
