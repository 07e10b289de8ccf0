"""A switch to another instance that takes the app's data back to a checkpoint of that instance."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass

from silvernode import locks, units
from silvernode.data import checkpoints, safeguard, undoing
from silvernode.data.checkpoints import Checkpoint
from silvernode.data.journal import Journal
from silvernode.errors import NodeError
from silvernode.layout import Layout
from silvernode.routing import closings
from silvernode.routing.registry import Registry
from silvernode.settings import Settings

NEWEST = "newest"
"""In the place of a checkpoint: the newest one of the instance."""


@dataclass(frozen=True)
class Way:
    """The way back to a checkpoint.

    Attributes:
        checkpoint: what the app's data is going to be.
        location: where the instance is going to be served.
        left: the instance that is served now, whose data it was.
        target: the instance that is going to be served; may be the same.
    """

    checkpoint: Checkpoint
    location: str
    left: str
    target: str

    def told(self) -> dict[str, object]:
        """Return what a person has to know before, plain data for JSON."""
        found = self.checkpoint
        return {
            "app": found.app,
            "instance": found.instance,
            "stamp": found.stamp,
            "created": found.created,
            "reason": found.reason,
            "left": self.left,
        }


def find(layout: Layout, routes: Registry, wanted: Mapping[str, str], stamp: str) -> Way:
    """Return the way back that somebody wants to go.

    Args:
        layout: the node's paths.
        routes: what is served where now.
        wanted: the instance for each location.
        stamp: a checkpoint, or `NEWEST`.

    Raises:
        NodeError: there is no such checkpoint, or it is not clear whose data is meant.
    """
    targets = set(wanted.values())
    if len(targets) != 1:
        names = ", ".join(sorted(targets))
        raise NodeError(f"an app has one database for all its locations; name one of {names}")
    (target,) = targets
    app, location = target.partition(".")[0], min(wanted)
    left = routes.active(location)
    if not left:
        raise NodeError(f"nothing is served at {location}; activate {target} without its data")
    if target != left and target in routes.active_of(app):
        where = [each for each in routes.locations_of(app) if routes.active(each) == target]
        raise NodeError(
            f"{target} is served at {', '.join(where)} already, with the data of now; first:"
            f" ./silver activate {location} {target}, then the same with --checkpoint"
        )
    if stamp != NEWEST:
        return Way(checkpoints.find(layout, app, stamp), location, left, target)
    found = checkpoints.of_instance(layout, target)
    if not found:
        known = checkpoints.load_all(layout, app)
        others = ", ".join(f"{each.stamp} ({each.instance})" for each in known)
        raise NodeError(
            f"there is no checkpoint of the data of {target}; there is: {others or 'none'}"
        )
    return Way(found[0], location, left, target)


@contextmanager
def gone(layout: Layout, settings: Settings, way: Way) -> Iterator[list[str]]:
    """Have the app's data be that of the checkpoint; if the block fails, it is what it was.

    Visitors are kept out. What the data was is kept as a checkpoint of the instance that is left.
    To be called under the app's lock, after `silvernode.data.mending.mend`.

    Gives:
        A list of warnings, which is complete after the block.

    Raises:
        NodeError: the data is what it was.
    """
    app, found = way.checkpoint.app, way.checkpoint
    warnings: list[str] = []
    if obstacle := checkpoints.obstacle(layout, app, settings):
        raise NodeError(f"the data of {app} as it is now could not be kept: {obstacle}")
    trial = "" if way.target == way.left else way.target
    change = Journal(app, way.location, way.left, trial, closings.MAINTENANCE)
    reason = f"before {found.stamp} was put back"
    with locks.of_data(layout, app, "silver-node", f"going back to {found.stamp}"):
        try:
            checkpoints.stage(layout, found)
            with safeguard.guarded(layout, settings, change, reason) as guard:
                if trial:
                    units.stop_now(layout, trial)  # What it has open is about to be another one.
                guard.refuse_activity()
                checkpoints.swap(layout, found)
                undoing.recycle(layout, settings, change)
                checkpoints.discard(layout, found)
                yield warnings
            warnings += guard.warnings
        except BaseException:
            checkpoints.discard(layout, found)
            raise
