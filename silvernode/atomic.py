"""Files that are either the old or the new version, whenever one looks."""

import json
import os
from pathlib import Path
from typing import Any


def write(path: Path, text: str, mode: int = 0o644, group: int = -1) -> bool:
    """Replace a file's text, surviving a crash at any step.

    Two processes must not write the same file at the same time: each file has its lock.

    Args:
        path: the file; its directory is made if it is missing.
        text: what it is to hold.
        mode: its permission bits.
        group: its group's id; -1 leaves the process's own.

    Returns:
        Whether the text differed.

    Raises:
        OSError: it could not be written; the old version is there.
    """
    data = text.encode()
    if path.exists() and path.read_bytes() == data:
        return False
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = _draft(path)
    try:
        _write_draft(draft, data, mode, group)
        draft.replace(path)
        _sync(path.parent)
    finally:
        draft.unlink(missing_ok=True)
    return True


def write_json(path: Path, data: dict[str, Any], mode: int = 0o644) -> bool:
    """Replace a file by plain data, in a form that a person can read and compare.

    Returns:
        Whether it differed.
    """
    return write(path, json.dumps(data, indent=2, sort_keys=True) + "\n", mode)


def remove(path: Path) -> None:
    """Remove a file, if it is there, and what a killed write of it left."""
    path.unlink(missing_ok=True)
    _draft(path).unlink(missing_ok=True)


def _draft(path: Path) -> Path:
    return path.with_name(f".{path.name}.new")


def _sync(directory: Path) -> None:
    """Have what a directory holds survive a power failure."""
    descriptor = os.open(directory, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _write_draft(draft: Path, data: bytes, mode: int, group: int) -> None:
    """Write a file that nobody else may read until it has its mode."""
    draft.unlink(missing_ok=True)
    with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
        file.write(data)
        os.fchown(file.fileno(), -1, group)
        os.fchmod(file.fileno(), mode)
        file.flush()
        os.fsync(file.fileno())
