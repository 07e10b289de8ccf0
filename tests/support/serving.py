"""`silver serve` as its user types it."""

import http.client
import os
import re
import signal
import subprocess
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from silverlining.playbook import ROOT

PATIENCE = 20.0
"""Seconds after which what was to happen is a failure."""


@dataclass(frozen=True)
class Answer:
    """The answer to a request."""

    status: int
    headers: http.client.HTTPMessage
    text: str


def ask(
    url: str, path: str = "/", method: str = "GET", host: str = "", headers: Sequence[str] = ()
) -> Answer:
    """Send a request with its path as it is: no client puts it in order.

    Args:
        url: the scheme, host and port of a server.
        path: the path, with its query string.
        method: the method.
        host: the header Host, where it is not that of the URL.
        headers: further headers, `NAME: VALUE`.
    """
    where = urlsplit(url)
    connection = http.client.HTTPConnection(where.netloc, timeout=PATIENCE)
    try:
        connection.putrequest(method, path, skip_host=True, skip_accept_encoding=True)
        connection.putheader("Host", host or where.netloc)
        for header in headers:
            connection.putheader(*header.split(": "))
        connection.endheaders()
        response = connection.getresponse()
        return Answer(response.status, response.headers, response.read().decode("latin-1"))
    finally:
        connection.close()


@dataclass
class Serving:
    """A `silver serve` that was started.

    Attributes:
        process: the command.
        log: the file of its output.
        began: when it was typed (`time.monotonic()`).
    """

    process: subprocess.Popen[bytes]
    log: Path
    began: float

    @property
    def output(self) -> str:
        """What it has printed by now."""
        return self.log.read_text()

    def wait_for(self, pattern: str, limit: float = PATIENCE) -> str:
        """Wait until it has printed something; return what matches, or the pattern's group."""
        end = time.monotonic() + limit
        while not (found := re.search(pattern, self.output)):
            if time.monotonic() > end or self.process.poll() is not None:
                status = self.process.poll()
                raise AssertionError(f"no {pattern!r} (exit status {status}) in:\n{self.output}")
            time.sleep(0.01)
        return found[found.re.groups]

    @property
    def url(self) -> str:
        """Where it serves."""
        return self.wait_for(r"(http://\S+)/ serves")

    def ask(self, path: str = "/", **options: str) -> Answer:
        """Send a request."""
        return ask(self.url, path, **options)

    def ask_until(self, text: str, path: str = "/", limit: float = PATIENCE) -> float:
        """Ask until the answer holds a text; return the seconds that it took."""
        began = time.monotonic()
        while text not in (answer := self.ask(path)).text:
            if time.monotonic() - began > limit:
                raise AssertionError(f"no {text!r} in:\n{answer.text}\n{self.output}")
        return time.monotonic() - began

    def children(self) -> list[int]:
        """Return the ids of the processes below the command's."""
        return descendants(self.process.pid)

    def end(self, number: int = signal.SIGINT) -> float:
        """Send a signal to the command, and return the seconds that it takes to end."""
        began = time.monotonic()
        self.process.send_signal(number)
        self.process.wait(PATIENCE)
        return time.monotonic() - began


@contextmanager
def serving(app: Path, *options: object, **variables: str) -> Iterator[Serving]:
    """Type `silver serve`, and end it at the end of the block.

    Args:
        app: the application's directory.
        options: of the command; without --port, any free one is taken.
        variables: further environment variables.
    """
    port = () if "--port" in options else ("--port", "0")
    log = app.with_name(f"{app.name}-{time.monotonic_ns()}.log")
    with log.open("wb") as output:
        began = time.monotonic()
        process = subprocess.Popen(
            [str(ROOT / "silver"), "serve", str(app), *map(str, (*port, *options))],
            env=os.environ | variables,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
        )
    started = Serving(process, log, began)
    try:
        yield started
    finally:
        if process.poll() is None:
            process.terminate()
            process.wait(PATIENCE)


def descendants(process: int) -> list[int]:
    """Return the ids of all processes below a process."""
    children = Path(f"/proc/{process}/task/{process}/children").read_text().split()
    return [each for child in map(int, children) for each in (child, *descendants(child))]


def are_gone(processes: Sequence[int], limit: float = PATIENCE) -> bool:
    """Wait until processes are gone; return whether they are."""
    end = time.monotonic() + limit
    while any(map(_is_alive, processes)):
        if time.monotonic() > end:
            return False
        time.sleep(0.01)
    return True


def _is_alive(process: int) -> bool:
    """Tell whether a process runs; one that has ended may wait for its parent to notice."""
    try:
        return Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False
