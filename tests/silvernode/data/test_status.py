"""How the last backup and the last drill of each app ended."""

import threading

import pytest

from silvernode.data import status
from silvernode.data.status import BACKUP, DRILL, Result
from silvernode.layout import Layout


def test_nothing_is_known_of_an_app_without_a_backup(layout: Layout) -> None:
    assert status.load(layout, "polls") == {}
    assert status.load_all(layout) == {}


def test_what_was_noted_is_there_for_each_app_and_kind(layout: Layout) -> None:
    made = Result(
        True, "made", "polls-1.tar.age", "s3://b/web1/", 1234, 5.678, "2026-11-23T03:00:05"
    )
    status.note(layout, "polls", BACKUP, made)
    status.note(layout, "polls", DRILL, Result(False, "damaged"))
    status.note(layout, "blog", BACKUP, Result(True))
    found = status.load_all(layout)
    assert sorted(found) == ["blog", "polls"]
    assert found["polls"] == status.load(layout, "polls")
    assert found["polls"][BACKUP] == {
        "at": "2026-11-23T03:00:05",
        "ok": True,
        "message": "made",
        "archive": "polls-1.tar.age",
        "destination": "s3://b/web1/",
        "bytes": 1234,
        "seconds": 5.7,
        "last_ok": "2026-11-23T03:00:05",
    }
    assert (found["polls"][DRILL]["ok"], found["polls"][DRILL]["last_ok"]) == (False, None)


def test_a_failure_keeps_when_the_last_success_was(layout: Layout) -> None:
    status.note(layout, "polls", BACKUP, Result(True, at="2026-11-21T03:00:00+00:00"))
    for day in (22, 23):
        status.note(layout, "polls", BACKUP, Result(False, at=f"2026-11-{day}T03:00:00+00:00"))
    found = status.load(layout, "polls")[BACKUP]
    assert (found["at"], found["last_ok"]) == (
        "2026-11-23T03:00:00+00:00",
        "2026-11-21T03:00:00+00:00",
    )


@pytest.mark.parametrize("text", ["", "{", "[]", '"x"', '{"backup": 1}', '{"backup": {"at": 1}}'])
def test_a_damaged_file_counts_as_none_and_is_written_again(layout: Layout, text: str) -> None:
    status.note(layout, "polls", BACKUP, Result(True))
    (status.directory(layout) / "polls.json").write_text(text)
    assert status.load(layout, "polls") == {}
    status.note(layout, "polls", DRILL, Result(True))
    assert list(status.load(layout, "polls")) == [DRILL]


def test_only_root_can_read_it(layout: Layout) -> None:
    status.note(layout, "polls", BACKUP, Result(True))
    (file,) = status.directory(layout).iterdir()
    assert file.stat().st_mode & 0o777 == 0o600


def test_a_backup_and_a_drill_that_end_at_once_are_both_noted(layout: Layout) -> None:
    threads = [
        threading.Thread(
            target=status.note, args=(layout, "polls", kind, Result(True, str(number)))
        )
        for number in range(20)
        for kind in (BACKUP, DRILL)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(status.load(layout, "polls")) == [BACKUP, DRILL]
