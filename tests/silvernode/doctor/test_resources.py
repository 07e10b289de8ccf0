import shutil
import subprocess
from collections.abc import Callable, Iterator

import pytest

from silvernode.doctor import resources, trend
from silvernode.doctor.finding import Finding
from silvernode.doctor.patient import Patient
from silvernode.doctor.resources import GIB
from silvernode.doctor.trend import DAY, Sample

Usage = tuple[int, int, int]


def states(check: Callable[[Patient], Iterator[Finding]], patient: Patient) -> list[str]:
    return [each.state for each in check(patient)]


@pytest.fixture(autouse=True)
def world(patient: Patient, monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """A node with disk and memory of given sizes, in GiB, and what was measured of them before."""

    def make(
        *,
        disk: Usage = (100, 50, 50),
        available: float = 2.0,
        days: int = 0,
        disk_a_day: float = 0.0,
        memory_a_day: float = 0.0,
        killed: str = "",
    ) -> None:
        sizes = tuple(size * GIB for size in disk)
        monkeypatch.setattr(shutil, "disk_usage", lambda _: sizes)
        memory = {"MemTotal": 4 * GIB, "MemAvailable": int(available * GIB)}
        monkeypatch.setattr(trend, "memory", lambda: memory)
        samples = [
            Sample(day * DAY, day * disk_a_day * GIB, day * memory_a_day * GIB)
            for day in range(days)
        ]
        monkeypatch.setattr(trend, "load", lambda _: samples)
        done = subprocess.CompletedProcess((), 0 if killed else 1, killed)
        monkeypatch.setattr(resources, "run", lambda *_, **__: done)

    make()
    return make


def test_a_node_with_room_is_well(patient: Patient) -> None:
    assert states(resources.disk, patient) == ["ok"]
    assert states(resources.memory, patient) == ["ok"]


@pytest.mark.parametrize(
    ("given", "text"),
    [
        ({"disk": (100, 95, 5)}, "95% full, 5.0 GiB of 100.0 free"),
        # What is kept for root is neither used nor free.
        ({"disk": (100, 86, 9)}, "91% full"),
        ({"days": 4, "disk_a_day": 10.0}, "at 10.00 GiB a day full in 5 days"),
    ],
)
def test_a_disk_that_is_full_or_soon_will_be_is_told_of(
    patient: Patient, world: Callable[..., None], given: dict[str, object], text: str
) -> None:
    world(**given)
    [finding] = resources.disk(patient)
    assert (finding.state, text in finding.text) == ("wrong", True), finding
    assert "./silver clean-node box" in finding.fix


def test_a_disk_that_fills_slowly_is_well(patient: Patient, world: Callable[..., None]) -> None:
    world(days=4, disk_a_day=1.0)
    [finding] = resources.disk(patient)
    assert finding.state == "ok"
    assert finding.text.endswith("+1.00 GiB a day")


@pytest.mark.parametrize(
    ("given", "text"),
    [
        ({"available": 0.1}, "0.1 of 4.0 GiB available"),
        ({"days": 3, "memory_a_day": -0.5}, "none in 4 days"),
    ],
)
def test_memory_that_is_scarce_or_soon_will_be_is_told_of(
    patient: Patient, world: Callable[..., None], given: dict[str, object], text: str
) -> None:
    world(**given)
    [finding] = resources.memory(patient)
    assert (finding.state, text in finding.text) == ("wrong", True), finding


def test_what_was_killed_for_want_of_memory_is_named_once(
    patient: Patient, world: Callable[..., None]
) -> None:
    line = "silver-hello@20261122_001.service: Failed with result 'oom-kill'.\n"
    world(killed=line * 2)
    last = list(resources.memory(patient))[-1]
    assert last.text == "out of memory within a day: silver-hello@20261122_001.service"
