"""Files that are either the old or the new version, whenever one looks."""

import json
import os
from pathlib import Path
from typing import Any


def write(path: Path, text: str, mode: int = 0o644, group: int = -1) -> bool:
    """Replace a file's text, surviving a crash at any step.

    :param mode: permission bits of the file.
    :param group: group id of the file; ``-1`` leaves the process's own.
    :returns: whether the text differed.
    """
    if path.exists() and path.read_text() == text:
        return False
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        with temporary.open("w") as file:
            file.write(text)
            os.fchmod(file.fileno(), mode)
            os.fchown(file.fileno(), -1, group)
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)
    return True


def write_json(path: Path, data: dict[str, Any], mode: int = 0o644) -> bool:
    """:func:`write` for plain data, in a form that a person can read and compare."""
    return write(path, json.dumps(data, indent=2, sort_keys=True) + "\n", mode)
