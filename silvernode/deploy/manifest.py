"""The files of an instance as they were uploaded, so that what was changed on the node is seen."""

import json
import os
import stat
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from hashlib import file_digest
from pathlib import Path
from typing import NamedTuple

from silvernode import atomic
from silvernode.layout import Layout


class Entry(NamedTuple):
    """A file as it was when its instance was made.

    Attributes:
        digest: SHA-256 of its content; for a symbolic link an arrow and where it leads to.
        size: in bytes.
        mtime_ns: when it was modified, in nanoseconds.
    """

    digest: str
    size: int
    mtime_ns: int


Manifest = dict[str, Entry]


@dataclass(frozen=True)
class Edits:
    """What was changed on the node in an instance, by paths relative to its root.

    Attributes:
        changed: files with another content.
        added: files that were not uploaded.
        removed: files that were.
    """

    changed: tuple[str, ...] = ()
    added: tuple[str, ...] = ()
    removed: tuple[str, ...] = ()


def path(layout: Layout, instance: str) -> Path:
    """Return the file in which an instance's manifest is kept."""
    return layout.instances / f"{instance}.files"


def save(layout: Layout, instance: str, manifest: Manifest) -> None:
    """Keep an instance's manifest."""
    # One line and no indentation: it has thousands of entries, and the encoder in C knows no other.
    atomic.write(path(layout, instance), json.dumps(manifest) + "\n", mode=0o600)


def load(layout: Layout, instance: str) -> Manifest | None:
    """Return an instance's manifest, or None if it has none that can be read.

    Older versions made none; it decides nothing, so a damaged one is as good as none.
    """
    try:
        data = json.loads(path(layout, instance).read_bytes())
        return {name: Entry(*entry) for name, entry in data.items()}
    except (OSError, ValueError, TypeError, AttributeError):
        return None


def make(tree: Path, base: Path | None, known: Mapping[str, Entry]) -> Manifest:
    """Return the manifest of a directory.

    Args:
        tree: the directory.
        base: the directory of an instance with which it may share files.
        known: that instance's manifest. The digest of a file that is the same one there (rsync
            linked it), and has not been touched since, is taken over instead of being computed.
    """
    manifest = {}
    for name, status in _files(tree):
        entry = known.get(name)
        if base and entry and _is_untouched(entry, status) and _is_same(base, name, status):
            manifest[name] = entry
        else:
            digest = _digest(tree / name, status)
            manifest[name] = Entry(digest, status.st_size, status.st_mtime_ns)
    return manifest


def edits(tree: Path, manifest: Manifest, *, thorough: bool) -> Edits:
    """Return what was changed in a directory since its manifest was made.

    Args:
        tree: the directory.
        manifest: what was in it.
        thorough: compare contents. Otherwise sizes and times are compared, which takes a tenth of
            the time and sees every edit but one that hides itself.
    """
    found = dict(_files(tree))
    changed = (
        name
        for name, entry in manifest.items()
        if name in found and _is_changed(tree, name, entry, found[name], thorough)
    )
    return Edits(
        tuple(sorted(changed)),
        tuple(sorted(found.keys() - manifest.keys())),
        tuple(sorted(manifest.keys() - found.keys())),
    )


def _is_changed(
    tree: Path, name: str, entry: Entry, status: os.stat_result, thorough: bool
) -> bool:
    if not thorough and _is_untouched(entry, status):
        return False
    # A new time alone is no edit.
    return status.st_size != entry.size or _digest(tree / name, status) != entry.digest


def _files(tree: Path) -> Iterator[tuple[str, os.stat_result]]:
    """Yield every file and link below a directory but byte code, which the node makes itself."""
    pending = [""]
    while pending:
        parent = pending.pop()
        with os.scandir(tree / parent) as entries:
            for entry in entries:
                if entry.is_dir(follow_symlinks=False):
                    if entry.name != "__pycache__":
                        pending.append(f"{parent}{entry.name}/")
                elif not entry.name.endswith(".pyc"):
                    yield f"{parent}{entry.name}", entry.stat(follow_symlinks=False)


def _is_untouched(entry: Entry, status: os.stat_result) -> bool:
    return (entry.size, entry.mtime_ns) == (status.st_size, status.st_mtime_ns)


def _is_same(base: Path, name: str, status: os.stat_result) -> bool:
    try:
        return os.path.samestat(os.lstat(f"{base}/{name}"), status)
    except OSError:
        return False  # It was removed on the node, or something else is there now.


def _digest(file: Path, status: os.stat_result) -> str:
    if stat.S_ISLNK(status.st_mode):
        return f"-> {file.readlink()}"
    if not stat.S_ISREG(status.st_mode):
        return "special"  # Only made on the node; reading a named pipe would wait for ever.
    with file.open("rb") as content:
        return file_digest(content, "sha256").hexdigest()
