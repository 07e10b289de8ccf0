"""Blocks: what was written during one request, or by one process outside of requests."""

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

from silvernode.logs.events import APACHE, VISIT, Event

QUIET_SECONDS = 0.2
PATIENCE_SECONDS = 3.0
GAP_SECONDS = 1.0
"""After such a pause, what a process writes outside of requests is a block of its own."""

SERVER_ERROR = 500
ERROR = re.compile(r"^Traceback \(most recent call last\)|\b(ERROR|CRITICAL)\b", re.MULTILINE)
ASKED = ("method", "path", "location")


class Piece(NamedTuple):
    """A text that was written, to a stream, at a time."""

    time: float
    stream: str
    text: str


@dataclass
class Block:
    """What was written during one request, or by one process outside of requests.

    Attributes:
        time: when the request began, or the first line was written; seconds since 1970.
        instance: whose it is; empty if that is not known.
        request: the name of the request; empty outside of requests.
        pid: the process that wrote it; 0 if that is not known.
        last: the time of the last event.
        pieces: what was written, but for what has been shown while the request still ran.
        asked: `method`, `path` and `location` of the request, as far as they are known.
        end: the event of its end: `status`, `seconds` and so on; empty before that.
        continued: whether a part of it has been shown.
        job: the job that wrote it, `cron.NAME` or `worker.NAME`; empty if it was none. A run of a
            cron job is told from others as a request is.
    """

    time: float
    instance: str
    request: str
    pid: int
    last: float
    pieces: list[Piece] = field(default_factory=list)
    asked: dict[str, str] = field(default_factory=dict)
    end: Event = field(default_factory=dict)
    continued: bool = False
    job: str = ""

    def add(self, event: Event) -> None:
        """Add an event."""
        self.last = max(self.last, event["time"])
        if event.get("text"):
            self.pieces.append(Piece(event["time"], event.get("stream", ""), event["text"]))
        if "method" in event:
            self.asked = {key: event.get(key, "") for key in ASKED}
        if event.get("event") == "end":
            self.end = event
            self.time = min(self.time, event["began"])

    def forget(self) -> None:
        """Forget what has been shown."""
        self.continued = True
        self.pieces.clear()

    @property
    def waits_since(self) -> float:
        """Since when there is something to show; in the far future if there is nothing."""
        return self.pieces[0].time if self.pieces else float("inf")

    @property
    def lines(self) -> list[tuple[str, str]]:
        """The stream and the text of each line."""
        found: list[tuple[str, str]] = []
        unfinished = ""
        for _, stream, text in self.pieces:
            first, *rest = text.split("\n")
            if unfinished == stream:
                found[-1] = (stream, found[-1][1] + first)
            else:
                found.append((stream, first))
            found += [(stream, line) for line in rest]
            unfinished = stream
            if text.endswith("\n"):
                found.pop()
                unfinished = ""
        return found

    @property
    def is_error(self) -> bool:
        """Whether it ended badly, or tells of an error."""
        return bool(
            self.end.get("failed")
            or self.end.get("status", 0) >= SERVER_ERROR
            or any(
                each.stream in ("error", APACHE) or ERROR.search(each.text) for each in self.pieces
            )
        )

    @property
    def is_lost(self) -> bool:
        """Whether the process that served the request is gone, and it has no end."""
        return bool(self.request and not self.end and not Path(f"/proc/{self.pid}").exists())

    def as_json(self) -> dict[str, Any]:
        """Return it as plain data."""
        return {
            "time": self.time,
            "instance": self.instance,
            "pid": self.pid,
            "request": self.request or None,
            "job": self.job or None,
            **{key: self.asked.get(key) for key in ASKED},
            "status": self.end.get("status"),
            "seconds": self.end.get("seconds"),
            "failed": self.is_lost or bool(self.end.get("failed")),
            "continued": self.continued,
            **{key: self.end[key] for key in VISIT if key in self.end},
            "lines": [{"stream": stream, "text": text} for stream, text in self.lines],
        }


class Blocks:
    """Events put together.

    Args:
        running: requests that have not ended, of which more events may come.
    """

    def __init__(self, running: Iterable[Block] = ()) -> None:
        self._open: dict[tuple[object, ...], Block] = {(each.request,): each for each in running}
        self._closed: list[Block] = []

    def add(self, events: Iterable[Event]) -> None:
        """Add events, in the order of their times."""
        for event in events:
            self._block(event).add(event)

    def add_ends(self, events: Iterable[Event]) -> None:
        """Add those ends, as Apache noted them, that the application did not come to note."""
        ends = {event["request"]: event for event in events}
        for block in self.endless():
            if block.request in ends:
                block.add(ends[block.request])

    def all(self) -> list[Block]:
        """Return all blocks, the oldest first."""
        return sorted([*self._closed, *self._open.values()], key=lambda block: block.time)

    def endless(self) -> list[Block]:
        """Return the requests that have not ended."""
        return [block for block in self._open.values() if block.request and not block.end]

    def due(self, now: float) -> list[Block]:
        """Return what is to be shown by now, the oldest first, and forget what is finished.

        A request that takes long is shown as far as it has come.
        """
        finished = {key: block for key, block in self._open.items() if _is_finished(block, now)}
        for key in finished:
            del self._open[key]
        waiting = [block for block in self.endless() if block.waits_since < now - PATIENCE_SECONDS]
        closed, self._closed = self._closed, []
        return sorted([*closed, *finished.values(), *waiting], key=lambda block: block.time)

    def _block(self, event: Event) -> Block:
        """Return the block of an event."""
        request, instance = event.get("request", ""), event.get("instance", "")
        pid, time = event.get("pid", 0), event["time"]
        job = event.get("job", "")
        key = (request,) if request else (instance, pid, job)
        block = self._open.get(key)
        if block and not request and time - block.last > GAP_SECONDS:
            self._closed.append(block)
            block = None
        if not block:
            block = self._open[key] = Block(time, instance, request, pid, time, job=job)
        return block


def _is_finished(block: Block, now: float) -> bool:
    if block.request:
        lost = block.is_lost and now - block.waits_since > PATIENCE_SECONDS
        return bool(block.end) or lost
    return now - block.last > QUIET_SECONDS or now - block.time > GAP_SECONDS
