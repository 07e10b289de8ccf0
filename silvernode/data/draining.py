"""Waiting until the last request of an app is over, once visitors are kept out."""

import time

from silvernode.data import evidence
from silvernode.errors import NodeError
from silvernode.layout import Layout
from silvernode.routing import varnish

SECONDS = 30
POLL_SECONDS = 0.05


def drain(layout: Layout, app: str, but: str, *, reading: bool = False) -> None:
    """Wait for the requests of an app that were under way when visitors were shut out.

    Args:
        layout: the node's paths.
        app: the app's name.
        but: the instance on trial, which visitors never reach.
        reading: visitors may go on reading.

    Raises:
        NodeError: some are under way after `SECONDS`.
    """
    deadline = time.monotonic() + SECONDS
    while varnish.is_busy(app) or not (reading or _is_idle(layout, app, but)):
        if time.monotonic() > deadline:
            raise NodeError(f"requests of visitors did not end within {SECONDS} s")
        time.sleep(POLL_SECONDS)


def _is_idle(layout: Layout, app: str, but: str) -> bool:
    return not evidence.gather(layout, app, but).answering
