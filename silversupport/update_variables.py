"""The variables that only the processes of an update have, such as the leave to write."""

from __future__ import annotations

import os
from pathlib import Path

SUFFIX = ".update"


def path(run_directory: Path) -> Path:
    """Return the file in which root gives them to an instance: it is there during its trial only.

    It lies beside the instance's run directory, not in it: that one is the application's own.
    """
    return run_directory.with_name(run_directory.name + SUFFIX)


def take(run_directory: Path) -> None:
    """Put them into the environment of this process, if it belongs to an update.

    A process that is started later does not find the file, so that it is nobody special.
    """
    try:
        lines = path(run_directory).read_text(encoding="utf-8").splitlines()
    except FileNotFoundError:
        return
    for line in lines:
        name, _, value = line.partition("=")
        os.environ[name] = value
