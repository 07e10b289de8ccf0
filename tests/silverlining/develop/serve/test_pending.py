import time
from pathlib import Path

import pytest

from silverlining.develop.serve.inside.parent import NOT_UPDATED, READY, UPDATED, UPDATING
from silverlining.develop.serve.pending import Pending

LINES = ("script:bin/x.py",)


@pytest.fixture
def pending() -> Pending:
    return Pending()


def carry_out(pending: Pending, end: str) -> None:
    pending.hear(UPDATING)
    assert pending.is_running
    pending.hear(end)
    assert not pending.is_running


def changed(path: Path) -> list[Path]:
    path.write_text("")
    return [path]


def test_it_is_due_at_first(pending: Pending) -> None:
    assert pending.lines(LINES, ()) == LINES


def test_it_is_not_due_once_it_succeeded(pending: Pending, tmp_path: Path) -> None:
    carry_out(pending, UPDATED)
    pending.hear(READY)
    time.sleep(0.05)
    assert pending.lines(LINES, changed(tmp_path / "x.py")) == ()


def test_it_stays_due_when_it_fails_or_is_broken_off(pending: Pending, tmp_path: Path) -> None:
    carry_out(pending, NOT_UPDATED)
    pending.hear(UPDATING)
    pending.stop()
    time.sleep(0.05)
    assert pending.lines(LINES, changed(tmp_path / "x.py")) == LINES


def test_what_its_scripts_wrote_is_no_reason_to_try_again(pending: Pending, tmp_path: Path) -> None:
    pending.hear(UPDATING)
    made = changed(tmp_path / "made.txt")
    pending.hear(NOT_UPDATED)
    pending.stop()
    assert pending.lines(LINES, made) == ()
    time.sleep(0.05)
    assert pending.lines(LINES, [*made, *changed(tmp_path / "mended.py")]) == LINES


def test_a_removed_file_is_a_reason(pending: Pending, tmp_path: Path) -> None:
    carry_out(pending, NOT_UPDATED)
    assert pending.lines(LINES, [tmp_path / "removed.py"]) == LINES
