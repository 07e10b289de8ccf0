"""Serving an application until somebody ends it."""

import threading
import time
from dataclasses import dataclass
from pathlib import Path
from queue import SimpleQueue

from silverlining.develop.serve import console, process, terminal
from silverlining.develop.serve.inside import ending, parent
from silverlining.develop.serve.pending import Pending
from silverlining.develop.serve.process import AppProcess, Ended, Place, Program, Said
from silverlining.develop.serve.subject import Subject
from silverlining.develop.serve.watching import Watcher
from silversupport.errors import SilverError

CRASH_SECONDS = 1.0
"""A process that ends by itself sooner than this is started again only when something changes."""


class ServeError(SilverError):
    """Nothing can be served, not even a page that says why."""


Changed = frozenset[Path]
Event = Said | Ended | Changed


@dataclass
class Run:
    """One process, from its start to its end.

    Attributes:
        process: the process.
        stands_in: whether it only says why there is no application.
        changed: the files that are the reason for its start; none for the first.
        began: when it was started.
        ready: when it began to answer, None until then. Both are `time.monotonic()`.
    """

    process: AppProcess
    stands_in: bool
    changed: Changed
    began: float
    ready: float | None = None


class Server:
    """Serves an application, and starts it again when it changes.

    Args:
        subject: the application.
        place: where to serve it.
        config: its deployment configuration, if one was given.
    """

    def __init__(self, subject: Subject, place: Place, config: Path | None) -> None:
        self._subject = subject
        self._place = place
        self._app_dir = subject.prepared.application.directory
        self._events: SimpleQueue[Event] = SimpleQueue()
        others = [config] if config else []
        self._watcher = Watcher(self._app_dir, others, self._events.put, console.note)
        self._restore_terminal = terminal.keeper()
        self._update = Pending()
        self._written: set[Path] = set()
        self._later: Changed = frozenset()
        self._current: Run | None = None

    def run(self) -> int:
        """Serve; return the exit status once somebody ended it."""
        ends = threading.Event()

        def end() -> None:
            ends.set()  # who waits for a playbook lets the exception go no further
            ending.interrupt()

        ending.once(end)
        try:
            self._watcher.start()  # before the application reads its files
            self._start(frozenset(), time.monotonic())
            console.warn(self._subject.prepared)
            while not ends.is_set():
                self._handle(self._events.get())
        except KeyboardInterrupt:
            pass
        finally:
            self._stop()
            self._watcher.stop()
        return 0

    def _handle(self, event: Event) -> None:
        current = self._current
        match event:
            case Said(what=parent.WROTE):
                self._hear_of_writing(Path(event.about))
            case Said() if current and event.process is current.process:
                self._hear(event.what, current)
            case Ended() if current and event.process is current.process:
                self._recover(event.status, current)
            case frozenset() if self._update.is_running:
                self._later |= event
            case frozenset():
                self._change(event)

    def _hear(self, what: str, current: Run) -> None:
        self._update.hear(what)
        if what == parent.READY:
            current.ready = time.monotonic()
            console.pass_on(current.process.startup_errors())
            if current.changed:
                took = current.ready - current.began
                console.tell_again(current.changed, self._app_dir, took)
            else:
                console.tell_ready(self._subject.prepared, self._place.url)
            later, self._later = self._later, frozenset()
            self._change(later)

    def _hear_of_writing(self, path: Path) -> None:
        if path not in self._written and self._watcher.is_part(path):
            self._written.add(path)
            console.warn_of_writing(path)

    def _change(self, changed: Changed) -> None:
        """Start the application again for files that changed, unless it wrote them itself."""
        began, paths = time.monotonic(), changed - self._written
        if not paths:
            return
        self._stop()
        if self._subject.refresh(paths):
            self._update.is_due = True
            console.warn(self._subject.prepared)
        self._start(paths, began)

    def _recover(self, status: int, current: Run) -> None:
        """Go on after a process that ended by itself: as a node does, or with a page about it."""
        errors = "" if current.ready else current.process.startup_errors()
        how = console.end_of(status)
        self._stop()
        if current.stands_in:
            raise ServeError(f"{how}: {errors}")
        if current.ready and time.monotonic() - current.ready > CRASH_SECONDS:
            console.note(f"{how}; it is started again")
            self._start(frozenset(), time.monotonic())
        else:
            console.note(errors or how)
            self._open(process.standing_in(errors or how), current.changed, current.began)

    def _start(self, changed: Changed, began: float) -> None:
        updates = self._update.lines(self._subject.update_fetch, changed)
        program = self._subject.program(updates)
        try:
            self._open(program, changed, began)
        except OSError as error:  # its Python is gone
            problem = f"{program.python[0]} cannot be started: {error.strerror}"
            console.note(problem)
            self._open(process.standing_in(problem), changed, began)

    def _open(self, program: Program, changed: Changed, began: float) -> None:
        started = AppProcess(program, self._place, self._events.put)
        stands_in = "failure" in program.settings
        self._current = Run(started, stands_in, changed, began)

    def _stop(self) -> None:
        if self._current:
            self._current.process.stop()
            self._current = None
        self._update.stop()
        self._restore_terminal()
