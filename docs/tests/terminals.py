"""What a reader of the manual has on the desk: a shell, and terminals where a server runs."""

import os
import re
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from contextlib import suppress
from io import StringIO
from pathlib import Path

import pexpect
import requests

from docs.tests.pages import PageError
from silverlining.playbook import ROOT
from silverlining.polling import wait_until

NODE = "demo"
PORT = "8080"
"""What the pages call the node, and where `silver serve` answers."""

TYPING_LIMIT = 300
"""Seconds after which a command that hangs is a failure."""

SERVER_LIMIT = 180
"""Seconds that `silver serve` may take to its first answer: it may have to make a node."""

END_LIMIT = 10
"""Seconds in which Ctrl-C ends a command."""

_SHELL = ("bash", "-euo", "pipefail", "-c")
_ASKS = r": $"


def node() -> str:
    """Return the node that is meant where a page says `demo`."""
    return os.environ.get("SILVER_TEST_NODE", NODE)


def port() -> str:
    """Return the port that is meant where a page says 8080."""
    return os.environ.get("SILVER_TEST_PORT", PORT)


def adapted(text: str) -> str:
    """Return a text of a page for the node and the port of who has these in use otherwise."""
    if port() != PORT:
        text = text.replace(PORT, port()).replace(
            "silver serve .", f"silver serve . --port {port()}"
        )
    return re.sub(rf"\b{NODE}\b", node(), text)


def type_into_shell(script: str, directory: Path, answers: Sequence[str]) -> tuple[str, Path]:
    """Type a script into a shell on a terminal, and answers to what it asks.

    Returns:
        What it printed, and the directory where it ended.

    Raises:
        PageError: its exit status is not 0, or it does not end.
    """
    with tempfile.NamedTemporaryFile("r", prefix="silver-") as left:
        printed = _type(script, directory, answers, left.name)
        return printed, Path(left.read().strip())


def _type(script: str, directory: Path, answers: Sequence[str], left: str) -> str:
    """Type a script into a shell; what it printed."""
    began, log = time.monotonic(), StringIO()
    shell = pexpect.spawn(
        _SHELL[0],
        [*_SHELL[1:], f'{adapted(script)}\npwd >"{left}"'],
        cwd=str(directory),
        env=_environment(),
        encoding="utf-8",
        timeout=TYPING_LIMIT,
        dimensions=(50, 200),
    )
    shell.logfile_read = log
    try:
        for answer in answers:
            shell.expect(_ASKS)
            shell.sendline(answer)
        shell.expect(pexpect.EOF)
    except pexpect.ExceptionPexpect as error:
        raise PageError(f"it does not end, or does not ask: {script.strip()}") from error
    finally:
        shell.close(force=True)
        printed = _plain(log.getvalue())
        seconds = time.monotonic() - began
        sys.stdout.write(f"$ {script.strip()}\n{printed}({seconds:.1f} s)\n")
    if shell.exitstatus:
        raise PageError(f"exit status {shell.exitstatus} of: {script.strip()}")
    return printed


class Terminal:
    """A terminal where a server runs.

    Args:
        script: what is typed there.
        directory: where.
    """

    def __init__(self, script: str, directory: Path) -> None:
        if _listens():
            raise PageError(f"something listens at port {port()} already")
        began = time.monotonic()
        self.process = subprocess.Popen(
            [*_SHELL, f"exec {adapted(script).strip()}"],
            cwd=directory,
            env=_environment(),
            stdin=subprocess.DEVNULL,
            start_new_session=True,
        )
        wait_until(lambda: _listens() or self.process.poll() is not None, SERVER_LIMIT)
        try:
            self.wait()
        except PageError:
            self.press_ctrl_c()
            raise
        sys.stdout.write(f"{script.strip()} answers after {time.monotonic() - began:.1f} s\n")

    def wait(self) -> None:
        """Wait for an answer, whatever it is: it comes when a start, or a new start, is done.

        Raises:
            PageError: there is none.
        """
        with requests.Session() as session:
            session.trust_env = False  # a proxy of the user's
            try:
                session.get(f"http://localhost:{port()}/", timeout=SERVER_LIMIT)
            except requests.RequestException as error:
                raise PageError(f"port {port()} does not answer: {error}") from error

    def press_ctrl_c(self) -> list[str]:
        """End what runs; return what is wrong about how it ended."""
        if self.process.poll() is None:
            os.killpg(self.process.pid, signal.SIGINT)
        try:
            self.process.wait(END_LIMIT)
        except subprocess.TimeoutExpired:
            os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait()
            return [f"Ctrl-C did not end the server within {END_LIMIT} s"]
        return ["the server has left a process behind that listens"] if _listens() else []


def _listens() -> bool:
    with suppress(OSError), socket.create_connection(("localhost", int(port())), timeout=1):
        return True
    return False


def _plain(printed: str) -> str:
    """Return what was printed on a terminal without its colours."""
    return re.sub(r"\x1b\[[0-9;?]*[A-Za-z]|\r(?!\n)", "", printed).replace("\r\n", "\n")


def _environment() -> dict[str, str]:
    """Return the environment of a reader who has `silver` in PATH, and can commit."""
    ours = str(Path(sys.executable).parent)
    places = [str(ROOT), *(place for place in os.environ["PATH"].split(":") if place != ours)]
    who = [f"GIT_{role}_{what}" for role in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")]
    git = dict.fromkeys(who, "ada@example.com")
    return os.environ | git | {"TERM": "xterm", "PAGER": "cat", "PATH": ":".join(places)}
