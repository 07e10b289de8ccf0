import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from silverlining.remote import local_time
from silverlining.remote.local_time import TimeError

NOW = 1_795_338_000.0  # 2026-11-22 09:00:00 UTC
BERLIN = "CET-1CEST,M3.5.0,M10.5.0/3"


@pytest.fixture(autouse=True)
def berlin(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    with monkeypatch.context() as patch:
        patch.setenv("TZ", BERLIN)
        time.tzset()
        yield
    time.tzset()


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("30s", NOW - 30),
        ("10m", NOW - 600),
        ("2h", NOW - 7200),
        ("3d", NOW - 3 * 86_400),
        ("2026-11-22", NOW - 10 * 3600),
        ("2026-11-22 10:00", NOW),
        ("2026-11-22T09:00:00+00:00", NOW),
    ],
)
def test_a_time_is_so_long_ago_or_a_local_date(text: str, expected: float) -> None:
    assert local_time.moment(text, NOW) == expected


@pytest.mark.parametrize("text", ["", "10", "10 m", "yesterday", "-5m", "2026-13-01"])
def test_anything_else_is_refused_with_an_example(text: str) -> None:
    with pytest.raises(TimeError, match="such as 10m"):
        local_time.moment(text, NOW)


def test_a_zone_is_told_so_that_nobody_needs_to_know_its_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    data = tmp_path / "Berlin"
    data.write_bytes(b"TZif2\x00\n\x01" + f"\n{BERLIN}\n".encode())
    monkeypatch.setattr(local_time, "LOCALTIME", data)
    monkeypatch.setattr(local_time, "ZONES", tmp_path)
    for name in ("", "Berlin", ":Berlin", BERLIN):
        monkeypatch.setenv("TZ", name)
        assert local_time.zone() == BERLIN
    code = "import time; print(time.strftime('%H:%M', time.localtime(1795338000)))"
    done = subprocess.run(
        [sys.executable, "-c", code], env={"TZ": BERLIN}, capture_output=True, text=True, check=True
    )
    assert done.stdout == "10:00\n"


def test_a_machine_without_a_zone_has_none(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(local_time, "LOCALTIME", tmp_path / "missing")
    monkeypatch.delenv("TZ")
    assert local_time.zone() == ""
