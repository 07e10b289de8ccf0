"""The request that a cron job makes, to a server of ours."""

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest

from silversupport import job_request

ASKED: list[tuple[str, dict[str, str]]] = []


class Handler(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        ASKED.append((self.path, dict(self.headers)))
        self.send_response(200 if self.path == "/well" else 503)
        self.end_headers()
        self.wfile.write(b"the body")

    def log_message(self, format: str, *args: object) -> None:
        """Print nothing."""


@pytest.fixture
def site(monkeypatch: pytest.MonkeyPatch) -> Iterator[HTTPServer]:
    server = HTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    ASKED.clear()
    monkeypatch.setattr(job_request, "PORT", server.server_port)
    monkeypatch.setenv("SILVER_ADDRESS", "127.0.0.1")
    monkeypatch.setenv("SILVER_CANONICAL_HOSTNAME", "polls.test")
    monkeypatch.setenv("STATIC_URL", "/blog/")
    monkeypatch.setenv("SILVER_UPDATE_TOKEN", "t0ken")
    yield server
    server.shutdown()
    server.server_close()


@pytest.mark.usefixtures("site")
def test_it_is_one_that_varnish_could_have_sent_with_a_token() -> None:
    assert job_request.ask("tidy", "/well") == ""
    path, headers = ASKED[0]
    assert path == "/well"
    assert headers["Host"] == headers["X-Silver-Host"] == "polls.test"
    assert headers["X-Silver-Prefix"] == "/blog"
    assert headers["X-Silver-Cron"] == "t0ken tidy"


@pytest.mark.usefixtures("site")
def test_an_answer_that_is_not_well_is_told_of() -> None:
    assert job_request.ask("tidy", "/ill") == "answered 503\nthe body"


def test_an_instance_that_is_just_being_started_is_waited_for(
    site: HTTPServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    port, waits = site.server_port, []
    monkeypatch.setattr(job_request, "PORT", 1)

    def wait(seconds: float) -> None:
        waits.append(seconds)
        monkeypatch.setattr(job_request, "PORT", port)

    monkeypatch.setattr("time.sleep", wait)
    assert job_request.ask("tidy", "/well") == ""
    assert waits == [job_request.POLL_SECONDS]


@pytest.mark.usefixtures("site")
def test_one_that_is_not_there_is_told_of(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(job_request, "PORT", 1)
    monkeypatch.setattr(job_request, "BOOT_SECONDS", 0)
    assert job_request.ask("tidy", "/well").startswith("got no answer: ConnectionRefusedError")
