"""What is shown while one waits, and what an archive is said to have."""

import hashlib
import io

import pytest

from silverbackup.manifest import Manifest
from silverlining.backup import progress, summary
from silverlining.backup.progress import Watched

MANIFEST = Manifest(
    app="polls",
    location="polls.test",
    node="web1",
    instance="polls.20261123_001",
    created="2026-11-23T03:19:44+00:00",
    version="0.3.0",
    plan={},
    versions={"postgresql": "17.6"},
    services={
        "files": {"facts": {"entries": 1200, "bytes": 5_000_000}, "bytes": 5_000_000},
        "postgis": {"facts": {"tables": {"public.a": 1, "public.b": 1000}, "large_objects": 2}},
        "writable_root": {"facts": {}},
    },
    members={"secret": {"bytes": 64, "sha256": "0" * 64}},
)


def read(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    shown: list[str] = []
    monkeypatch.setattr(progress, "INTERVAL_SECONDS", -1)
    watched = Watched(io.BytesIO(b"x" * 5000), "Backing up polls.test", shown.append, total=10_000)
    while watched.read(1000):
        pass
    assert watched.bytes == 5000
    assert watched.sha256 == hashlib.sha256(b"x" * 5000).hexdigest()
    return shown


def test_who_watches_sees_the_bytes_pass_and_the_line_go(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(progress.VARIABLE, "1")
    *lines, last = read(monkeypatch)
    assert len(lines) == 5
    assert lines[-1].startswith("\r\033[KBacking up polls.test: 5.0 kB of 10.0 kB, ")
    assert last == "\r\033[K"


def test_nothing_is_shown_where_nobody_watches(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(progress.VARIABLE, raising=False)
    assert read(monkeypatch) == []


def test_what_an_archive_has_in_words() -> None:
    assert summary.services(MANIFEST) == (
        "files: 1,200 files and directories, 5.0 MB;"
        " postgis: 2 tables, 1,001 rows, 2 large objects; writable_root: nothing counted"
    )
    told = dict(summary.lines(MANIFEST))
    assert told["app"] == "polls (polls.20261123_001)"
    assert told["location"] == "polls.test on web1"
    assert told["made"].endswith(" by Silver Lining 0.3.0")
    assert told["versions"] == "postgresql 17.6"
