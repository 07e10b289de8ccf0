from pathlib import Path

import pytest

from silvernode.doctor import trend
from silvernode.doctor.trend import DAY, Sample
from silvernode.layout import Layout


@pytest.fixture
def layout(tmp_path: Path) -> Layout:
    layout = Layout(tmp_path)
    layout.state.mkdir(parents=True)
    return layout


def test_what_was_measured_is_kept(layout: Layout) -> None:
    first, second = trend.take(layout), trend.take(layout)
    assert trend.load(layout) == [first, second]
    assert first.disk_used > 0
    assert first.memory_available > 0


def test_only_a_month_is_kept(layout: Layout, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(trend, "KEPT", 3)
    taken = [trend.take(layout) for _ in range(5)]
    assert trend.load(layout) == taken[-3:]


def test_a_damaged_line_costs_only_itself(layout: Layout) -> None:
    sample = trend.take(layout)
    with trend.path(layout).open("a") as file:
        file.write('{"at": 1}\n{"at"')
    assert trend.load(layout) == [sample]
    assert trend.load(Layout(layout.root / "new")) == []


def test_growth_is_told_of_a_day_at_least() -> None:
    hours = [Sample(hour * 3600.0, 1000.0 + 10 * hour, 500.0 - hour) for hour in range(49)]
    assert trend.per_day(hours, "disk_used") == pytest.approx(240)
    assert trend.per_day(hours, "memory_available") == pytest.approx(-24)
    assert trend.per_day([each for each in hours if each.at < DAY / 2], "disk_used") is None
    assert trend.per_day([], "disk_used") is None
