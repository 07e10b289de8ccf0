"""The time as people on this machine tell it."""

import os
import re
import time
from datetime import datetime
from pathlib import Path

from silversupport.errors import SilverError

LOCALTIME = Path("/etc/localtime")
ZONES = Path("/usr/share/zoneinfo")
AGO = re.compile(r"(?P<count>\d+)(?P<unit>[smhd])")
UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86_400}


class TimeError(SilverError):
    """Not a time."""


def moment(text: str, now: float | None = None) -> float:
    """Return the time that somebody means, in seconds since 1970.

    Args:
        text: how long ago, such as `10m`, or a date with or without a time, in ISO 8601.
        now: the present time; by default that of the clock.

    Raises:
        TimeError: it is neither.
    """
    ago = AGO.fullmatch(text)
    if ago:
        return (time.time() if now is None else now) - int(ago["count"]) * UNITS[ago["unit"]]
    try:
        return datetime.fromisoformat(text).timestamp()
    except ValueError as error:
        raise TimeError(
            f"{text!r} is not a time; give one such as 10m, 2h, 3d, 2026-11-22 or 2026-11-22T18:30"
        ) from error


def zone() -> str:
    """Return this machine's time zone as POSIX writes it, such as `CET-1CEST,M3.5.0,M10.5.0/3`.

    That is what another machine understands without knowing the zone's name. It is the last line
    of a file of zone data (https://www.rfc-editor.org/rfc/rfc8536#section-3.3); empty if there is
    none.
    """
    name = os.environ.get("TZ", "").removeprefix(":")
    try:
        data = (ZONES / name if name else LOCALTIME).read_bytes()
    except OSError:
        return name  # it is written so already, if it is anything
    return data.rpartition(b"\n")[0].rpartition(b"\n")[2].decode("ascii", "replace")
