"""A terminal, and who gets what is typed into it: real processes in a real one."""

import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pexpect
import pytest

from silverlining.playbook import ROOT

PATIENCE = 10
COMMAND = """
import subprocess, sys
from pathlib import Path
from silvernode import interrupts, terminal
from silvernode.errors import NodeError
interrupts.allow()
terminal.be_interrupted()
process = subprocess.Popen([sys.executable, "-c", sys.argv[2]], process_group=0)
try:
    print("is starting", flush=True)
    terminal.lend(process, lambda: not Path(sys.argv[1]).exists())
    print("is lent", flush=True)
    print("got", process.wait())
except NodeError as error:
    process.kill()
    print(error)
"""
BORROWER = """
import sys, termios, tty
print("begins", flush=True)
tty.setraw(0, termios.TCSANOW)
print("has it", flush=True)
sys.exit(sys.stdin.buffer.raw.read(1)[0])
"""


@pytest.fixture
def begun(tmp_path: Path) -> Path:
    """A file that is there once a program does not lose any more what is typed."""
    return tmp_path / "begun"


@pytest.fixture
def command(begun: Path) -> Iterator["pexpect.spawn[str]"]:
    """A command in a terminal whose keys are no signals, and that is for the foreground alone."""
    arguments = [sys.executable, "-c", COMMAND, str(begun), BORROWER]
    child = pexpect.spawn(
        "/bin/sh",
        ["-c", 'stty -isig tostop; exec "$@"', "sh", *arguments],
        cwd=ROOT,
        timeout=PATIENCE,
        encoding="utf-8",
    )
    child.expect("is starting")
    yield child
    child.close(force=True)


def test_an_interrupt_is_the_commands_until_the_program_is_ready(
    command: "pexpect.spawn[str]",
) -> None:
    time.sleep(0.3)  # in which it would get the terminal
    command.sendintr()
    command.expect("interrupted by SIGINT")
    command.expect(pexpect.EOF)


def test_it_is_the_programs_from_then_on(command: "pexpect.spawn[str]", begun: Path) -> None:
    begun.touch()
    command.expect("is lent")
    command.sendintr()
    command.expect("got 3")
    command.expect(pexpect.EOF)


def test_what_was_typed_before_is_kept_for_the_program(
    command: "pexpect.spawn[str]", begun: Path
) -> None:
    command.send("x")
    begun.touch()
    command.expect(f"got {ord('x')}")
