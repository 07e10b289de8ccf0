"""A block as a person reads it."""

import re
from datetime import UTC, datetime

from silvernode.logs.blocks import Block
from silvernode.logs.events import APACHE

COLOUR = re.compile(r"\x1b\[[0-9;]*m")


def text(block: Block, *, local: bool) -> str:
    """Return a block as text, with nothing in it that a terminal would obey.

    Args:
        block: the block.
        local: whether times are those of the local time zone (of TZ), else UTC.
    """
    lines = [f"{_time(block.time, local)} {_head(block)}"]
    for stream, line in block.lines:
        lines.append(f"  {'Apache: ' if stream == APACHE else ''}{line}")
    return "".join(f"{_harmless(line)}\n" for line in lines)


def _time(seconds: float, local: bool) -> str:
    zone = None if local else UTC
    when = datetime.fromtimestamp(seconds, zone)
    return f"{when:%Y-%m-%d %H:%M:%S}" + ("" if local else " UTC")


def _head(block: Block) -> str:
    if block.job:
        return _head_of_job(block)
    if not block.request:
        where = f" ({block.instance})" if block.instance else ""
        return f"outside of requests{where}"
    asked = " ".join(filter(None, (block.asked.get("method"), block.asked.get("path"))))
    where = ", ".join(filter(None, (block.instance, block.asked.get("location"))))
    continued = ", continued" if block.continued else ""
    return f"{asked or 'a request'} → {_end(block)} ({where}{continued}){_visitor(block)}"


def _head_of_job(block: Block) -> str:
    continued = ", continued" if block.continued else ""
    if not block.request:
        return f"{block.job} ({block.instance}{continued})"
    end = "its process ended before it" if block.is_lost else "still running"
    if block.end:
        end = f"exit status {block.end['status']} in {_duration(block.end['seconds'])}"
    return f"{block.job} → {end} ({block.instance}{continued})"


def _end(block: Block) -> str:
    if not block.end:
        return "its process ended before it" if block.is_lost else "still running"
    broken = ", broken off," if block.end.get("failed") and block.end["status"] < 500 else ""
    return f"{block.end['status'] or 'no answer'}{broken} in {_duration(block.end['seconds'])}"


def _duration(seconds: float) -> str:
    milliseconds = seconds * 1000
    if milliseconds < 10:
        return f"{milliseconds:.1f} ms"
    return f"{milliseconds:.0f} ms" if seconds < 1 else f"{seconds:.1f} s"


def _visitor(block: Block) -> str:
    """Return who asked, as Apache noted it."""
    if "client" not in block.end or block.pieces:
        return ""
    sent = f", {block.end['bytes']} bytes to {block.end['client']}"
    return f'{sent}, "{block.end["agent"]}"' if block.end["agent"] else sent


def _harmless(line: str) -> str:
    """Drop colours, and write out what a terminal would take as a command, or not show."""
    line = COLOUR.sub("", line.rstrip("\r"))
    if line.isprintable():
        return line
    return "".join(
        each if each.isprintable() or each == "\t" else each.encode("unicode_escape").decode()
        for each in line
    )
