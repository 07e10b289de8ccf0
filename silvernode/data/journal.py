"""What is under way with an app's data, on disk so that whoever comes after a kill can end it."""

import json
from dataclasses import asdict, dataclass, field
from pathlib import Path

from silvernode import atomic
from silvernode.data.evidence import Evidence
from silvernode.errors import NodeError
from silvernode.layout import Layout

NOTES = "notes.txt"


@dataclass(frozen=True)
class Journal:
    """A change of an app's data that is under way.

    It is over once `trial` is served: the registry decides.

    Attributes:
        app: the app's name.
        location: where the instance is going to be served.
        before: the instance whose data it is, empty if the app has none yet.
        trial: the instance that is going to be served; empty if the served one stays.
        mode: how visitors are kept out until then, see `silvernode.routing.closings`; empty:
            not at all.
        stamp: the checkpoint that is put back if it fails; empty as long as there is none, and
            once it is decided what becomes of the data.
        swapped: the identities that the data had when it began to be put back.
        evidence: of what the app did, when the checkpoint was begun.
        alone: the database keeps everybody else from writing now, so that nothing can be lost.
        told: what was decided after a failure, in words.
    """

    app: str
    location: str
    before: str
    trial: str
    mode: str = ""
    stamp: str = ""
    swapped: dict[str, str] = field(default_factory=dict)
    evidence: Evidence = field(default_factory=Evidence)
    alone: bool = False
    told: str = ""


def directory(layout: Layout, app: str) -> Path:
    """Return the directory of an app's checkpoints and journal, made if it is missing."""
    path = layout.checkpoints / app
    layout.checkpoints.mkdir(parents=True, exist_ok=True, mode=0o700)
    path.mkdir(exist_ok=True, mode=0o700)
    return path


def save(layout: Layout, journal: Journal) -> None:
    """Write down what is under way."""
    path = directory(layout, journal.app) / "update.json"
    atomic.write_json(path, asdict(journal), mode=0o600)


def load(layout: Layout, app: str) -> Journal | None:
    """Return what is under way with an app's data, if anything is.

    Raises:
        NodeError: the journal is damaged.
    """
    path = _path(layout, app)
    try:
        data = json.loads(path.read_bytes())
        return Journal(**{**data, "evidence": Evidence(**data["evidence"])})
    except FileNotFoundError:
        return None
    except (ValueError, KeyError, TypeError) as error:
        raise NodeError(f"{path} is damaged ({error}); move it away and try again") from error


def note(layout: Layout, app: str, line: str) -> None:
    """Keep a line for whoever changes the app next, since nobody is there to read it now."""
    lines = [*_notes(layout, app), line]
    atomic.write(directory(layout, app) / NOTES, "\n".join(lines) + "\n", mode=0o600)


def take_notes(layout: Layout, app: str) -> list[str]:
    """Return the lines that were kept, which are gone then."""
    lines = _notes(layout, app)
    atomic.remove(layout.checkpoints / app / NOTES)
    return lines


def remove(layout: Layout, app: str) -> None:
    """Note that nothing is under way any more."""
    atomic.remove(_path(layout, app))


def apps(layout: Layout) -> list[str]:
    """Return the apps of which something is under way, or was when it was killed."""
    return sorted(path.parent.name for path in layout.checkpoints.glob("*/update.json"))


def _notes(layout: Layout, app: str) -> list[str]:
    path = layout.checkpoints / app / NOTES
    return path.read_text(encoding="utf-8").splitlines() if path.exists() else []


def _path(layout: Layout, app: str) -> Path:
    return layout.checkpoints / app / "update.json"
