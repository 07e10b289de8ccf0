"""The schedule of a node's backups, and what it makes loud."""

import json
import os
from datetime import UTC, datetime, timedelta

import pytest

from silvernode.data import schedule, status
from silvernode.data.status import BACKUP, DRILL, Result
from silvernode.errors import NodeError
from silvernode.layout import Layout
from tests.silvernode.conftest import Node

SETTINGS = {
    "node": "web1",
    "schedule": "*-*-* 03:00:00",
    "drill_schedule": "Sun *-*-* 05:00:00",
    "destination": "/backups/web1/",
    "recipients": [],
    "keep": 2,
    "keep_weekly": 0,
    "keep_monthly": 0,
}


def give(layout: Layout, **settings: object) -> None:
    path = layout.etc / "backup/settings.json"
    path.parent.mkdir(exist_ok=True)
    path.write_text(json.dumps(SETTINGS | settings))


def age(layout: Layout, **ago: float) -> None:
    """Have app and schedule been here for a while."""
    then = (datetime.now(UTC) - timedelta(**ago)).timestamp()
    for path in (layout.etc / "backup/settings.json", layout.data("secret", "hello")):
        os.utime(path, (then, then))


def ago(**time: float) -> str:
    return (status.now() - timedelta(**time)).isoformat()


@pytest.fixture
def served(node: Node) -> Layout:
    """A node that serves the app `hello` and has a schedule."""
    node.deploy()
    give(node.layout)
    return node.layout


def test_a_node_without_a_schedule_has_none_and_no_problem(node: Node) -> None:
    node.deploy()
    status.note(node.layout, "hello", BACKUP, Result(False, "the laptop's disk is full"))
    assert schedule.load(node.layout) is None
    assert schedule.problems(node.layout) == []


@pytest.mark.parametrize("text", ["", "[]", '{"schedule": "daily"}'])
def test_a_schedule_of_another_version_is_refused_with_what_to_do(
    served: Layout, text: str
) -> None:
    (served.etc / "backup/settings.json").write_text(text)
    with pytest.raises(NodeError, match=r"run \./silver setup-node"):
        schedule.load(served)


def test_a_new_app_has_time_until_its_first_backup(served: Layout) -> None:
    assert schedule.problems(served) == []
    age(served, days=3)
    (problem,) = schedule.problems(served)
    assert problem == (
        "the backup of hello is overdue: there was none yet;"
        " try again with: ./silver backup-all web1"
    )
    age(served, days=15)
    assert [each.split(" is overdue")[0] for each in schedule.problems(served)] == [
        "the backup of hello",
        "the drill of hello",
    ]


def test_a_new_schedule_has_time_too(served: Layout) -> None:
    age(served, days=30)
    give(served)
    assert schedule.problems(served) == []


def test_what_is_well_is_silent_and_what_failed_is_loud(served: Layout) -> None:
    age(served, days=30)
    status.note(served, "hello", BACKUP, Result(True))
    status.note(served, "hello", DRILL, Result(True))
    assert schedule.problems(served) == []
    at = ago(hours=1)
    status.note(served, "hello", DRILL, Result(False, "hello-1.tar.age is damaged", at=at))
    assert schedule.problems(served) == [
        f"the last drill of hello failed ({at}): hello-1.tar.age is damaged;"
        " make a new backup and try that: ./silver backup-all web1 && ./silver drill-all web1"
    ]


def test_a_success_that_is_too_old_is_loud(served: Layout) -> None:
    age(served, days=30)
    status.note(served, "hello", DRILL, Result(True))
    at = ago(days=3, hours=3)
    status.note(served, "hello", BACKUP, Result(True, at=at))
    (problem,) = schedule.problems(served)
    assert problem.startswith(f"the backup of hello is overdue: the last one was {at};")


def test_without_drills_none_is_missed(served: Layout) -> None:
    give(served, drill_schedule="")
    age(served, days=90)
    status.note(served, "hello", BACKUP, Result(True))
    assert schedule.problems(served) == []


def test_an_app_that_is_served_no_more_is_not_missed(node: Node) -> None:
    give(node.layout)
    status.note(node.layout, "gone", BACKUP, Result(False, "no"))
    assert schedule.problems(node.layout) == []


MONDAY_NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    ("calendar", "hours", "expected"),
    [
        ("*-*-* 03:00:00", 33, False),  # from Sunday's backup: Monday's was missed once
        ("*-*-* 03:00:00", 57, True),  # from Saturday's: Sunday's and Monday's
        ("hourly", 3, False),
        ("hourly", 5, True),
        ("Mon..Fri *-*-* 03:00:00", 81, False),  # from Friday's: only Monday's was missed
        ("Mon..Fri *-*-* 03:00:00", 105, True),  # from Thursday's: Friday's and Monday's
        ("2026-01-01", 24 * 300, False),  # never again
    ],
)
def test_overdue_is_what_missed_its_calendar_twice(
    monkeypatch: pytest.MonkeyPatch, calendar: str, hours: int, expected: bool
) -> None:
    monkeypatch.setattr(status, "now", lambda: MONDAY_NOON)
    last = MONDAY_NOON - timedelta(hours=hours)
    assert schedule.is_overdue(calendar, last) is expected


def test_the_word_of_older_and_newer_systemd_is_understood() -> None:
    for line in (
        "       Iter. #2: Tue 2026-11-24 03:00:00 UTC",
        "   Iteration #2: Tue 2026-11-24 03:00:00 UTC",
    ):
        found = schedule.ITERATION.match(line)
        assert found
        assert found["when"] == "Tue 2026-11-24 03:00:00 UTC"
