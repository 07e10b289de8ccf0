"""Ctrl-C while an action of Ansible works: the action tidies up, and says how it ended.

On Ctrl-C `ansible-playbook` signals its workers, in which actions run, and reads nothing from them
any more; it only waits until they have ended. So a worker that has something to say says it in a
file that the command `silver` named.
"""

import fcntl
import os
import signal
import tempfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

VARIABLE = "SILVER_OUTCOME"
"""The environment variable with the path of the file."""

SIGNALS = (signal.SIGINT, signal.SIGTERM)


@contextmanager
def raised() -> Iterator[None]:
    """Turn the first signal into a KeyboardInterrupt, and ignore those that follow.

    Ansible sends its workers two, one right after the other, and its own handler ends the worker.
    """

    def interrupt(_number: int, _frame: object) -> None:
        for each in SIGNALS:
            signal.signal(each, _leave_aside)
        raise KeyboardInterrupt

    before = {number: signal.signal(number, interrupt) for number in SIGNALS}
    _keep_waiting()
    try:
        yield
    finally:
        for number, handler in before.items():
            # After an interrupt they stay left aside: what tidies up is to work undisturbed.
            if signal.getsignal(number) is interrupt:
                signal.signal(number, handler)


@contextmanager
def helpers(count: int) -> Iterator[ThreadPoolExecutor]:
    """Give threads for work that goes on beside that of the main one, without its signals.

    The system gives a signal to any thread, Python handles it in the main one, and nobody would
    wake that from waiting for a program. On Ctrl-C the programs that they have started are ended.
    """
    pool = ThreadPoolExecutor(
        count, initializer=signal.pthread_sigmask, initargs=(signal.SIG_BLOCK, SIGNALS)
    )
    try:
        yield pool
    except KeyboardInterrupt:
        end_children()
        raise
    finally:
        pool.shutdown(cancel_futures=True)


def _keep_waiting() -> None:
    """Have `outcome` wait until this process ends."""
    if path := os.environ.get(VARIABLE):
        fcntl.flock(os.open(path, os.O_RDONLY), fcntl.LOCK_SH)  # Never closed, on purpose.


def end_children() -> None:
    """End the programs that an action has started, be they of Ansible's connection or its own.

    A worker leads a process group of its own. ssh's connection for all is in none of them.
    """
    if os.getpgrp() == os.getpid():
        signal.signal(signal.SIGTERM, _leave_aside)
        os.killpg(0, signal.SIGTERM)


def _leave_aside(_number: int, _frame: object) -> None:
    """Do nothing. SIG_IGN would be passed on to programs that are started later."""


def tell(outcome: str) -> None:
    """Note what there is to say if the work is interrupted now, or was."""
    if path := os.environ.get(VARIABLE):
        Path(path).write_text(outcome, encoding="utf-8")


@contextmanager
def told() -> Iterator[Path]:
    """Give what is started in the block a file to say its outcome in."""
    with tempfile.NamedTemporaryFile(prefix="silver-outcome-") as file:
        os.environ[VARIABLE] = file.name
        try:
            yield Path(file.name)
        finally:
            del os.environ[VARIABLE]


def outcome(path: Path) -> str:
    """Return what was said in the file, once all who work are done; empty if nothing was begun.

    A second Ctrl-C ends `ansible-playbook`, but not the workers that tidy up after the first.
    """
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    with path.open(encoding="utf-8") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        return file.read()
