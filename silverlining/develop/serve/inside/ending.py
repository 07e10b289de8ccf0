"""The end of a process that somebody asks for."""

import signal
from collections.abc import Callable
from types import FrameType

SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


def interrupt() -> None:
    """Stop what is being done, as Ctrl-C does."""
    raise KeyboardInterrupt


def once(then: Callable[[], None] = interrupt) -> None:
    """Have a function called for the first of the signals that ask for the end.

    The others are ignored: Ctrl-C reaches all processes of a terminal, and then the process of the
    command asks the application's, too.
    """

    def end(_number: int, _frame: FrameType | None) -> None:
        for number in SIGNALS:
            signal.signal(number, signal.SIG_IGN)
        then()

    for number in SIGNALS:
        if signal.getsignal(number) != signal.SIG_IGN:  # as `nohup` has it
            signal.signal(number, end)
