"""An update of several nodes at once: none of them serves the new instance before all of them can.

A node that has tried its instance says so, and waits for a word of whoever updates all of them. It
has the app's lock and watches its data all the while. Without the word nothing is served.
"""

import json
import signal
import sys

from silvernode.errors import NodeError

WORD = b"serve\n"

LIMIT = 900
"""Seconds to wait for the others: each tries its instance, which has limits of its own."""


def ask(instance: str) -> None:
    """Say that an instance has passed its trial, and wait until it may be served.

    Raises:
        NodeError: it may not, or nobody said anything.
    """
    sys.stdout.write(json.dumps({"tried": instance}) + "\n")
    sys.stdout.flush()
    signal.signal(signal.SIGALRM, _give_up)
    signal.alarm(LIMIT)
    try:
        word = sys.stdin.buffer.readline()
    finally:
        signal.alarm(0)
    if word != WORD:
        raise NodeError("another node of the set did not come as far")


def _give_up(_number: int, _frame: object) -> None:
    raise NodeError(f"nobody said within {LIMIT} s whether the other nodes of the set are ready")
