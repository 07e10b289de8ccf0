"""The names of nodes in ``/etc/hosts``: only lines that end in ``# silver NODE`` are ours."""

import fcntl
import ipaddress
import os
import re
import subprocess
from collections.abc import Callable, Collection
from dataclasses import dataclass
from pathlib import Path

from silverlining import packages
from silversupport.errors import SilverError

_OURS = re.compile(r"^(?P<address>\S+)\s+(?P<names>[^#]*?)\s*# silver (?P<node>\S+)\s*$")
# RFC 1123, section 2.1: letters, digits, inner hyphens; RFC 1035, section 2.3.4: at most 63 each.
_LABEL = r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?"
_NAME = re.compile(rf"(?=.{{1,253}}\Z){_LABEL}(?:\.{_LABEL})*\Z")
_NODE = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]*\Z")


class HostsError(SilverError):
    """A name or an address is not one, or the file cannot be read."""


class NotWritableError(HostsError):
    """The file may not be changed by this user; ``lines`` are those that it lacks."""

    def __init__(self, message: str, lines: list[str]) -> None:
        super().__init__(message)
        self.lines = lines


@dataclass(frozen=True)
class Entry:
    """A line of ours: the names by which an address of a node is known."""

    address: str
    names: tuple[str, ...]
    node: str

    @classmethod
    def parse(cls, line: str) -> "Entry | None":
        """Return the entry in a line, or None if the line is not ours."""
        match = _OURS.match(line)
        return match and cls(match["address"], tuple(match["names"].split()), match["node"])

    def __str__(self) -> str:
        return f"{self.address}\t{' '.join(self.names)}\t# silver {self.node}"


def check(node: str, address: str | None, names: Collection[str]) -> None:
    """Raise HostsError unless all of these may stand in the file."""
    if not _NODE.match(node):
        raise HostsError(f"{node!r} is not the name of a node")
    for name in names:
        if not _NAME.match(name):
            raise HostsError(f"{name!r} is not a host name: lower-case letters, digits, '-', '.'")
    try:
        ipaddress.ip_address(address or "0.0.0.0")  # noqa: S104 - no socket is bound to it
    except ValueError as error:
        raise HostsError(f"{address!r} is not an IP address") from error


def added(text: str, node: str, address: str, names: Collection[str]) -> str:
    """Return the text of the file with these names for a node.

    Names that the node has already are kept and follow it to its address; a name that was another
    node's becomes this one's.
    """
    entries = [entry for line in text.splitlines() if (entry := Entry.parse(line))]
    known = [name for entry in entries if entry.node == node for name in entry.names]
    wanted = dict.fromkeys([*known, *names])
    kept = []
    for line in text.splitlines(keepends=True):
        entry = Entry.parse(line)
        if entry and entry.node == node:
            if entry.address != address or len(entry.names) != 1 or entry.names[0] not in wanted:
                continue
            del wanted[entry.names[0]]
        kept.append(_without(line, names) if entry and entry.node != node else line)
    return _ended("".join(kept)) + "".join(f"{Entry(address, (n,), node)}\n" for n in wanted)


def removed(text: str, node: str, names: Collection[str] = ()) -> str:
    """Return the text of the file without these names of a node, or without any of its names."""
    lines = text.splitlines(keepends=True)
    entries = [Entry.parse(line) for line in lines]
    return "".join(
        line if entry is None or entry.node != node else _without(line, names or entry.names)
        for line, entry in zip(lines, entries, strict=True)
    )


def shadowed(text: str, address: str, names: Collection[str]) -> list[str]:
    """Return those names that a line of the user's own gives another address."""
    found = []
    for line in text.splitlines():
        fields = line.partition("#")[0].split()
        if fields and not Entry.parse(line) and fields[0] != address:
            found += [name for name in fields[1:] if name in names]
    return found


def update(path: Path, change: Callable[[str], str], dry_run: bool = False) -> tuple[str, str]:
    """Change the file, alone among all processes that use this function.

    It is written in place: in a container ``/etc/hosts`` is a mount, and renaming over it fails
    with EBUSY. What comes before the first difference is not touched, and the rest is one write.

    Args:
        path: The file.
        change: Makes the new text of the old.
        dry_run: Leave the file as it is.

    Returns:
        The old and the new text.

    Raises:
        NotWritableError: The file should be changed and may not be.
    """
    with path.open("rb") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        old = file.read()
        text = old.decode(errors="surrogateescape")
        new = change(text)
        if new != text and not dry_run:
            _overwrite(path, old, new.encode(errors="surrogateescape"))
    return text, new


def _overwrite(path: Path, old: bytes, new: bytes) -> None:
    same = len(os.path.commonprefix([old, new]))  # noqa: RUF071 - bytes, not paths
    try:
        with path.open("r+b", buffering=0) as file:
            file.seek(same)
            file.write(new[same:])
            file.truncate(len(new))
            os.fsync(file.fileno())
    except PermissionError as error:
        if not _overwritten_as_root(path, new):
            raise _not_writable(path, old, new, error) from error
    except OSError as error:
        raise _not_writable(path, old, new, error) from error


def _overwritten_as_root(path: Path, new: bytes) -> bool:
    command = packages.as_root(["tee", str(path)])
    if command is None or os.geteuid() == 0:
        return False
    done = subprocess.run(command, input=new, stdout=subprocess.DEVNULL, check=False)
    return done.returncode == 0


def _not_writable(path: Path, old: bytes, new: bytes, error: OSError) -> NotWritableError:
    """Return the error that says which lines to add or remove by hand."""
    before, after = (content.decode(errors="surrogateescape") for content in (old, new))
    missing = [line for line in after.splitlines() if line not in before.splitlines()]
    surplus = [line for line in before.splitlines() if line not in after.splitlines()]
    todo = [f"add: {line}" for line in missing] + [f"remove: {line}" for line in surplus]
    text = "\n".join([f"{path} cannot be changed ({error.strerror}); as root,", *todo])
    return NotWritableError(text, missing)


def _without(line: str, names: Collection[str]) -> str:
    """Return our line without these names: as it is, shorter, or empty."""
    entry = Entry.parse(line)
    if entry is None or not set(names) & set(entry.names):
        return line
    left = tuple(name for name in entry.names if name not in names)
    return f"{Entry(entry.address, left, entry.node)}\n" if left else ""


def _ended(text: str) -> str:
    return text if text.endswith("\n") or not text else f"{text}\n"
