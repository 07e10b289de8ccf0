import json
import threading
from collections.abc import Callable, Iterable, Iterator
from contextvars import copy_context
from pathlib import Path
from typing import Any
from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment
from wsgiref.util import FileWrapper
from wsgiref.validate import validator

import pytest
from webob import Request

from silversupport import hangs
from silversupport.app_log import AppLog
from silversupport.logged import logged
from silversupport.output import Output, current

Events = Callable[[], list[dict[str, Any]]]


@pytest.fixture
def streams(tmp_path: Path) -> Output:
    return Output(AppLog(str(tmp_path), "polls.20261122_001"))


@pytest.fixture
def events(tmp_path: Path) -> Events:
    """What is in the log."""
    path = tmp_path / "app.jsonl"
    return lambda: (
        [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []
    )


def request(path: str = "/x?y=1", **environ: object) -> Request:
    asked = {"REQUEST_URI": path, "HTTP_HOST": "polls.test", "mod_wsgi.request_id": "id/1"}
    return Request.blank(path, environ={**asked, **environ})


def answers(
    parts: Iterable[bytes], status: str = "200 OK", text: str = ""
) -> Callable[[WSGIEnvironment, StartResponse], Iterable[bytes]]:
    def app(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        if text:
            environ["wsgi.errors"].write(text)
        start_response(status, [("Content-Type", "text/plain")])
        return parts

    return app


@pytest.mark.parametrize("parts", [[b"ok"], (b"ok",), iter([b"ok"])])
def test_a_request_that_says_nothing_leaves_nothing(
    parts: Iterable[bytes], streams: Output, events: Events
) -> None:
    assert request().get_response(logged(answers(parts), streams)).body == b"ok"
    assert events() == []
    assert current.get() is None


def test_a_request_begins_with_its_first_line_and_ends(streams: Output, events: Events) -> None:
    app = logged(answers([b"ok"], text="hello\nrest"), streams)
    request("/blog/x?y=1", SCRIPT_NAME="/blog", REQUEST_URI="/x?y=1").get_response(app)
    begin, line, rest, end = events()
    asked = {"method": "GET", "path": "/blog/x?y=1", "location": "polls.test/blog"}
    assert begin.items() >= {"event": "begin", "request": "id/1", **asked}.items()
    assert (line["stream"], line["text"], line["request"]) == ("stderr", "hello\n", "id/1")
    assert rest["text"] == "rest"
    assert end.items() >= {"event": "end", "status": 200, "failed": False, **asked}.items()
    assert begin["time"] == end["began"] <= line["time"]
    assert 0 <= end["seconds"] < 5


def test_a_silent_server_error_is_noted(streams: Output, events: Events) -> None:
    request().get_response(logged(answers([], "503 Service Unavailable"), streams))
    assert [each["status"] for each in events()] == [503]


def fails(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
    start_response("200 OK", [])
    raise KeyError("why")


def breaks_off(environ: WSGIEnvironment, start_response: StartResponse) -> Iterator[bytes]:
    start_response("200 OK", [])
    yield b"part"
    raise KeyError("why")


def never_begins(environ: WSGIEnvironment, start_response: StartResponse) -> Iterator[bytes]:
    raise KeyError("why")
    yield b""


def exits(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
    raise SystemExit("why")


@pytest.mark.parametrize(
    ("app", "status"), [(fails, 500), (breaks_off, 200), (never_begins, 500), (exits, 500)]
)
def test_an_error_is_noted_once_with_its_traceback_and_ends_as_mod_wsgi_likes_it(
    app: WSGIApplication, status: int, streams: Output, events: Events
) -> None:
    with pytest.raises(SystemExit) as caught:
        list(logged(app, streams)(request().environ, lambda *_: bytes))
    assert caught.value.__suppress_context__
    _, error, end = events()
    assert error["stream"] == "error"
    lines = error["text"].splitlines()
    assert lines[0] == "Traceback (most recent call last):"
    assert f"in {app.__name__}" in lines[1]
    assert lines[-1] in ("KeyError: 'why'", "SystemExit: why")
    assert (end["status"], end["failed"]) == (status, True)
    assert current.get() is None


class Parts:
    """An answer that notes how it is used."""

    def __init__(self) -> None:
        self.closed = 0

    def __iter__(self) -> Iterator[bytes]:
        print("iterating", file=self.errors)
        yield b"part"

    def close(self) -> None:
        print("closing", file=self.errors)
        self.closed += 1

    errors: Any = None


def test_the_answer_is_closed_once_and_that_is_the_end(streams: Output, events: Events) -> None:
    parts = Parts()
    parts.errors = streams.stderr
    result = logged(answers(parts), streams)(request().environ, lambda *_: bytes)
    assert events() == []
    assert list(result) == [b"part"]
    result.close()  # type: ignore[attr-defined]
    assert parts.closed == 1
    assert [each.get("text", each.get("event")) for each in events()] == [
        "begin",
        "iterating\n",
        "closing\n",
        "end",
    ]


def test_an_answer_that_failed_ends_once(streams: Output, events: Events) -> None:
    result = logged(breaks_off, streams)(request().environ, lambda *_: bytes)
    with pytest.raises(SystemExit):
        list(result)
    result.close()  # type: ignore[attr-defined]
    assert [each["event"] for each in events() if "event" in each] == ["begin", "end"]


def test_wsgi_is_kept(streams: Output) -> None:
    def app(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        write = start_response("200 OK", [("Content-Type", "text/plain")], None)
        write(b"first ")
        return iter([b"second"])

    kept = validator(logged(validator(app), streams))
    assert request(QUERY_STRING="").get_response(kept).body == b"first second"


def test_start_response_passes_an_error_on(streams: Output) -> None:
    seen = []

    def start(status: str, headers: object, exc_info: object = None) -> Callable[[bytes], object]:
        seen.append((status, bool(exc_info)))
        return lambda _: None

    def app(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        start_response("200 OK", [])
        try:
            raise ValueError
        except ValueError as error:
            start_response("400 Bad Request", [], (ValueError, error, error.__traceback__))  # type: ignore[arg-type]
        return []

    logged(app, streams)(request().environ, start)
    assert seen == [("200 OK", False), ("400 Bad Request", True)]


def test_a_file_is_left_to_the_server(streams: Output, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("content")
    with (tmp_path / "file").open("rb") as file:
        wrapper = FileWrapper(file)
        environ = request().environ | {"wsgi.file_wrapper": FileWrapper}
        assert logged(answers(wrapper), streams)(environ, lambda *_: bytes) is wrapper


def test_requests_at_the_same_time_are_told_apart(streams: Output, events: Events) -> None:
    barrier = threading.Barrier(2)

    def app(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        for part in range(3):
            barrier.wait(5)
            print(environ["PATH_INFO"], end=f" {part}\n", file=environ["wsgi.errors"])
        start_response("200 OK", [])
        return []

    def ask(name: str) -> None:
        request(f"/{name}", **{"mod_wsgi.request_id": name}).get_response(logged(app, streams))

    threads = [threading.Thread(target=ask, args=(name,)) for name in "ab"]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for name in "ab":
        own = [each["text"] for each in events() if each["request"] == name and "text" in each]
        assert own == [f"/{name} {part}\n" for part in range(3)]


def test_a_process_that_is_stopped_tells_where_its_requests_are(
    streams: Output, events: Events
) -> None:
    reached, done = threading.Event(), threading.Event()

    def hanging(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        start_response("200 OK", [])
        reached.set()
        done.wait(5)
        return []

    thread = threading.Thread(target=lambda: request().get_response(logged(hanging, streams)))
    thread.start()
    reached.wait(5)
    hangs._note("process_stopping", shutdown_reason="graceful_signal")
    hangs._note("process_stopping", shutdown_reason="request_timeout")
    done.set()
    thread.join()
    _, error, _ = events()
    assert error["stream"] == "error"
    lines = error["text"].splitlines()
    assert lines[1].endswith("in hanging")
    assert lines[2] == "    done.wait(5)"


@pytest.mark.parametrize("text", ["", "during\n"])
def test_what_a_thread_writes_after_its_request_is_outside_of_requests(
    streams: Output, events: Events, text: str
) -> None:
    contexts = []

    def app(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        contexts.append(copy_context())
        return answers([b"ok"], text=text)(environ, start_response)

    request().get_response(logged(app, streams))
    contexts[0].run(print, "after", file=streams.stdout)
    late = events()[-1]
    assert late["text"] == "after\n"
    assert "request" not in late
