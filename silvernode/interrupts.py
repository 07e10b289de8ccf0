"""Signals that ask a command to stop, and when they may."""

import signal

from silvernode.errors import NodeError

SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


def allow() -> None:
    """Let signals end the command as any failure does: with the site as it was."""
    for number in SIGNALS:
        signal.signal(number, _interrupt)


def ignore() -> None:
    """Finish from here on whatever comes, since half of what follows is worse than either end."""
    for number in SIGNALS:
        signal.signal(number, signal.SIG_IGN)


def _interrupt(number: int, _frame: object) -> None:
    raise NodeError(f"interrupted by {signal.Signals(number).name}")
