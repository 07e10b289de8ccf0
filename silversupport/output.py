"""The standard output and error of an application, which go to its log."""

from __future__ import annotations

import io
import os
import sys
import threading
from contextvars import ContextVar
from typing import Protocol

from silversupport.app_log import STANDARD_ERROR, AppLog

STANDARD_OUTPUT = 1
PENDING_CHARACTERS = 65_536


class Writer(Protocol):
    """Whatever output belongs to, such as a request.

    Attributes:
        has_output: whether anything was written meanwhile.
    """

    has_output: bool

    @property
    def is_over(self) -> bool:
        """Whether it has ended, so that what is written now is not its output."""

    def write(self, stream: str, text: str) -> None:
        """Note what was written."""


current: ContextVar[Writer | None] = ContextVar("silver_request", default=None)
"""What this thread, or asyncio task, is serving."""


class Output:
    """The two streams of a process, and the log that they end in."""

    def __init__(self, log: AppLog) -> None:
        self.log = log
        self.stdout = Stream(log, "stdout")
        self.stderr = Stream(log, "stderr")

    def flush(self) -> None:
        """Note lines that this thread has not finished."""
        self.stdout.flush()
        self.stderr.flush()


class _Pending(threading.local):
    """A line that a thread has not finished, and whose it is."""

    text = ""
    writer: Writer | None = None


class Stream(io.TextIOBase):
    """Takes the place of `sys.stdout` or `sys.stderr`: a line that is finished is noted at once."""

    encoding = "utf-8"
    errors = "backslashreplace"

    def __init__(self, log: AppLog, name: str) -> None:
        self.name = name
        self.buffer = _Bytes(self)
        self._log = log
        self._pending = _Pending()

    def write(self, text: str) -> int:
        """Note the lines that are finished, and keep the rest until its line is."""
        if not isinstance(text, str):
            raise TypeError(f"write() argument must be str, not {type(text).__name__}")
        pending, writer = self._pending, current.get()
        if pending.writer is not writer:
            self.flush()
            pending.writer = writer
        if writer:
            writer.has_output = True
        lines, newline, pending.text = (pending.text + text).rpartition("\n")
        if newline:
            self._note(lines + newline)
        if len(pending.text) > PENDING_CHARACTERS:
            self.flush()
        return len(text)

    def flush(self) -> None:
        """Note a line that is not finished."""
        pending = self._pending
        if pending.text:
            text, pending.text = pending.text, ""
            self._note(text)

    def _note(self, text: str) -> None:
        writer = self._pending.writer
        # A thread may have been given the context of a request, and outlive it.
        if writer and not writer.is_over:
            writer.write(self.name, text)
        else:
            self._log.append({"stream": self.name, "text": text})

    def writable(self) -> bool:
        """Say that it can be written to."""
        return True

    def fileno(self) -> int:
        """Return where other programs may write: there Apache has its error log."""
        return STANDARD_ERROR

    def close(self) -> None:
        """Do nothing: others write to it too."""


class _Bytes(io.RawIOBase):
    """What `sys.stdout.buffer` is."""

    def __init__(self, stream: Stream) -> None:
        self._stream = stream

    def write(self, data: object) -> int:
        """Note bytes as text."""
        found = bytes(memoryview(data))  # type: ignore[arg-type]
        self._stream.write(found.decode(Stream.encoding, Stream.errors))
        return len(found)

    def writable(self) -> bool:
        """Say that it can be written to."""
        return True

    def close(self) -> None:
        """Do nothing."""


def capture(directory: str, instance: str) -> Output:
    """Have all that this process writes from now on go to the log of its app.

    To be called before the application is imported: `logging` keeps the stream that it finds.

    Args:
        directory: that of the app's logs.
        instance: the instance's name.
    """
    output = Output(AppLog(directory, instance))
    sys.stdout, sys.stderr = output.stdout, output.stderr
    if not sys.orig_argv:  # inside Apache, see silversupport.sitecustomize
        # Programs that the application starts write there too.
        os.dup2(STANDARD_ERROR, STANDARD_OUTPUT)
    return output
