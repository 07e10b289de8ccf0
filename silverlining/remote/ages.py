"""Points in time as a person says them."""

from datetime import UTC, datetime

_UNITS = ((86400, "day"), (3600, "h"), (60, "min"))
_DAYS_COUNTED = 30


def ago(moment: str, now: datetime | None = None) -> str:
    """Return how long ago something was: `3 h ago`; after a month the date.

    Args:
        moment: ISO 8601, with a time zone.
        now: the present time, by default this machine's.
    """
    then = datetime.fromisoformat(moment)
    seconds = ((now or datetime.now(UTC)) - then).total_seconds()
    if seconds >= _DAYS_COUNTED * 86400:
        return f"{then.astimezone():%Y-%m-%d}"
    span = _span(seconds)
    # "just now" also where the node's clock is ahead of this one.
    return f"{span} ago" if span else "just now"


def until(moment: str, now: datetime | None = None) -> str:
    """Return how soon something will be: `in 3 h`; beyond a month the date.

    Args:
        moment: ISO 8601, with a time zone.
        now: the present time, by default this machine's.
    """
    then = datetime.fromisoformat(moment)
    seconds = (then - (now or datetime.now(UTC))).total_seconds()
    if seconds >= _DAYS_COUNTED * 86400:
        return f"{then.astimezone():%Y-%m-%d}"
    span = _span(seconds)
    return f"in {span}" if span else "now"


def _span(seconds: float) -> str:
    """Return a time span in its largest unit; empty below a minute."""
    for length, unit in _UNITS:
        if seconds >= length:
            count = int(seconds // length)
            plural = "s" if unit == "day" and count > 1 else ""
            return f"{count} {unit}{plural}"
    return ""
