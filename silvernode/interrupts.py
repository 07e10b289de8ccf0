"""Signals that ask a command to stop, and when they may."""

import os
import select
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager

from silvernode.errors import NodeError

SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
STANDARD_OUTPUT = 1

SIGNALLED = 128
"""Added to a signal's number, makes the exit status of what it ended, as in a shell."""


class Interrupted(NodeError):
    """A signal has ended the command."""

    def __init__(self, number: signal.Signals) -> None:
        super().__init__(f"interrupted by {number.name}")
        self.status = SIGNALLED + number


def allow() -> None:
    """Let signals end the command as any failure does: with the site as it was."""
    for number in SIGNALS:
        signal.signal(number, _interrupt)


def ignore() -> None:
    """Finish from here on whatever comes, since half of what follows is worse than either end."""
    for number in SIGNALS:
        signal.signal(number, signal.SIG_IGN)


@contextmanager
def held() -> Iterator[None]:
    """Let signals wait until the end of the block; a program started in it leaves them aside."""
    before = signal.pthread_sigmask(signal.SIG_BLOCK, SIGNALS)
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def end_with_client() -> None:
    """Have the command end with SIGHUP when nobody reads its output any more.

    sshd closes its end when the client or the connection is gone, and tells nobody: a command that
    prints nothing would never know. Once `ignore` was called, SIGHUP and so this do nothing.
    """
    threading.Thread(target=_watch_reader, daemon=True).start()


def _watch_reader() -> None:
    poll = select.poll()
    # With no event asked for, poll tells of POLLERR and POLLHUP alone: poll(2). For a pipe, a
    # socket and a terminal they mean that the reader is gone; a file has neither.
    poll.register(STANDARD_OUTPUT, 0)
    poll.poll()
    os.kill(os.getpid(), signal.SIGHUP)


def _interrupt(number: int, _frame: object) -> None:
    raise Interrupted(signal.Signals(number))
