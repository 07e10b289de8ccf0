"""A replacement of an app's data that is under way: what it was, so that it can be undone."""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path

from silvernode import atomic
from silvernode.errors import NodeError
from silvernode.layout import Layout


@dataclass(frozen=True)
class Pending:
    """What an app had before a replacement began.

    Attributes:
        app: its name.
        begun: whether anything may have been replaced; else there may be copies on the side only.
        services: for each service that is replaced, the identity of the data.
        secret: the identity of its secret; empty if that stays.
        configured: the instance whose configuration is replaced; empty if that stays.
        config: the identity of this configuration.
        origin: where it came from, see `silvernode.instances.Record.config`.
        running: the instances that ran.
    """

    app: str
    begun: bool = False
    services: Mapping[str, str] = field(default_factory=dict)
    secret: str = ""
    configured: str = ""
    config: str = ""
    origin: str = ""
    running: list[str] = field(default_factory=list)


def save(layout: Layout, pending: Pending) -> None:
    """Note that a replacement is under way."""
    atomic.write_json(_path(layout, pending.app), asdict(pending), mode=0o600)


def load(layout: Layout, app: str) -> Pending | None:
    """Return the replacement that is under way, or was when it was killed, if there is one.

    Raises:
        NodeError: its note is damaged.
    """
    path = _path(layout, app)
    try:
        return Pending(**json.loads(path.read_bytes()))
    except FileNotFoundError:
        return None
    except (ValueError, TypeError) as error:
        raise NodeError(f"{path} is damaged ({error}); move it away and try again") from error


def remove(layout: Layout, app: str) -> None:
    """Note that it is over."""
    atomic.remove(_path(layout, app))


def apps(layout: Layout) -> list[str]:
    """Return the apps of which one is under way."""
    return sorted(path.stem for path in _directory(layout).glob("*.json"))


def _path(layout: Layout, app: str) -> Path:
    return _directory(layout) / f"{app}.json"


def _directory(layout: Layout) -> Path:
    return layout.state / "backup/pending"
