import gzip
import json
import os
import time
from pathlib import Path
from typing import Any

import pytest

from silvernode import instances, interrupts
from silvernode.errors import NodeError
from silvernode.instances import Record
from silvernode.layout import Layout
from silvernode.logs import viewer as logs
from silvernode.logs.events import Event
from silvernode.logs.files import LogFile
from silvernode.logs.viewer import Wanted
from silvernode.routing import registry
from silvernode.routing.registry import Registry, Route

NEW, OLD = "polls.20261122_002", "polls.20261122_001"


@pytest.fixture
def polls(layout: Layout, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The directory of the logs of an app that is served at two locations."""
    monkeypatch.setattr(logs, "_end_quietly", lambda: None)
    route = Route("polls", NEW, OLD, "2026-11-22T10:00:00+00:00")
    registry.save(layout, Registry({"polls.test": route, "other.test/polls": route}, {}))
    directory = layout.logs("polls")
    directory.mkdir(parents=True)
    return directory


def request(time: float, name: str, status: int = 200, **more: Any) -> list[Event]:
    """A request that wrote its name."""
    common = {"pid": 1, "instance": NEW, "request": name}
    asked = {"method": "GET", "path": f"/{name}", "location": "polls.test"}
    end = {"event": "end", "status": status, "seconds": 0.1, "began": time, "failed": False}
    return [
        {"time": time, **common, "event": "begin", **asked, **more},
        {"time": time, **common, "stream": "stdout", "text": f"{name}\n", **more},
        {"time": time + 0.1, **common, **end, **asked, **more},
    ]


def write(path: Path, events: list[Event]) -> None:
    with path.open("a") as file:
        file.writelines(f"{json.dumps(event)}\n" for event in events)


def shown(
    layout: Layout, capsys: pytest.CaptureFixture[str], location: str = "polls.test", **wanted: Any
) -> list[str]:
    """The paths of the requests that are shown; `-` for what is written outside of requests."""
    assert logs.show(layout, Wanted(location, as_json=True, **wanted)) == 0
    blocks = map(json.loads, capsys.readouterr().out.splitlines())
    return [block["path"] or "-" for block in blocks]


def test_the_requests_to_a_pattern_are_those_to_the_hosts_that_it_means(
    layout: Layout, polls: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    route = Route("polls", NEW, OLD, "")
    registry.save(layout, Registry({"polls.test": route, "*.polls.test": route}))
    hosts = {"one": "polls.test", "two": "ann.polls.test", "three": "bob.polls.test"}
    for began, (name, host) in enumerate(hosts.items()):
        write(polls / "app.jsonl", request(began, name, location=host))
    assert shown(layout, capsys, "*.polls.test") == ["/two", "/three"]
    assert shown(layout, capsys, "polls.test") == ["/one"]


def test_the_last_blocks_are_shown(
    layout: Layout, polls: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for i in range(9):
        write(polls / "app.jsonl", request(100.0 + i, str(i)))
    assert shown(layout, capsys, blocks=3) == ["/6", "/7", "/8"]
    assert shown(layout, capsys, blocks=0, since=102.5) == [f"/{i}" for i in range(3, 9)]


def test_older_files_are_read_until_there_is_enough(
    layout: Layout,
    polls: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("silvernode.logs.reader.FIRST_BYTES", 100)
    with gzip.open(polls / "app.jsonl.2.gz", "wt") as file:
        file.writelines(f"{json.dumps(event)}\n" for event in request(1.0, "oldest", 500))
    for i in range(100):
        write(polls / "app.jsonl.1", request(100.0 + i, f"old-{i}"))
        write(polls / "app.jsonl", request(300.0 + i, str(i)))
    assert shown(layout, capsys, blocks=101)[:2] == ["/old-99", "/0"]
    assert shown(layout, capsys, errors=True) == ["/oldest"]
    assert len(shown(layout, capsys, blocks=0)) == 201


def test_what_one_log_tells_of_older_times_waits_for_the_others(
    layout: Layout,
    polls: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("silvernode.logs.reader.FIRST_BYTES", 1500)
    for i in range(100):
        write(polls / "app.jsonl", request(1795338002.0 + i, str(i)))
    (polls / "error.log").write_text(
        f"[2026-11-22 09:00:01.500000 +0000] [error] [pid 9] [{NEW}] [-] old\n"
    )
    for blocks in range(1, 6):
        assert shown(layout, capsys, blocks=blocks) == [f"/{i}" for i in range(100 - blocks, 100)]
    assert shown(layout, capsys, blocks=101)[0] == "-"


def test_a_location_shows_its_own_requests_and_what_is_of_all(
    layout: Layout, polls: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write(polls / "app.jsonl", [{"time": 1.0, "instance": NEW, "stream": "stdout", "text": "up\n"}])
    write(polls / "app.jsonl", request(2.0, "here"))
    write(polls / "app.jsonl", request(3.0, "there", location="other.test/polls"))
    write(polls / "app.jsonl", request(4.0, "before", instance=OLD))
    assert shown(layout, capsys) == ["-", "/here", "/before"]
    assert shown(layout, capsys, "other.test/polls") == ["-", "/there"]
    assert shown(layout, capsys, "prev.polls.test") == ["/before"]


def test_what_apache_says_joins_the_request(
    layout: Layout, polls: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write(polls / "app.jsonl", request(1795338001.0, "killed")[:2])
    (polls / "error.log").write_text(
        f"[2026-11-22 09:00:01.500000 +0000] [error] [pid 9] [{NEW}] [killed] Truncated\n"
        f"[2026-11-22 09:00:02.500000 +0000] [error] [pid 9] [{NEW}] [silent] Timeout\n"
    )
    (polls / "access.log").write_text(
        '::1 - - [22/Nov/2026:09:00:01 +0000] "GET /killed HTTP/1.1" 500 5 "-" "-" polls.test'
        f' 600000 killed {NEW} ""\n'
        '::1 - - [22/Nov/2026:09:00:01 +0000] "GET /silent HTTP/1.1" 504 5 "-" "-" polls.test'
        f' 900000 silent {NEW} ""\n'
        '::1 - - [22/Nov/2026:09:00:01 +0000] "GET /fine HTTP/1.1" 200 5 "-" "-" polls.test'
        f' 900000 fine {NEW} ""\n'
    )
    assert logs.show(layout, Wanted("polls.test", errors=True)) == 0
    assert capsys.readouterr().out == (
        f"2026-11-22 09:00:01 UTC GET /killed → 500 in 600 ms ({NEW}, polls.test)\n"
        "  killed\n"
        "  Apache: Truncated\n"
        f"2026-11-22 09:00:01 UTC GET /silent → 504 in 900 ms ({NEW}, polls.test)\n"
        "  Apache: Timeout\n"
    )
    assert shown(layout, capsys, access=True) == ["/killed", "/silent", "/fine"]
    assert shown(layout, capsys, access=True, errors=True) == ["/killed", "/silent"]
    assert shown(layout, capsys, access=True, blocks=1) == ["/fine"]


def test_an_unknown_location_names_the_near_ones(layout: Layout, polls: Path) -> None:
    with pytest.raises(NodeError, match=r"pols\.test.*there is polls\.test"):
        logs.show(layout, Wanted("pols.test"))


@pytest.mark.usefixtures("polls")
@pytest.mark.parametrize(
    ("runner", "wanted", "said"),
    [
        ("app.py", Wanted("polls.test"), f"nothing was written at polls.test, now served by {NEW}"),
        ("app.py", Wanted("polls.test", errors=True), "no errors in the log of polls.test"),
        ("app.py", Wanted("polls.test", access=True), "no request to polls.test was noted"),
        (None, Wanted("polls.test"), "polls.test is a static site"),
    ],
)
def test_why_there_is_nothing_is_said(
    runner: str | None,
    wanted: Wanted,
    said: str,
    layout: Layout,
    capsys: pytest.CaptureFixture[str],
) -> None:
    record = Record(NEW, "polls", "127.1.0.1", "ann@laptop", "", {"runner": runner}, "")
    instances.save(layout, record)
    assert logs.show(layout, wanted) == 0
    printed = capsys.readouterr()
    assert printed.out == ""
    assert said in printed.err


class Enough(Exception):
    """Ends what would go on for ever."""


def test_following_goes_on_from_where_the_last_blocks_ended(
    layout: Layout,
    polls: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    now = time.time()
    path = polls / "app.jsonl"
    write(path, request(now, "before"))
    write(path, request(now, "running", pid=1)[:2])
    later = [request(now, "after"), request(now, "rotated"), request(now, "running")[2:]]

    def sleep(_: float) -> None:
        if not later:
            raise Enough
        if len(later) == 2:
            path.rename(polls / "app.jsonl.1")
        write(path, later.pop(0))

    monkeypatch.setattr(interrupts, "end_with_client", lambda: None)
    monkeypatch.setattr(time, "sleep", sleep)
    with pytest.raises(Enough):
        logs.show(layout, Wanted("polls.test", follow=True))
    heads = [line for line in capsys.readouterr().out.splitlines() if line[0] != " "]
    assert [line.partition(" GET ")[2] for line in heads] == [
        f"/before → 200 in 100 ms ({NEW}, polls.test)",
        f"/running → still running ({NEW}, polls.test)",
        f"/after → 200 in 100 ms ({NEW}, polls.test)",
        f"/rotated → 200 in 100 ms ({NEW}, polls.test)",
        f"/running → 200 in 100 ms ({NEW}, polls.test, continued)",
    ]


def test_what_an_instance_wrote_since_a_time_is_told(layout: Layout, polls: Path) -> None:
    write(polls / "app.jsonl", request(1.0, "before"))
    write(polls / "app.jsonl", request(2.0, "other", instance=OLD))
    write(polls / "app.jsonl", request(2.0, "now"))
    assert logs.written(layout, NEW, since=1.5) == (
        f"1970-01-01 00:00:02 UTC GET /now → 200 in 100 ms ({NEW}, polls.test)\n  now\n"
    )


@pytest.mark.parametrize("access", [False, True])
def test_a_log_without_end_is_not_read_for_ever(
    layout: Layout,
    polls: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    access: bool,
) -> None:
    monkeypatch.setattr("silvernode.logs.reader.MOST_BYTES", 1_000_000)
    back, sizes = LogFile.back, []

    def noted(log: LogFile, size: int) -> tuple[list[str], bool]:
        sizes.append(size)
        return back(log, size)

    monkeypatch.setattr(LogFile, "back", noted)
    for name in ("app.jsonl", "access.log"):
        (polls / name).touch()
        os.truncate(polls / name, 5_000_000)
    assert shown(layout, capsys, access=access) == []
    assert max(sizes) <= 1_000_000
