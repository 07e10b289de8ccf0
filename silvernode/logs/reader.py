"""The three logs of an app, read together."""

import time
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

from silvernode.logs import events as log_events
from silvernode.logs.blocks import Block, Blocks
from silvernode.logs.events import Event
from silvernode.logs.files import LogFile

FIRST_BYTES = 500_000
GROWTH = 8
MOST_BYTES = 256_000_000
"""What is read at most of a log, which an app could have made to be endless."""

EVER = float("-inf")

Enough = Callable[[list[Block], float], bool]
"""Tells whether some blocks are enough, given also since when there are no others."""


class LogReader:
    """The three logs of an app: the last blocks of them, and those that come.

    Args:
        directory: that of the app's logs.
    """

    def __init__(self, directory: Path) -> None:
        # In this order: when Apache notes a request, its application has noted all of it.
        self._access = LogFile(directory / "access.log")
        self._error = LogFile(directory / "error.log")
        self._app = LogFile(directory / "app.jsonl")
        self._parse_error = log_events.errors()

    def last(self, is_enough: Enough) -> Blocks:
        """Return the last blocks."""
        blocks = Blocks()
        for size in _sizes():
            blocks, start = self._last(size)
            if start == EVER or is_enough(blocks.all(), start):
                break
        return blocks

    def last_requests(self, is_enough: Enough) -> Blocks:
        """Return the last requests, whether something was written or not."""
        blocks = Blocks()
        for size in _sizes():
            blocks = Blocks()
            lines, whole = self._access.back(size)
            blocks.add(_events(lines, log_events.of_access))
            found = blocks.all()
            if whole or is_enough(found, found[0].time if found else time.time()):
                break
        return blocks

    def more(self, blocks: Blocks) -> None:
        """Add to the blocks what has been written since the last call."""
        ends = _events(self._access.more(), log_events.of_access)
        errors = _events(self._error.more(), self._parse_error)
        events = _events(self._app.more(), log_events.of_app)
        blocks.add(sorted(events + errors, key=_time))
        blocks.add_ends(ends)

    def more_requests(self, blocks: Blocks) -> None:
        """Add to the blocks the requests that Apache has noted since the last call."""
        blocks.add(_events(self._access.more(), log_events.of_access))

    def _last(self, size: int) -> tuple[Blocks, float]:
        """Return the blocks of the last bytes, and since when there are no others."""
        lines, whole = self._app.back(size)
        events = _events(lines, log_events.of_app)
        error_lines, error_whole = self._error.back(size)
        errors = _events(error_lines, log_events.errors())
        start = max(_start(events, whole), _start(errors, error_whole))
        blocks = Blocks()
        blocks.add(sorted((each for each in events + errors if _time(each) >= start), key=_time))
        self._add_ends(blocks)
        return blocks, start

    def _add_ends(self, blocks: Blocks) -> None:
        start = min((each.time for each in blocks.endless() if not each.job), default=None)
        if start is None:
            return
        ends: list[Event] = []
        for size in _sizes():
            lines, whole = self._access.back(size)
            ends = _events(lines, log_events.of_access)
            if whole or _start(ends, whole) < start:
                break
        blocks.add_ends(ends)


def _sizes() -> Iterator[int]:
    size = FIRST_BYTES
    while size <= MOST_BYTES:
        yield size
        size *= GROWTH


def _start(events: list[Event], whole: bool) -> float:
    """Return since when events that are the last of a log are all of it."""
    if whole:
        return EVER
    return _time(events[0]) if events else time.time()


def _events(lines: Iterable[str], parse: Callable[[str], list[Event]]) -> list[Event]:
    """Return the events of lines; those without a time have that of the one before, or after."""
    events = [event for line in lines for event in parse(line)]
    last = next((event["time"] for event in events if "time" in event), time.time())
    for event in events:
        last = event.setdefault("time", last)
    return [event for event in events if "text" in event or "event" in event]


def _time(event: Event) -> float:
    return float(event["time"])
