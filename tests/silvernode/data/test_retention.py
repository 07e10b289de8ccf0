"""Which archives of an app are kept, and which are old."""

from datetime import UTC, datetime, timedelta

import pytest

from silverbackup.manifest import archive_name
from silvernode.data import retention

NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)  # a Monday


def name(days: float, app: str = "polls") -> str:
    """The name of an archive that is some days old."""
    return archive_name(app, NOON - timedelta(days=days))


def days_kept(count: int, keep: int, weekly: int, monthly: int) -> list[int]:
    """Make an archive on each of some days, the oldest first; the ages of those that are kept."""
    names = [name(days) for days in range(count)]
    old = retention.old(names, "polls", keep, weekly, monthly)
    return [days for days in range(count) if names[days] not in old]


@pytest.mark.parametrize(
    ("keep", "weekly", "monthly", "expected"),
    [
        (3, 0, 0, [0, 1, 2]),
        (1, 0, 0, [0]),
        (0, 0, 0, list(range(100))),
        (0, 2, 2, list(range(100))),
        # The 23rd is a Monday: the newest of the weeks before are Sundays.
        (2, 3, 0, [0, 1, 8]),
        (3, 4, 0, [0, 1, 2, 8, 15]),
        # The newest of November, October and September.
        (1, 0, 3, [0, 23, 54]),
        (1, 2, 2, [0, 1, 23]),
    ],
)
def test_the_newest_are_kept_and_one_of_each_week_and_month(
    keep: int, weekly: int, monthly: int, expected: list[int]
) -> None:
    assert days_kept(100, keep, weekly, monthly) == expected


def test_every_day_pruned_there_is_one_of_each_week_and_month_in_the_end() -> None:
    names: list[str] = []
    for days in range(200, -1, -1):
        names.append(name(days))
        for each in retention.old(names, "polls", 2, 3, 3):
            names.remove(each)
    assert [name(days) for days in (0, 1, 8, 23, 54)] == sorted(names, reverse=True)


def test_the_oldest_come_first_for_that_is_the_order_in_which_they_go() -> None:
    names = [name(2), name(0), name(3), name(1)]
    assert retention.old(names, "polls", 1, 0, 0) == [name(3), name(2), name(1)]


def test_other_apps_and_other_files_are_left_alone() -> None:
    others = [name(5, "poll"), name(5, "polls2"), "polls.txt", "polls-20261399T000000Z.tar.age"]
    assert retention.old([*others, name(0), name(1)], "polls", 1, 0, 0) == [name(1)]
    assert list(retention.archives([*others, name(1), name(0)], "polls")) == [name(0), name(1)]
