"""Watching the files of an application.

By watchfiles, not hupper: it tells of every file (hupper watches modules that were imported, so
templates would have to be named to it), groups what an editor or `git checkout` does at once, and
falls back to polling.
"""

import threading
from collections.abc import Callable, Sequence
from pathlib import Path, PurePosixPath

from silverlining.app import uploads

STEP_MILLISECONDS = 50
"""Changes are told when none has come for this long."""
POLL_MILLISECONDS = 300

Tell = Callable[[frozenset[Path]], None]


class Watcher:
    """A thread that tells which files change.

    Args:
        app_dir: an application's root, without links; what is uploaded of it is watched.
        others: further directories, watched as they are.
        tell: is given the paths that changed.
        note: is given a sentence for the user.
    """

    def __init__(
        self, app_dir: Path, others: Sequence[Path], tell: Tell, note: Callable[[str], None]
    ) -> None:
        self._app_dir = app_dir
        self._others = others
        self._tell = tell
        self._note = note
        self._environments = [app_dir / path for path in uploads.virtual_environments(app_dir)]
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="silver-watch", daemon=True)

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def stop(self) -> None:
        """End, within some tens of milliseconds."""
        self._stop.set()
        self._thread.join(timeout=1)

    def is_part(self, path: Path) -> bool:
        """Tell whether a path is one of those that are watched."""
        if any(path.is_relative_to(other) for other in self._others):
            return True
        if not path.is_relative_to(self._app_dir):
            return False
        relative = PurePosixPath(path.relative_to(self._app_dir))
        if uploads.is_excluded(relative, directory=path.is_dir()):
            return False
        return not any(path.is_relative_to(each) for each in self._environments)

    def _run(self) -> None:
        try:
            self._watch(force_polling=None)
        except (OSError, RuntimeError) as error:
            # inotify's limits, which many containers on a machine use up together.
            self._note(f"looking for changed files every {POLL_MILLISECONDS / 1000} s ({error})")
            self._watch(force_polling=True)

    def _watch(self, force_polling: bool | None) -> None:
        # Imported here, where the application is starting already: it takes 0.05 s.
        from watchfiles import watch

        for changes in watch(
            self._app_dir,
            *self._others,
            watch_filter=lambda _change, path: self.is_part(Path(path)),
            step=STEP_MILLISECONDS,
            stop_event=self._stop,
            force_polling=force_polling,
            poll_delay_ms=POLL_MILLISECONDS,
            ignore_permission_denied=True,
        ):
            self._tell(frozenset(Path(path) for _change, path in changes))
