import os
from typing import Any

import pytest

from silvernode.logs.blocks import Block, Blocks
from silvernode.logs.events import Event
from silvernode.logs.text import text

INSTANCE = "polls.20261122_001"
ASKED = {"method": "GET", "path": "/polls/?x=1", "location": "polls.test"}
LIVING = os.getpid()


def wrote(time: float, what: str, request: str = "", stream: str = "stdout", **more: Any) -> Event:
    event = {"time": time, "pid": LIVING, "instance": INSTANCE, "stream": stream, "text": what}
    return event | ({"request": request} if request else {}) | more


def began(time: float, request: str, **more: Any) -> Event:
    return {"time": time, "pid": LIVING, "instance": INSTANCE, "request": request} | ASKED | more


def ended(time: float, request: str, status: int = 200, **more: Any) -> Event:
    end = {"event": "end", "status": status, "seconds": 0.012, "began": time - 0.012}
    return began(time, request) | end | {"failed": False} | more


def blocks(*events: Event) -> list[Block]:
    found = Blocks()
    found.add(events)
    return found.all()


def test_a_block_is_a_request_however_requests_are_mixed() -> None:
    first, second = blocks(
        began(1.0, "a"),
        wrote(1.0, "a1\n", "a"),
        began(1.1, "b"),
        wrote(1.1, "b1\n", "b"),
        wrote(1.2, "a2\n", "a"),
        ended(1.3, "b", 404),
        ended(1.4, "a"),
    )
    assert [line for _, line in first.lines] == ["a1", "a2"]
    assert [line for _, line in second.lines] == ["b1"]
    assert (first.end["status"], second.end["status"]) == (200, 404)


def test_outside_of_requests_a_pause_or_another_process_begins_a_block() -> None:
    found = blocks(
        wrote(1.0, "one\n"), wrote(1.5, "two\n"), wrote(1.5, "else\n", pid=2), wrote(3.0, "three\n")
    )
    assert [[line for _, line in block.lines] for block in found] == [
        ["one", "two"],
        ["else"],
        ["three"],
    ]


def test_pieces_of_a_line_are_joined() -> None:
    (block,) = blocks(
        wrote(1.0, "be"),
        wrote(1.0, "gin\nnext"),
        wrote(1.0, "error\n", stream="stderr"),
        wrote(1.0, "\n"),
        wrote(1.0, "last"),
    )
    assert block.lines == [
        ("stdout", "begin"),
        ("stdout", "next"),
        ("stderr", "error"),
        ("stdout", ""),
        ("stdout", "last"),
    ]


def test_an_end_that_only_apache_noted_is_added() -> None:
    found = Blocks()
    found.add([wrote(1.0, "Truncated\n", "a", "apache"), began(1.0, "b"), ended(1.2, "b")])
    found.add_ends([ended(1.1, "a", 502), ended(1.2, "b", 599), ended(1.3, "unknown")])
    assert {block.request: block.end["status"] for block in found.all()} == {"a": 502, "b": 200}


@pytest.mark.parametrize(
    ("events", "wrong"),
    [
        ([wrote(1.0, "fine\n", "a"), ended(1.1, "a")], False),
        ([wrote(1.0, "no ERRORS, 0 CRITICALLY\n", "a"), ended(1.1, "a", 404)], False),
        ([ended(1.1, "a", 500)], True),
        ([ended(1.1, "a", 200, failed=True)], True),
        ([wrote(1.0, "x\nTraceback (most recent call last):\n")], True),
        ([wrote(1.0, "2026 ERROR polls: no\n")], True),
        ([wrote(1.0, "CRITICAL\n")], True),
        ([wrote(1.0, "caught\n", stream="error")], True),
        ([wrote(1.0, "Timeout\n", stream="apache")], True),
    ],
)
def test_errors_are_told_from_the_rest(events: list[Event], wrong: bool) -> None:
    (block,) = blocks(*events)
    assert block.is_error is wrong


def test_what_is_due_is_what_has_ended_and_what_takes_long() -> None:
    found = Blocks()
    found.add(
        [
            wrote(100.0, "outside\n"),
            began(100.0, "ended"),
            ended(100.1, "ended"),
            wrote(100.0, "working\n", "slow", **ASKED),
        ]
    )
    assert [block.request for block in found.due(100.1)] == ["ended"]
    assert [block.lines for block in found.due(100.3)] == [[("stdout", "outside")]]
    (slow,) = found.due(103.1)
    assert not slow.continued
    slow.forget()
    assert found.due(110.0) == []
    found.add([ended(111.0, "slow")])
    (slow,) = found.due(111.0)
    assert slow.continued
    assert slow.lines == []
    assert found.due(112.0) == []


def test_a_request_whose_process_is_gone_is_due_once() -> None:
    found = Blocks()
    found.add([wrote(100.0, "last words\n", "a", pid=2**30, **ASKED)])
    assert found.due(101.0) == []
    (block,) = found.due(103.1)
    assert block.is_lost
    block.forget()
    assert found.due(110.0) == []


