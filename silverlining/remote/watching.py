"""Another program that a person watches until it ends, or until they have seen enough."""

import signal
import subprocess
from collections.abc import Sequence

SIGNALLED = 128
"""Added to a signal's number, makes the exit status of what it ended, as in a shell."""


def watch(command: Sequence[str]) -> int:
    """Run a program that writes where this process does, and end it with this process.

    Returns:
        Its exit status; what a shell says of a process that a signal ended, if one ended this.
    """
    received: list[int] = []
    running: list[subprocess.Popen[bytes]] = []

    def stop(number: int, _frame: object) -> None:
        received.append(number)
        for process in running:
            process.terminate()

    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, stop)
    with subprocess.Popen(command, stdin=subprocess.DEVNULL) as process:
        running.append(process)
        if received:  # before there was anything to end
            process.terminate()
        status = process.wait()
    if received:
        return SIGNALLED + received[0]
    return status if status >= 0 else SIGNALLED - status
