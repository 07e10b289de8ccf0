"""Which archives of an app are kept, and which are old."""

from collections.abc import Callable, Hashable, Iterable, Mapping
from datetime import datetime

from silverbackup import manifest


def archives(names: Iterable[str], app: str) -> dict[str, datetime]:
    """Return those of the names that are an archive of an app and its time, the newest first."""
    found = {name: manifest.parse_name(name) for name in names}
    mine = {name: known[1] for name, known in found.items() if known and known[0] == app}
    return dict(sorted(mine.items(), key=lambda each: each[1], reverse=True))


def old(names: Iterable[str], app: str, keep: int, weekly: int, monthly: int) -> list[str]:
    """Return the archives of an app that are not kept, the oldest first.

    Args:
        names: the names of all that is there.
        app: the app's name.
        keep: how many of the newest are kept; 0 keeps all.
        weekly: for how many weeks of those that have archives the newest one is kept.
        monthly: the same for months.
    """
    known = archives(names, app)
    kept = {
        *list(known)[: keep or None],
        *_newest_of_each(known, lambda when: when.isocalendar()[:2], weekly),
        *_newest_of_each(known, lambda when: (when.year, when.month), monthly),
    }
    return [name for name in reversed(known) if name not in kept]


def _newest_of_each(
    known: Mapping[str, datetime], period: Callable[[datetime], Hashable], count: int
) -> list[str]:
    newest: dict[Hashable, str] = {}
    for name, when in known.items():
        newest.setdefault(period(when), name)
    return list(newest.values())[:count]
