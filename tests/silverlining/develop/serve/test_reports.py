import re
from collections.abc import Iterable, Iterator
from wsgiref.types import StartResponse, WSGIEnvironment

import pytest
from webob import Request

from silverlining.develop.serve.inside.reports import reported


def lines(capsys: pytest.CaptureFixture[str]) -> list[str]:
    return [re.sub(r"\d+ ms", "N ms", line) for line in capsys.readouterr().err.splitlines()]


def ask(uri: str, body: Iterable[bytes]) -> None:
    def app(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        environ["PATH_INFO"] = "/changed"
        start_response("404 Not Found", [("Content-Type", "text/plain")])
        return body

    environ = {"REQUEST_URI": uri}
    response = Request.blank("/", environ=environ).get_response(reported(app))
    assert response.body == b"ab"


def test_a_request_is_a_line(capsys: pytest.CaptureFixture[str]) -> None:
    ask("/a%20b?c=d", [b"a", b"b"])
    assert lines(capsys) == ["GET /a%20b?c=d 404 N ms"]


def test_an_answer_in_parts_is_over_when_the_last_is_sent(
    capsys: pytest.CaptureFixture[str],
) -> None:
    def parts() -> Iterator[bytes]:
        yield b"a"
        assert not capsys.readouterr().err
        yield b"b"

    ask("/parts", parts())
    assert lines(capsys) == ["GET /parts 404 N ms"]


def test_a_visitor_cannot_write_to_the_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    ask("/\x1b[2J\xff\n", [b"ab"])
    assert lines(capsys) == [r"GET /\x1b[2Jÿ\n 404 N ms"]
