"""The connection of an application's process to that of the command."""

import json
import os
import signal
import threading
import time

READY, UPDATING, UPDATED, NOT_UPDATED, WROTE = (
    "ready",
    "updating",
    "updated",
    "not updated",
    "wrote",
)
GRACE_SECONDS = 0.5
"""How long a process may take to end when it is asked to."""


class Parent:
    """The process of the command.

    Args:
        messages: the file descriptor that it reads from.
        life: a file descriptor that is at its end when it is gone.
    """

    def __init__(self, messages: int, life: int) -> None:
        self._messages = messages
        self._life = life

    def tell(self, what: str, about: str = "") -> None:
        """Send a message: one of the words above, and for WROTE a path."""
        try:
            os.write(self._messages, f"{json.dumps([what, about])}\n".encode())
        except BrokenPipeError:
            os.kill(os.getpid(), signal.SIGTERM)

    def outlive_not(self) -> None:
        """Have this process end when the command is gone, even if it was killed."""
        threading.Thread(target=self._wait, name="silver-parent", daemon=True).start()

    def _wait(self) -> None:
        os.read(self._life, 1)
        os.kill(os.getpid(), signal.SIGTERM)
        time.sleep(GRACE_SECONDS)
        os._exit(1)
