from datetime import UTC, datetime, timedelta

import pytest

from silverlining.remote.ages import ago, until

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    ("age", "said"),
    [
        (timedelta(seconds=-30), "just now"),
        (timedelta(seconds=59), "just now"),
        (timedelta(seconds=60), "1 min ago"),
        (timedelta(minutes=59, seconds=59), "59 min ago"),
        (timedelta(hours=3, minutes=50), "3 h ago"),
        (timedelta(hours=25), "1 day ago"),
        (timedelta(days=29, hours=23), "29 days ago"),
        (timedelta(days=40), "2026-10-13"),
    ],
)
def test_an_age_is_said_in_its_largest_unit(age: timedelta, said: str) -> None:
    assert ago((NOW - age).isoformat(timespec="milliseconds"), NOW) == said


@pytest.mark.parametrize(
    ("distance", "said"),
    [
        (timedelta(seconds=-30), "now"),
        (timedelta(seconds=59), "now"),
        (timedelta(minutes=59, seconds=59), "in 59 min"),
        (timedelta(hours=30), "in 1 day"),
        (timedelta(days=40), "2027-01-01"),
    ],
)
def test_a_time_to_come_is_said_so_too(distance: timedelta, said: str) -> None:
    assert until((NOW + distance).isoformat(timespec="milliseconds"), NOW) == said
