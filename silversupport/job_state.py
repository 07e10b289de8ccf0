"""What is kept of the last run of a job: a small file in a directory of the app's own.

`run` (systemd's name of it), `instance`, `pid` and `began` are there from the start on, `wrote`
once there was output, `ended`, `status` and `reason` at the end.
"""

# Every run of a job loads this: pathlib alone would take longer than the rest of it.
# ruff: noqa: PTH105, PTH118, PTH123
from __future__ import annotations

import json
import os
from contextlib import suppress
from typing import Any

State = dict[str, Any]


def load(directory: str, job: str) -> State:
    """Return what is kept of a job; nothing if there is nothing, or it is damaged."""
    try:
        with open(_path(directory, job), encoding="utf-8") as file:
            found = json.load(file)
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}


def save(directory: str, job: str, state: State) -> None:
    """Keep it. A full disk is no reason not to run."""
    draft = _path(directory, f".{job}")
    with suppress(OSError):
        with open(draft, "w", encoding="utf-8") as file:
            json.dump(state, file)
        os.replace(draft, _path(directory, job))


def _path(directory: str, job: str) -> str:
    return os.path.join(directory, f"{job}.json")
