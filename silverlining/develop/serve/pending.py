"""Whether `update_fetch` is to be carried out when an application is started."""

import time
from collections.abc import Collection, Sequence
from pathlib import Path

from silverlining.develop.serve.inside import parent

# The kernel notes the time of a change up to one tick late ("jiffies" in `man 7 time`).
TICK_SECONDS = 0.02


class Pending:
    """The state of `update_fetch`.

    It is carried out when `serve` starts, when `app.ini` changes, and, once it failed, when any
    file changes. What its scripts write is no such change: it would never come to rest.

    Attributes:
        is_due: whether it is to be carried out at the next start.
        is_running: whether it is being carried out.
    """

    def __init__(self) -> None:
        self.is_due = True
        self.is_running = False
        self._began = self._ended = 0.0

    def hear(self, what: str) -> None:
        """Note a message of the application's process."""
        if what == parent.UPDATING:
            self.is_running, self._began = True, time.time()
        elif what in (parent.UPDATED, parent.NOT_UPDATED):
            self.is_due = what == parent.NOT_UPDATED
            self.stop()

    def stop(self) -> None:
        """Note that it is not carried out any more."""
        if self.is_running:
            self.is_running, self._ended = False, time.time()

    def lines(self, update_fetch: Sequence[str], changed: Collection[Path]) -> Sequence[str]:
        """Return what to carry out at a start.

        Args:
            update_fetch: the application's.
            changed: the files that are the reason for the start, if any.
        """
        by_scripts = changed and all(map(self._was_made, changed))
        return update_fetch if self.is_due and not by_scripts else ()

    def _was_made(self, path: Path) -> bool:
        """Tell whether a file was changed while the scripts ran."""
        try:
            changed = path.stat().st_ctime
        except OSError:  # removed
            return False
        return self._began - TICK_SECONDS <= changed <= self._ended
