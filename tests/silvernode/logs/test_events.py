import json

import pytest

from silvernode.logs import events as log_events

END = {
    "time": 12.5,
    "pid": 7,
    "instance": "polls.20261122_001",
    "request": "abc",
    "event": "end",
    "status": 500,
    "seconds": 0.5,
    "began": 12.0,
    "failed": True,
}


def test_an_event_of_the_app_is_taken_as_it_is() -> None:
    assert log_events.of_app(json.dumps(END)) == [END]


@pytest.mark.parametrize(
    "line",
    [
        "not JSON",
        "[]",
        '{"text": "without a time"}',
        json.dumps({**END, "time": "noon"}),
        json.dumps({**END, "pid": -1}),
        json.dumps({**END, "time": float("nan")}),
        json.dumps({**END, "began": 1e300}),
        json.dumps({**END, "instance": ["x"]}),
        json.dumps({key: END[key] for key in ("time", "event", "request")}),
        "[" * 100_000,
    ],
)
def test_whatever_an_app_puts_there_is_text(line: str) -> None:
    assert log_events.of_app(line) == [{"stream": "other", "text": f"{line}\n"}]


def test_what_only_apache_may_tell_of_a_request_is_not_taken_from_the_app() -> None:
    forged = {"client": "1.2.3.4", "bytes": 1, "referer": "x", "agent": "y"}
    assert log_events.of_app(json.dumps({**END, **forged})) == [END]


def parse_errors(*lines: str) -> list[log_events.Event]:
    parse = log_events.errors()
    return [event for line in lines for event in parse(line) if "text" in event]


def error(text: str, level: str = "error", request: str = "abc", pid: int = 7) -> str:
    return (
        f"[2026-11-22 10:00:01.500000 +0100] [{level}] [pid {pid}] [polls.20261122_001]"
        f" [{request}] {text}"
    )


def test_a_message_of_apache_has_its_time_and_request() -> None:
    text = "Timeout when reading response headers from daemon process 'app'"
    wsgi = "/usr/local/share/silverlining/silversupport/wsgi.py"
    assert parse_errors(error(f"mod_wsgi (pid=7): {text}: {wsgi}")) == [
        {
            "time": 1795338001.5,
            "pid": 7,
            "instance": "polls.20261122_001",
            "stream": "apache",
            "text": f"{text}\n",
            "request": "abc",
        }
    ]
    assert "request" not in parse_errors(error("x", request="-"))[0]


def test_what_is_no_message_of_apache_is_kept_and_events_are_events() -> None:
    assert parse_errors("from C", json.dumps(END | {"text": "x"})) == [
        {"stream": "other", "text": "from C\n"},
        END | {"text": "x"},
    ]


def test_of_quiet_messages_only_crashes_are_kept() -> None:
    crash = "AH00052: child pid 9 exit signal Segmentation fault (11)"
    found = parse_errors(error("resuming normal operations", "notice"), error(crash, "notice"))
    assert [event["text"] for event in found] == [f"{crash}\n"]


def test_the_way_in_which_our_errors_reach_mod_wsgi_is_left_out() -> None:
    ours = "mod_wsgi (pid=7): SystemExit exception raised by WSGI script '/x/wsgi.py' ignored."
    found = parse_errors(
        error(ours),
        error("Traceback (most recent call last):"),
        error("Traceback (most recent call last):", request="other"),
        error('  File "/usr/local/share/silverlining/silversupport/logged.py", line 1, in x'),
        error("    raise SystemExit(1) from None"),
        error("SystemExit: 1"),
        error("  what comes later"),
    )
    assert [event["text"] for event in found] == [
        "Traceback (most recent call last):\n",
        "  what comes later\n",
    ]


ACCESS = (
    r'203.0.113.7 - - [22/Nov/2026:10:00:01 +0100] "GET /x?a=\"b HTTP/1.1" 404 17 "-"'
    r' "curl \"7\"" polls.test 2500000 abc/+ polls.20261122_001 "/blog"'
)


def test_a_line_of_the_access_log_is_the_end_of_a_request() -> None:
    (event,) = log_events.of_access(ACCESS)
    assert event == {
        "time": 1795338003.5,
        "instance": "polls.20261122_001",
        "request": "abc/+",
        "event": "end",
        "status": 404,
        "failed": False,
        "seconds": 2.5,
        "began": 1795338001.0,
        "method": "GET",
        "path": r"/blog/x?a=\"b",
        "location": "polls.test/blog",
        "client": "203.0.113.7",
        "bytes": 17,
        "referer": "",
        "agent": r"curl \"7\"",
    }


def test_another_line_of_the_access_log_is_left_out() -> None:
    assert log_events.of_access(ACCESS.replace(" abc/+", "")) == []


@pytest.mark.parametrize(
    "line",
    [
        "[x] [y] [pid 1] [z] [-] text",
        "[2026-11-23 10:0[2026-11-23 10:01:00.123 +0000] [error] [pid 1] [z] [-] text",
        "[9999-12-31 23:59:59.9 -1200] [error] [pid 1] [z] [-] text",
        "[0001-01-01 00:00:00.0 +1200] [error] [pid 1] [z] [-] text",
        f"[2026-11-23 10:00:00.1 +0000] [error] [pid {'9' * 300}] [z] [-] text",
        f"[2026-11-23 10:00:00.1 +0000] [error] [pid {'9' * 5000}] [z] [-] text",
    ],
)
def test_what_only_looks_like_a_message_of_apache_is_text(line: str) -> None:
    assert log_events.errors()(line) == [{"stream": "other", "text": f"{line}\n"}]


@pytest.mark.parametrize(
    ("part", "other"),
    [
        ("22/Nov/2026:10:00:01 +0100", "noon"),
        ("22/Nov/2026:10:00:01 +0100", "31/Dec/9999:23:59:59 -1200"),
        (" 404 ", f" {'9' * 5000} "),
        (" 404 17 ", f" 404 {'9' * 5000} "),
        (" 2500000 ", f" {'9' * 400} "),
    ],
)
def test_what_only_looks_like_a_request_is_left_out(part: str, other: str) -> None:
    assert log_events.of_access(ACCESS.replace(part, other)) == []