@pytest.mark.parametrize(
    ("events", "shown"),
    [
        (
            [began(1.0, "a"), wrote(1.0, "hello\n", "a"), ended(1.012, "a", 500)],
            "1970-01-01 00:00:01 UTC GET /polls/?x=1 → 500 in 12 ms"
            " (polls.20261122_001, polls.test)\n  hello\n",
        ),
        (
            [ended(1.5, "a", 200, failed=True, seconds=1.23, began=1.0)],
            "1970-01-01 00:00:01 UTC GET /polls/?x=1 → 200, broken off, in 1.2 s"
            " (polls.20261122_001, polls.test)\n",
        ),
        (
            [began(1.0, "a"), wrote(1.0, "hello\n", "a")],
            "1970-01-01 00:00:01 UTC GET /polls/?x=1 → still running"
            " (polls.20261122_001, polls.test)\n  hello\n",
        ),
        (
            [wrote(1.0, "hello\n", "a", pid=2**30)],
            "1970-01-01 00:00:01 UTC a request → its process ended before it"
            " (polls.20261122_001)\n  hello\n",
        ),
        (
            [wrote(1.0, "imported\n"), wrote(1.0, "Timeout\n", stream="apache")],
            "1970-01-01 00:00:01 UTC outside of requests (polls.20261122_001)\n"
            "  imported\n  Apache: Timeout\n",
        ),
        (
            [{"time": 1.0, "stream": "other", "text": "from C\n"}],
            "1970-01-01 00:00:01 UTC outside of requests\n  from C\n",
        ),
        (
            [ended(1.5, "a", client="203.0.113.7", bytes=17, agent="curl", began=1.0)],
            "1970-01-01 00:00:01 UTC GET /polls/?x=1 → 200 in 12 ms"
            ' (polls.20261122_001, polls.test), 17 bytes to 203.0.113.7, "curl"\n',
        ),
    ],
)
def test_a_block_as_text(events: list[Event], shown: str) -> None:
    (block,) = blocks(*events)
    assert text(block, local=False) == shown


def test_a_terminal_is_told_nothing_but_text() -> None:
    evil = "\x1b[31mred\x1b[0m \x1b]0;title\x07 \x9b2J \u202eback\r\n\tsch\xf6n \udcff\r\n"
    (block,) = blocks(wrote(1.0, evil), wrote(1.0, "", path="/\x1b[2J"))
    assert text(block, local=False).splitlines()[1:] == [
        r"  red \x1b]0;title\x07 \x9b2J \u202eback",
        "  \tsch\xf6n \\udcff",
    ]


def test_a_block_as_data() -> None:
    (block,) = blocks(began(1.0, "a"), wrote(1.0, "hello\n", "a"), ended(1.012, "a", 500))
    assert block.as_json() == {
        "time": 1.0,
        "instance": INSTANCE,
        "pid": LIVING,
        "request": "a",
        "job": None,
        **ASKED,
        "status": 500,
        "seconds": 0.012,
        "failed": False,
        "continued": False,
        "lines": [{"stream": "stdout", "text": "hello"}],
    }


def of_job(time: float, what: str, job: str = "cron.tick", **more: Any) -> Event:
    return (
        wrote(time, what, **({"request": "r1"} if job.startswith("cron.") else {}), job=job) | more
    )


def test_a_run_of_a_cron_job_is_a_block_with_its_exit_status() -> None:
    begin = {"time": 1.0, "pid": LIVING, "instance": INSTANCE, "request": "r1", "job": "cron.tick"}
    end = begin | {"time": 9.0, "event": "end", "status": 3, "failed": True, "seconds": 8.0}
    (block,) = blocks(
        begin | {"event": "begin"}, of_job(1.0, "one\n"), of_job(7.0, "two\n"), end | {"began": 1.0}
    )
    assert block.is_error
    assert block.as_json()["job"] == "cron.tick"
    assert text(block, local=False) == (
        "1970-01-01 00:00:01 UTC cron.tick → exit status 3 in 8.0 s (polls.20261122_001)\n"
        "  one\n  two\n"
    )


def test_one_that_runs_still_or_was_lost_says_so() -> None:
    (running,) = blocks(of_job(1.0, "one\n"))
    assert "cron.tick → still running (polls" in text(running, local=False)
    (lost,) = blocks(of_job(1.0, "one\n", pid=999_999_999))
    assert "cron.tick → its process ended before it (polls" in text(lost, local=False)


def test_what_a_worker_writes_is_apart_from_what_others_do() -> None:
    found = blocks(
        wrote(1.0, "the app\n"),
        of_job(1.1, "a\n", "worker.mail"),
        of_job(1.2, "b\n", "worker.tidy"),
        of_job(5.0, "ended with exit status 1\n", "worker.mail", stream="error"),
    )
    assert [(block.job, block.is_error) for block in found] == [
        ("", False),
        ("worker.mail", False),
        ("worker.tidy", False),
        ("worker.mail", True),
    ]
    assert "00:00:05 UTC worker.mail (polls.20261122_001)\n" in text(found[3], local=False)
