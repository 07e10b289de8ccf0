"""Waiting for something that takes its time."""

import time
from collections.abc import Callable


def wait_until(check: Callable[[], bool], limit: float, pause: float = 0.1) -> bool:
    """Call a function until it returns true, and return whether it did in time.

    Args:
        check: What to ask; it is asked at least once.
        limit: Seconds after which to give up.
        pause: Seconds between two calls.
    """
    end = time.monotonic() + limit
    while not check():
        if time.monotonic() >= end:
            return False
        time.sleep(pause)
    return True
