"""Where requests are that take so long that mod_wsgi stops their process."""

from __future__ import annotations

import sys
import traceback
from typing import TYPE_CHECKING

from silversupport import logged
from silversupport.logged import Request

if TYPE_CHECKING:
    from types import FrameType

MODULE = logged.__name__


def watch() -> None:
    """Have the places of such requests noted in the app's log before the process is stopped.

    Source: "Subscribing to process shutdown" in the release notes of mod_wsgi 4.8,
    https://modwsgi.readthedocs.io/en/master/release-notes/version-4.8.0.html.
    """
    try:
        from mod_wsgi import subscribe_shutdown  # type: ignore[import-not-found]
    except ImportError:
        return  # this is not Apache
    subscribe_shutdown(_note)


def _note(event: str, *, shutdown_reason: str = "", **_: object) -> None:
    if shutdown_reason != "request_timeout":
        return
    for frame in sys._current_frames().values():
        found = _served(frame)
        if found:
            request, depth = found
            stack = "".join(traceback.format_stack(frame)[-depth:]) if depth else ""
            request.write("error", f"This process is stopped: its requests take too long.\n{stack}")


def _served(frame: FrameType | None) -> tuple[Request, int] | None:
    """Return the request that a thread is serving, and how many frames of it are the app's."""
    depth = 0
    while frame:
        if frame.f_globals.get("__name__") == MODULE:
            names = frame.f_locals
            owner = names.get("request") or getattr(names.get("self"), "_request", None)
            if isinstance(owner, Request):
                return owner, depth
        depth += 1
        frame = frame.f_back
    return None
