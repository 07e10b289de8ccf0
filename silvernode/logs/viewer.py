"""`silver-node logs`: what an app wrote, one block for each request."""

import json
import os
import signal
import sys
import time
from collections.abc import Collection, Iterable
from dataclasses import dataclass

from silvernode import instances, interrupts
from silvernode.layout import Layout
from silvernode.logs import text as log_text
from silvernode.logs.blocks import Block, Blocks
from silvernode.logs.reader import EVER, LogReader
from silvernode.routing import locations, registry

POLL_SECONDS = 0.1


@dataclass(frozen=True)
class Wanted:
    """Which blocks to show, and how.

    Attributes:
        location: `HOST[/PATH]`, or `prev.` and one.
        blocks: how many at most, the last ones; 0 for all.
        since: how old they are at most; seconds since 1970.
        errors: only those that tell of an error.
        access: every request, as Apache noted it.
        follow: go on with what comes.
        as_json: as JSON, an object a line.
        zone: the time zone, as the environment variable TZ has it; empty for UTC.
    """

    location: str
    blocks: int = 50
    since: float = EVER
    errors: bool = False
    access: bool = False
    follow: bool = False
    as_json: bool = False
    zone: str = ""


def show(layout: Layout, wanted: Wanted) -> int:
    """Print what an app wrote.

    Returns:
        The exit status.

    Raises:
        NodeError: nothing is served at the location.
    """
    _end_quietly()
    instance = registry.find(layout, wanted.location)
    if wanted.zone:
        os.environ["TZ"] = wanted.zone
        time.tzset()
    served = registry.load(layout).locations_of(instance.partition(".")[0])
    view = _View(wanted, instance, served)
    reader = LogReader(layout.logs(instance.partition(".")[0]))
    find = reader.last_requests if wanted.access else reader.last
    blocks = find(view.has_enough)
    if not view.show_last(blocks.all()):
        sys.stderr.write(f"silver: {_nothing(layout, wanted, instance)}\n")
        sys.stderr.flush()
    if wanted.follow:
        _follow(reader, view, blocks.endless())
    return 0


def written(layout: Layout, instance: str, since: float, job: str = "") -> str:
    """Return what an instance has written since a time, and what its Apache said, as text.

    Args:
        layout: the node's paths.
        instance: its name.
        since: seconds since 1970.
        job: only what this job of it wrote.
    """
    reader = LogReader(layout.logs(instance.partition(".")[0]))
    blocks = reader.last(lambda _, start: start <= since).all()
    own = [each for each in blocks if each.last >= since and each.instance in (instance, "")]
    own = [each for each in own if each.job == job] if job else own
    return "".join(log_text.text(block, local=False) for block in own)


def _end_quietly() -> None:
    """End at a signal, or when nobody reads on, without a word: nothing has to be put right."""
    for number in (*interrupts.SIGNALS, signal.SIGPIPE):
        signal.signal(number, signal.SIG_DFL)


def _follow(reader: LogReader, view: "_View", running: Iterable[Block]) -> None:
    interrupts.end_with_client()
    blocks = Blocks(block for block in running if not block.is_lost)
    more = reader.more_requests if view.wanted.access else reader.more
    while True:
        more(blocks)
        view.show(blocks.due(time.time()))
        time.sleep(POLL_SECONDS)


class _View:
    """What of an app's blocks is shown, and how."""

    def __init__(self, wanted: Wanted, instance: str, served: Collection[str]) -> None:
        self.wanted, self._instance, self._served = wanted, instance, served
        self._is_previous = wanted.location.startswith(registry.PREVIOUS)

    def has_enough(self, blocks: Iterable[Block], start: float) -> bool:
        """Tell whether no older blocks are needed."""
        if start <= self.wanted.since:
            return True
        return bool(self.wanted.blocks) and len(self._of_interest(blocks)) >= self.wanted.blocks

    def show_last(self, blocks: Iterable[Block]) -> bool:
        """Print the last blocks, and tell whether there were any."""
        found = self._of_interest(blocks)
        self._print(found[-self.wanted.blocks :])
        return bool(found)

    def show(self, blocks: Iterable[Block]) -> None:
        """Print blocks."""
        self._print(self._of_interest(blocks))

    def _print(self, blocks: Iterable[Block]) -> None:
        for block in blocks:
            text = f"{json.dumps(block.as_json())}\n" if self.wanted.as_json else self._text(block)
            sys.stdout.buffer.write(text.encode(errors="backslashreplace"))
            block.forget()
        sys.stdout.buffer.flush()

    def _text(self, block: Block) -> str:
        return log_text.text(block, local=bool(self.wanted.zone))

    def _of_interest(self, blocks: Iterable[Block]) -> list[Block]:
        return [block for block in blocks if self._is_of_interest(block)]

    def _is_of_interest(self, block: Block) -> bool:
        if block.last < self.wanted.since or (self.wanted.errors and not block.is_error):
            return False
        if self._is_previous:
            return block.instance in (self._instance, "")
        # An app can be served at several locations. Output outside of requests is of all of them.
        asked = block.asked.get("location")
        if asked in (self.wanted.location, "", None):
            return True
        return locations.of_request(self._served, asked) == self.wanted.location


def _nothing(layout: Layout, wanted: Wanted, instance: str) -> str:
    """Say why there is nothing to show."""
    record = instances.load(layout, instance)
    if wanted.access:
        return f"no request to {wanted.location} was noted (answers from the cache are not)"
    if record and not record.plan["runner"]:
        return f"{wanted.location} is a static site, in which nothing runs; --access shows requests"
    if wanted.errors:
        return f"no errors in the log of {wanted.location}"
    return f"nothing was written at {wanted.location}, now served by {instance}"
