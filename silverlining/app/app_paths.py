"""Paths of an application, relative to its root."""

import os
from pathlib import PurePosixPath


def shown(path: PurePosixPath) -> str:
    """Return a path of an application as it can be printed in one line.

    File names are bytes: there may be control characters in them and bytes that are no text.
    """
    text = os.fsencode(path).decode(errors="backslashreplace")
    return text if text.isprintable() else repr(text)


def climbs_out(path: PurePosixPath) -> bool:
    """Tell whether a path leads out of where it begins, links aside."""
    return os.path.normpath(path).split("/")[0] == ".."
