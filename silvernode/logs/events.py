"""The lines of an app's three logs, as events of one form: that of silversupport.app_log.

`app.jsonl` holds such events. Apache's `error.log` holds what Apache, mod_wsgi, libraries in C and
child processes have to say; `access.log` has a line for each request. The formats of these two are
those of roles/apache (httpd.conf); `request` is the same in all three.
"""

import json
import re
from collections.abc import Callable
from datetime import datetime
from typing import Any

Event = dict[str, Any]

APACHE = "apache"
"""The stream of messages of Apache and mod_wsgi."""

OTHER = "other"
"""The stream of what comes neither from Python nor from Apache."""

ERROR = re.compile(
    r"\[(?P<time>[^\]]+)\] \[(?P<level>\w+)\] \[pid (?P<pid>\d+)\] \[(?P<instance>[^\]]*)\]"
    r" \[(?P<request>[^\]]*)\] (?P<text>.*)"
)
ACCESS = re.compile(
    r"(?P<client>\S+) \S+ \S+ \[(?P<time>[^\]]+)\] \"(?P<asked>(?:[^\"\\]|\\.)*)\""
    r" (?P<status>\d+) (?P<bytes>\S+) \"(?P<referer>(?:[^\"\\]|\\.)*)\""
    r" \"(?P<agent>(?:[^\"\\]|\\.)*)\" (?P<host>\S+) (?P<microseconds>\d+) (?P<request>\S+)"
    r" (?P<instance>\S+) \"(?P<prefix>(?:[^\"\\]|\\.)*)\""
)
ERROR_TIME = "%Y-%m-%d %H:%M:%S.%f %z"
ACCESS_TIME = "%d/%b/%Y:%H:%M:%S %z"

NUMBERS = ("time", "pid", "status", "seconds", "began")
TYPES: dict[str, Any] = {
    **dict.fromkeys(("time", "seconds", "began"), (int, float)),
    **dict.fromkeys(("pid", "status"), int),
    **dict.fromkeys(("instance", "request", "stream", "text", "event", "job"), str),
    **dict.fromkeys(("method", "path", "location"), str),
    "failed": bool,
}
VISIT = ("client", "bytes", "referer", "agent")
"""What only Apache tells of a request."""

ENDED = ("request", "status", "seconds", "began")
GREATEST = 1e11
"""What a number of an event is below, be it a time, a process or a duration."""

# Of the quiet levels, what tells of a process that crashed.
CRASH = "exit signal"
QUIET = frozenset({"notice", "info", "debug"})

MOD_WSGI = re.compile(r"^mod_wsgi \(pid=\d+\): |: /usr/local/share/silverlining/\S+/wsgi\.py$")
"""What mod_wsgi says more than anybody wants to know."""

OURS = "SystemExit exception raised"
OUR_TRACEBACK = re.compile(r"Traceback \(most recent call last\):|  .*|SystemExit: 1")


def of_app(line: str) -> list[Event]:
    """Return the event of a line of `app.jsonl`; of a damaged one, its text."""
    event = _json(line)
    return [event] if event else [{"stream": OTHER, "text": f"{line}\n"}]


def errors() -> Callable[[str], list[Event]]:
    """Return what makes events of the lines of `error.log`, read in their order.

    An error that the app let through reaches mod_wsgi as SystemExit (silversupport.logged). It is
    in `app.jsonl`, and so of what mod_wsgi says of it there is but the time.
    """
    ours: set[tuple[str, str]] = set()

    def parse(line: str) -> list[Event]:
        found = ERROR.fullmatch(line)
        message = _checked(_error, found)
        if not found or not message:
            event = _json(line) if line.startswith("{") else None
            return [event or {"stream": OTHER, "text": f"{line}\n"}]
        text, source = found["text"], (found["pid"], found["request"])
        if OURS in text:
            ours.add(source)
        elif source in ours and OUR_TRACEBACK.fullmatch(text):
            if text.startswith("SystemExit"):
                ours.remove(source)
        elif found["level"] not in QUIET or CRASH in text:
            return [message]
        return [{"time": message["time"]}]

    return parse


def of_access(line: str) -> list[Event]:
    """Return the event of a line of `access.log`: the end of a request."""
    event = _checked(_access, ACCESS.fullmatch(line))
    return [event] if event else []


def _access(found: re.Match[str]) -> Event:
    method, _, rest = found["asked"].partition(" ")
    prefix = found["prefix"].removeprefix("-")
    began = datetime.strptime(found["time"], ACCESS_TIME).timestamp()
    seconds = int(found["microseconds"]) / 1_000_000
    return {
        "time": began + seconds,
        "instance": found["instance"],
        "request": found["request"],
        "event": "end",
        "status": int(found["status"]),
        "failed": False,
        "seconds": seconds,
        "began": began,
        "method": method,
        "path": prefix + rest.rpartition(" ")[0],
        "location": found["host"] + prefix,
        "client": found["client"],
        "bytes": int(found["bytes"]) if found["bytes"].isdecimal() else 0,
        "referer": found["referer"].removeprefix("-"),
        "agent": found["agent"].removeprefix("-"),
    }


def _error(found: re.Match[str]) -> Event:
    request = found["request"]
    return {
        "time": datetime.strptime(found["time"], ERROR_TIME).timestamp(),
        "pid": int(found["pid"]),
        "instance": found["instance"],
        "stream": APACHE,
        "text": MOD_WSGI.sub("", found["text"]) + "\n",
        **({"request": request} if request != "-" else {}),
    }


def _checked(make: Callable[[re.Match[str]], Event], found: re.Match[str] | None) -> Event | None:
    """Return the event of a line of Apache's; None for one that only looks so.

    The app can write to these files too, and a process that ends may leave a half line.
    """
    try:
        event = make(found) if found else None
    except (ValueError, OverflowError):
        return None
    return event if event and _is_sane(event) else None


def _is_sane(event: Event) -> bool:
    return all(0 <= event[key] < GREATEST for key in NUMBERS if key in event)


def _json(line: str) -> Event | None:
    """Return an event, if it is one: the file belongs to the app, which could write anything."""
    try:
        event = json.loads(line)
    except (ValueError, RecursionError):
        return None
    if not isinstance(event, dict) or "time" not in event:
        return None
    needed = ENDED if event.get("event") == "end" else ()
    right = all(isinstance(event[key], kind) for key, kind in TYPES.items() if key in event)
    if not right or not _is_sane(event) or not all(key in event for key in needed):
        return None
    return {key: value for key, value in event.items() if key not in VISIT}
