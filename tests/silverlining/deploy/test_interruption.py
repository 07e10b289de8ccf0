"""Ctrl-C while an action works: raised once, then left alone, and its outcome told."""

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from silverlining.deploy import interruption


@pytest.fixture(autouse=True)
def signals() -> Iterator[None]:
    """Undo what a test does to this process's signals."""
    before = {number: signal.getsignal(number) for number in interruption.SIGNALS}
    yield
    for number, handler in before.items():
        signal.signal(number, handler)


@pytest.mark.parametrize("number", interruption.SIGNALS)
def test_the_first_signal_is_raised_and_further_ones_are_ignored(number: signal.Signals) -> None:
    with pytest.raises(KeyboardInterrupt), interruption.raised():
        os.kill(os.getpid(), number)
    for each in interruption.SIGNALS:
        os.kill(os.getpid(), each)


def test_without_a_signal_all_is_as_before() -> None:
    before = signal.getsignal(signal.SIGTERM)
    with interruption.raised():
        assert signal.getsignal(signal.SIGTERM) != before
    assert signal.getsignal(signal.SIGTERM) == before
    with pytest.raises(ValueError, match="x"), interruption.raised():
        raise ValueError("x")
    assert signal.getsignal(signal.SIGTERM) == before


WORKER = """
import sys, time
from silverlining.deploy import interruption
with interruption.raised():
    interruption.tell("begun")
    print("ready", flush=True)
    sys.stdin.readline()
    interruption.tell("done")
"""


def test_the_outcome_is_what_was_said_last_by_who_is_done() -> None:
    with (
        interruption.told() as path,
        subprocess.Popen(
            [sys.executable, "-c", WORKER], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        ) as worker,
    ):
        assert worker.stdin
        assert worker.stdout
        worker.stdout.readline()
        assert path.read_text() == "begun"
        threading.Timer(0.2, worker.stdin.close).start()
        assert interruption.outcome(path) == "done"
    assert not path.exists()
    assert interruption.VARIABLE not in os.environ


def test_nothing_is_said_to_nobody(tmp_path: Path) -> None:
    interruption.tell("x")
    with interruption.told() as path:
        assert interruption.outcome(path) == ""


CHILDREN = """
import os, subprocess, time
from silverlining.deploy import interruption
os.setsid()
child = subprocess.Popen(["sleep", "60"])
interruption.end_children()
print(child.wait())
"""


def test_children_are_ended_and_the_process_is_not() -> None:
    command = [sys.executable, "-c", CHILDREN]
    # A process of its own: this one may lead no group, or one that is not to be ended.
    done = subprocess.run(command, capture_output=True, text=True, timeout=20, check=True)
    assert done.stdout == f"{-signal.SIGTERM}\n"


WAITING = """
import subprocess
from silverlining.deploy import interruption
with interruption.helpers(1) as helper:
    helper.submit(print).result()
    try:
        with interruption.raised():
            print("ready", flush=True)
            subprocess.run(["sleep", "3"], capture_output=True)
    except KeyboardInterrupt:
        print("interrupted")
"""


def test_signals_wake_the_main_thread_whatever_other_threads_there_are() -> None:
    """Of two signals the second went to the other thread, and the main one slept on: one in two."""
    for _ in range(6):
        command = [sys.executable, "-c", WAITING]
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
            assert process.stdout
            assert [process.stdout.readline() for _ in "12"] == ["\n", "ready\n"]
            time.sleep(0.1)
            for number in interruption.SIGNALS:
                process.send_signal(number)
            assert process.communicate(timeout=2.5)[0] == "interrupted\n"
