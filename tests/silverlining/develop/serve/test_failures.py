from collections.abc import Callable, Iterable, Iterator
from typing import Any
from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

import pytest
from webob import Request, Response

from silverlining.develop.serve.inside import failures
from silversupport.errors import SilverError


class Body:
    """A body that fails after some chunks, and knows whether it was closed."""

    def __init__(self, *chunks: bytes) -> None:
        self.chunks = chunks
        self.closed = 0

    def __iter__(self) -> Iterator[bytes]:
        yield from self.chunks
        raise ValueError("<late>")

    def close(self) -> None:
        self.closed += 1


def ask(app: WSGIApplication, path: str = "/") -> Response:
    """Send a request; a server takes what is given in place of an answer that failed."""
    return Request.blank(path).get_response(app, catch_exc_info=True)


def test_an_error_is_a_page_and_is_on_the_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    def failing(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        raise ValueError("<script>")

    answer = ask(failures.caught(failing))
    assert answer.status_int == 500
    assert answer.cache_control.no_store
    assert "ValueError: &lt;script&gt;" in answer.text
    assert "<script>" not in answer.text
    terminal = capsys.readouterr().err
    assert terminal.endswith("ValueError: <script>\n")
    assert "in failing" in terminal
    assert "failures.py" not in terminal.replace("test_failures.py", "")


def test_a_process_is_not_ended_by_a_request() -> None:
    def leaving(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        raise SystemExit(3)

    assert "SystemExit: 3" in ask(failures.caught(leaving)).text


def test_an_error_before_the_first_chunk_is_a_page() -> None:
    body, statuses = Body(), []

    def failing(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        start_response("200 OK", [("Content-Type", "text/plain")])
        return body

    def start_response(status: str, *_rest: object) -> Callable[[bytes], object]:
        statuses.append(status)
        return lambda _data: None

    answer: Any = failures.caught(failing)({}, start_response)
    assert b"ValueError: &lt;late&gt;" in b"".join(answer)
    assert statuses == ["200 OK", failures.STATUS]
    answer.close()
    assert body.closed == 1


def test_an_error_after_the_first_chunk_breaks_the_answer_off() -> None:
    def start_response(status: str, headers: object, exc_info: object = None) -> None:
        if exc_info:  # PEP 3333: raised again once the headers are sent
            raise exc_info[1]  # type: ignore[index]

    body = Body(b"sent")
    chunks = iter(failures.caught(lambda _environ, _start: body)({}, start_response))  # type: ignore[arg-type]
    assert next(chunks) == b"sent"
    with pytest.raises(ValueError, match="late"):
        next(chunks)


def test_a_list_is_passed_on_as_it_is() -> None:
    chunks = [b"body"]
    assert failures.caught(lambda _environ, _start: chunks)({}, lambda *_: lambda _: None) is chunks


def test_why_an_application_cannot_be_started_is_shown_at_every_path() -> None:
    app = failures.of_start("app.ini: <wrong>")
    for path in ("/", "/any"):
        answer = ask(app, path)
        assert answer.status_int == 500
        assert "app.ini: &lt;wrong&gt;" in answer.text


def test_the_title_is_the_last_line() -> None:
    def failing(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        raise SilverError("what, where, what to do")

    answer = ask(failures.caught(failing))
    assert "<title>what, where, what to do</title>" in answer.text
