"""Signals, and a client that goes away."""

import os
import pty
import signal
import socket
import subprocess
import sys
from pathlib import Path
from typing import IO

import pytest

from silverlining.playbook import ROOT

PATIENCE = 10
QUIET = 0.3
"""Seconds in which a command that is not told to end goes on."""

COMMAND = """
import sys, time
from silvernode import interrupts
from silvernode.errors import NodeError
interrupts.allow()
interrupts.end_with_client()
{more}
print("ready", file=sys.stderr, flush=True)
try:
    time.sleep(60)
except NodeError as error:
    raise SystemExit(str(error))
"""


def start(stdout: int | IO[bytes], more: str = "") -> subprocess.Popen[bytes]:
    """Start a command that prints nothing for a long time."""
    process = subprocess.Popen(
        [sys.executable, "-c", COMMAND.format(more=more)],
        stdin=subprocess.DEVNULL,
        stdout=stdout,
        stderr=subprocess.PIPE,
        cwd=ROOT,
    )
    assert process.stderr
    assert process.stderr.readline() == b"ready\n"
    return process


def goes_on(process: subprocess.Popen[bytes]) -> bool:
    try:
        process.wait(QUIET)
    except subprocess.TimeoutExpired:
        return True
    return False


def ends(process: subprocess.Popen[bytes]) -> str:
    """Return what the command says when it ends by itself."""
    _, errors = process.communicate(timeout=PATIENCE)
    return errors.decode().strip()


def channels(kind: str) -> tuple[int, int]:
    """The reader's and the writer's end of what sshd may give a command as its output."""
    if kind == "pipe":
        return os.pipe()
    if kind == "terminal":
        return pty.openpty()
    reader, writer = socket.socketpair()
    return reader.detach(), writer.detach()


@pytest.mark.parametrize("kind", ["pipe", "socket", "terminal"])
def test_a_silent_command_ends_when_its_reader_goes_away(kind: str) -> None:
    reader, writer = channels(kind)
    process = start(writer)
    os.close(writer)
    assert goes_on(process)
    os.close(reader)
    assert ends(process) == "interrupted by SIGHUP"


@pytest.mark.parametrize("where", ["/dev/null", "file"])
def test_a_command_that_writes_to_a_file_goes_on(where: str, tmp_path: Path) -> None:
    with Path(tmp_path / where).open("wb") as file:
        process = start(file)
    assert goes_on(process)
    process.send_signal(signal.SIGINT)
    assert ends(process) == "interrupted by SIGINT"


def test_a_command_that_may_not_be_interrupted_any_more_goes_on() -> None:
    reader, writer = os.pipe()
    process = start(writer, "interrupts.ignore()")
    os.close(writer)
    os.close(reader)
    assert goes_on(process)
    process.kill()
    process.communicate()
