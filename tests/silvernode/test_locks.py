"""Locks: between real processes, free as soon as the holder is gone."""

import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from typing import IO

import pytest

from silvernode import locks
from silvernode.errors import NodeError
from silvernode.layout import Layout

HOLD = """
import sys
from pathlib import Path
from silvernode import locks
from silvernode.layout import Layout
with {lock}:
    print("held", flush=True)
    sys.stdin.read()
"""
APP = 'locks.of_app(Layout(Path(sys.argv[1])), "hello", "ann@laptop", "updating hello.test")'
ROUTES = "locks.of_routes(Layout(Path(sys.argv[1])))"
Start = Callable[[str], "subprocess.Popen[str]"]


@pytest.fixture
def start(layout: Layout) -> Iterator[Start]:
    """Start a process that asks for a lock, says "held", and keeps it until its input ends."""
    started = []

    def start(lock: str) -> subprocess.Popen[str]:
        command = [sys.executable, "-c", HOLD.format(lock=lock), str(layout.root)]
        process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        started.append(process)
        return process

    yield start
    for process in started:
        process.kill()
        process.communicate()


def says(stream: IO[str] | None) -> str:
    assert stream
    return stream.readline().strip()


def test_a_taken_lock_names_its_holder(layout: Layout, start: Start) -> None:
    assert says(start(APP).stdout) == "held"
    message = r"ann@laptop \(updating hello\.test, since 20\d\d-.*\d\); wait for it"
    with pytest.raises(NodeError, match=message), locks.of_app(layout, "hello", "bob", "x"):
        pass


def test_the_holder_is_the_latest_one(layout: Layout, start: Start) -> None:
    with locks.of_app(layout, "hello", "somebody.with.a.long.name@some.machine", "x"):
        pass
    assert says(start(APP).stdout) == "held"
    with pytest.raises(NodeError, match="by ann@laptop"), locks.of_app(layout, "hello", "", ""):
        pass


def test_the_lock_of_one_app_does_not_stop_another(layout: Layout, start: Start) -> None:
    assert says(start(APP).stdout) == "held"
    with locks.of_app(layout, "places", "bob", "x"), locks.of_routes(layout):
        pass


def test_a_killed_holder_leaves_the_lock_free(layout: Layout, start: Start) -> None:
    holder = start(APP)
    assert says(holder.stdout) == "held"
    holder.send_signal(signal.SIGKILL)
    holder.wait()
    with locks.of_app(layout, "hello", "bob@desk", "x"):
        pass


def test_a_program_that_the_holder_started_does_not_keep_the_lock(layout: Layout) -> None:
    with locks.of_app(layout, "hello", "ann", "x"):
        child = subprocess.Popen(["sleep", "60"])
    try:
        with locks.of_app(layout, "hello", "bob", "y"):
            pass
    finally:
        child.kill()
        child.wait()


def test_who_waits_gets_the_lock_in_the_end(start: Start) -> None:
    holder = start(ROUTES)
    assert says(holder.stdout) == "held"
    waiting = start(ROUTES)
    with pytest.raises(subprocess.TimeoutExpired):
        waiting.wait(0.3)
    holder.communicate()
    assert says(waiting.stdout) == "held"


def test_a_holder_that_has_not_said_who_it_is_is_another_command(
    layout: Layout, start: Start
) -> None:
    assert says(start(APP).stdout) == "held"
    (layout.locks / "app-hello").write_text("")
    with (
        pytest.raises(NodeError, match="by another command"),
        locks.of_app(layout, "hello", "", ""),
    ):
        pass
