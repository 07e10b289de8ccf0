"""How the last backup and the last restore drill of each app ended."""

import json
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from silvernode import atomic, locks
from silvernode.layout import Layout

BACKUP = "backup"
DRILL = "drill"


@dataclass(frozen=True)
class Result:
    """How a backup or a drill ended.

    Attributes:
        ok: whether it did what it should.
        message: what to tell a person: why it failed, or what was checked.
        archive: the name of the archive that was made or tried; empty if it came to none.
        destination: where the archive is, as an operator writes it; empty if that is not known.
        bytes: its size.
        seconds: how long it took.
        at: when it ended, ISO 8601, UTC.
    """

    ok: bool
    message: str = ""
    archive: str = ""
    destination: str = ""
    bytes: int = 0
    seconds: float = 0
    at: str = field(default_factory=lambda: now().isoformat())


def now() -> datetime:
    """Return the time, in UTC and whole seconds."""
    return datetime.now(UTC).replace(microsecond=0)


def note(layout: Layout, app: str, kind: str, result: Result) -> None:
    """Record how a backup or a drill of an app ended.

    Args:
        layout: the node's paths.
        app: the app's name.
        kind: `BACKUP` or `DRILL`.
        result: how it ended.
    """
    with locks.of_status(layout):
        known = load(layout, app)
        last_ok = result.at if result.ok else known.get(kind, {}).get("last_ok")
        noted = {**asdict(result), "seconds": round(result.seconds, 1), "last_ok": last_ok}
        atomic.write_json(_path(layout, app), {**known, kind: noted}, 0o600)


def load(layout: Layout, app: str) -> dict[str, Any]:
    """Return how an app's last backup and drill ended; nothing of what was never done.

    Returns:
        `{"backup": {...}, "drill": {...}}`, each the fields of `Result` and `last_ok`, the time of
        the last one that was well, or None. A damaged file counts as none: it is written again by
        the next backup, and until then an app without a backup is loud.
    """
    try:
        found = json.loads(_path(layout, app).read_bytes())
    except (FileNotFoundError, ValueError):
        return {}
    known = found.items() if isinstance(found, dict) else ()
    return {kind: result for kind, result in known if _is_result(result)}


def load_all(layout: Layout) -> dict[str, dict[str, Any]]:
    """Return `load` for every app of which something is noted."""
    return {
        path.stem: load(layout, path.stem)
        for path in sorted(directory(layout).glob("*.json"))
        if not path.name.startswith(".")
    }


def directory(layout: Layout) -> Path:
    """Return where the results are noted."""
    return layout.state / "backup/status"


def _path(layout: Layout, app: str) -> Path:
    return directory(layout) / f"{app}.json"


def _is_result(result: object) -> bool:
    return isinstance(result, dict) and {"at", "ok", "message", "last_ok"} <= set(result)
