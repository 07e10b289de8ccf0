"""The state of the terminal, which a debugger that is killed leaves as it needed it."""

import os
import sys
import termios
from collections.abc import Callable


def keeper() -> Callable[[], None]:
    """Return a function that puts the terminal back into its present state."""
    try:
        descriptor = sys.stdin.fileno()
        before = termios.tcgetattr(descriptor)
    except (AttributeError, OSError, ValueError, termios.error):  # there is no terminal
        return lambda: None

    def restore() -> None:
        # A process in the background would be stopped.
        if os.tcgetpgrp(descriptor) == os.getpgrp():
            termios.tcsetattr(descriptor, termios.TCSANOW, before)

    return restore
