"""The process in which an application runs."""

import json
import os
import socket
import subprocess
import sys
import sysconfig
import tempfile
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from silverlining.develop.serve.inside.parent import GRACE_SECONDS
from silverlining.develop.serve.inside.settings import Settings
from silverlining.develop.serve.preparation import Prepared
from silverlining.playbook import ROOT

START = Path(__file__).parent / "inside" / "start.py"
PACKAGES = [str(ROOT), sysconfig.get_path("purelib")]
# Output at once; not the directory of START on sys.path; a crash of a compiled module shows where.
OPTIONS = ("-u", "-P", "-X", "faulthandler")


@dataclass(frozen=True)
class Said:
    """A process sent a message, see `inside.parent`."""

    process: "AppProcess"
    what: str
    about: str


@dataclass(frozen=True)
class Ended:
    """A process is gone; `status` is as `subprocess` has it."""

    process: "AppProcess"
    status: int


Tell = Callable[[Said | Ended], None]


@dataclass(frozen=True)
class Place:
    """Where an application is served.

    Attributes:
        listener: the socket.
        url: what a browser opens, without a slash at its end.
    """

    listener: socket.socket
    url: str


@dataclass(frozen=True)
class Program:
    """What a process is to run.

    Attributes:
        python: the Python, with options.
        settings: the fields of `Settings` that are not the same for all.
        environment: its variables; None stands for those of this process.
        directory: where it runs.
    """

    python: Sequence[str]
    settings: Mapping[str, Any] = field(default_factory=dict)
    environment: Mapping[str, str] | None = None
    directory: Path | None = None


def serving(prepared: Prepared, updates: Sequence[str]) -> Program:
    """Return what serves an application, after carrying out lines of its `update_fetch`."""
    settings = {
        "app_dir": str(prepared.application.directory),
        "runner": prepared.application.runner or "",
        "writable_roots": prepared.writable_roots,
        "updates": tuple(updates),
    }
    python = (str(prepared.python), *OPTIONS)
    return Program(python, settings, prepared.environment, prepared.application.directory)


def standing_in(failure: str) -> Program:
    """Return what shows a page in place of an application."""
    return Program((sys.executable, *OPTIONS, "-I"), {"failure": failure})


class AppProcess:
    """A process that answers on the socket.

    Args:
        program: what it runs.
        place: where it serves.
        tell: is given what happens, from other threads.
    """

    def __init__(self, program: Program, place: Place, tell: Tell) -> None:
        self._tell = tell
        # The other end is closed when this process is gone, however it ends.
        alive, self._life = os.pipe()
        reports, messages = os.pipe()
        stderr = os.dup(2)
        passed = (place.listener.fileno(), messages, alive, stderr)
        settings = Settings(PACKAGES, *passed, place.url, **program.settings)
        self._over = threading.Event()
        # Kept, for when Python does not come as far as our own code.
        self._errors = tempfile.TemporaryFile()  # noqa: SIM115 (closed in `startup_errors`)
        self._process = subprocess.Popen(
            [*program.python, str(START), settings.to_json()],
            env=program.environment,
            cwd=program.directory,
            stderr=self._errors,
            pass_fds=passed,
        )
        for descriptor in passed[1:]:
            os.close(descriptor)
        for target, arguments in ((self._listen, (reports,)), (self._wait, ())):
            threading.Thread(target=target, args=arguments, daemon=True).start()

    def startup_errors(self) -> str:
        """Return what Python wrote to standard error before our own code began."""
        self._errors.seek(0)
        return self._errors.read().decode(errors="replace")

    def stop(self) -> None:
        """End it, by force if it takes longer than GRACE_SECONDS."""
        self._process.terminate()
        if not self._over.wait(GRACE_SECONDS):
            self._process.kill()
            self._over.wait()
        self.forget()

    def forget(self) -> None:
        """Release what belonged to it, after its end."""
        self._errors.close()
        os.close(self._life)

    def _listen(self, reports: int) -> None:
        with os.fdopen(reports, encoding="utf-8") as lines:
            for line in lines:
                what, about = json.loads(line)
                self._tell(Said(self, what, about))

    def _wait(self) -> None:
        status = self._process.wait()
        self._over.set()
        self._tell(Ended(self, status))
