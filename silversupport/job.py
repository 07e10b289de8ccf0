"""The main process of a run of a job: `python3 -P -S -m silversupport.job run cron.NAME COMMAND…`.

It runs the command, puts what that writes into the app's log (see silversupport.app_log), passes on
SIGTERM, and ends as the command does. `… ended cron.NAME`, which systemd runs afterwards however
that was (ExecStopPost=), notes the end where this process could not.
"""

# Every run of a job loads this: pathlib alone would take longer than the rest of it.
# ruff: noqa: PTH118
from __future__ import annotations

import argparse
import codecs
import fcntl
import os
import select
import signal
import subprocess
import sys
import time
from contextlib import suppress
from typing import TYPE_CHECKING

from silversupport import job_notes, job_state
from silversupport.job_notes import SIGNALLED, Job

if TYPE_CHECKING:
    from collections.abc import Sequence
    from types import FrameType

STANDARD_OUTPUT = 1
CHUNK_BYTES = 65_536
LINE_SECONDS = 1.0
"""After which a line is noted that is not finished."""

LAST_SECONDS = 0.5
"""How long what the command left running may hold up its last output."""

NOT_RUN = 125
NOT_EXECUTABLE = 126


class Run:
    """One run of a job.

    Args:
        job: the job.
        stop_seconds: between SIGTERM and SIGKILL.
        attached: somebody watches: what is written is also passed on, and signals come to the
            command without our help.
    """

    def __init__(self, job: Job, stop_seconds: int, *, attached: bool) -> None:
        self._job, self._stop_seconds, self._attached = job, stop_seconds, attached
        self._instance = os.environ["SILVER_INSTANCE_NAME"]
        self._log = job.log(self._instance)
        self._state: job_state.State = {}
        self._child: subprocess.Popen[bytes] | None = None
        self._is_stopping = False

    def run(self, command: Sequence[str]) -> int:
        """Run a command to its end; the exit status of this process."""
        lock = self._lock()
        if lock < 0:
            if self._attached:
                sys.stderr.write(f"silver: {self._job.name} is under way, and never runs twice\n")
            return NOT_RUN if self._attached else 0
        self._begin()
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
            signal.signal(number, self._stop)
        signal.signal(signal.SIGALRM, self._kill)
        try:
            status = self._run(command, lock)
        except OSError as error:
            self._write(f"{command[0]} cannot be executed: {error.strerror}\n")
            return NOT_EXECUTABLE
        if self._is_stopping and self._job.is_worker:
            return 0
        # Why a signal has ended it is for systemd to say, after the end of this process.
        if not self._is_stopping and status < SIGNALLED:
            job_notes.conclude(self._job, self._state, status)
        return status

    def _run(self, command: Sequence[str], lock: int) -> int:
        """Run a command with its output in the log; the exit status.

        Raises:
            OSError: it cannot be executed.
        """
        reader, writer = os.pipe()
        # It has the lock as well: whatever becomes of this process, there is no second run.
        self._child = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=writer,
            stderr=writer,
            pass_fds=[lock],
            process_group=0,
        )
        os.close(writer)
        if self._is_stopping:
            self._stop(signal.SIGTERM, None)
        self._copy(reader, self._child)
        status = self._child.wait()
        signal.alarm(0)
        return status if status >= 0 else SIGNALLED - status

    def _lock(self) -> int:
        """Return the open lock of the job; -1 if another run has it."""
        path = os.path.join(self._job.directory, f"{self._job.name}.lock")
        lock = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return -1
        return lock

    def _begin(self) -> None:
        about = {"run": self._job.run, "instance": self._instance, "pid": os.getpid()}
        self._state = {**about, "began": time.time()}
        self._save()
        if self._job.is_worker:
            self._log.append(self._job.event(stream="job", text="started\n"))

    def _save(self, **more: object) -> None:
        self._state.update(more)
        job_state.save(self._job.directory, self._job.name, self._state)

    def _copy(self, reader: int, child: subprocess.Popen[bytes]) -> None:
        """Note what the command writes, until it has ended."""
        os.set_blocking(reader, False)
        decode = codecs.getincrementaldecoder("utf-8")("backslashreplace").decode
        ends = os.pidfd_open(child.pid)
        pending, last = "", float("inf")
        watched = [reader, ends]
        timeout = None
        while time.monotonic() < last:
            ready, _, _ = select.select(watched, [], [], timeout)
            if ends in ready:
                # All that it wrote is in the pipe by now; what it left running may hold that open.
                watched, last = [reader], time.monotonic() + LAST_SECONDS
            data = _read(reader) if reader in ready else b""
            if reader in ready and data == b"":
                watched = [each for each in watched if each != reader]
            if self._attached and data:
                os.write(STANDARD_OUTPUT, data)
            lines, newline, pending = (pending + decode(data)).rpartition("\n")
            if not ready or len(pending) > CHUNK_BYTES:
                lines, newline, pending = lines + newline + pending, "", ""
            self._write(lines + newline)
            if last < float("inf") and not data:
                break
            timeout = LINE_SECONDS if pending else None
            timeout = 0 if last < float("inf") else timeout
        self._write(pending + decode(b"", final=True))

    def _write(self, text: str) -> None:
        """Note what the command wrote; before the first of it, that it was begun."""
        if not text:
            return
        event = self._job.event(stream="output", text=text)
        if self._job.is_worker or self._state.get("wrote"):
            self._log.append(event)
            return
        self._save(wrote=True)
        began = self._job.event(event="begin", time=self._state["began"])
        self._log.append(began, event)

    def _stop(self, number: int, _frame: FrameType | None) -> None:
        self._is_stopping = True
        if not self._child or self._attached:
            return
        self._child.send_signal(number)
        signal.alarm(self._stop_seconds)

    def _kill(self, _number: int, _frame: FrameType | None) -> None:
        """End what does not end, before systemd does: so that its output is still read."""
        assert self._child  # noqa: S101 - for the type checker: it was sent SIGTERM
        self._save(killed=True)
        with suppress(ProcessLookupError):
            os.killpg(self._child.pid, signal.SIGKILL)


def _read(reader: int) -> bytes:
    try:
        return os.read(reader, CHUNK_BYTES)
    except BlockingIOError:
        return b""


def main() -> int:
    """Run a job, or note the end of its run."""
    parser = argparse.ArgumentParser()
    parser.add_argument("what", choices=["run", "ended"])
    parser.add_argument("name")
    parser.add_argument("command", nargs="*")
    parser.add_argument("--stop", type=int, default=5)
    parser.add_argument("--attached", action="store_true")
    asked = parser.parse_args()
    job = Job(asked.name)
    if asked.what == "run":
        return Run(job, asked.stop, attached=asked.attached).run(asked.command)
    job_notes.ended(job)
    return 0


if __name__ == "__main__":
    sys.exit(main())
