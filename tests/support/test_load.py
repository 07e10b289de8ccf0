"""The load test would be worth nothing if it did not see what is lost."""

import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import count

import pytest

from tests.support.load import Answer, Load, steps_back

PAGE = b"<p>Served by hello.20261122_001</p>"


class Server(BaseHTTPRequestHandler):
    """Answers well, but for every tenth request: what it does then is its path to fail."""

    protocol_version = "HTTP/1.1"
    failure = ""
    numbers = count(1)

    def do_GET(self) -> None:
        failure = self.failure if next(self.numbers) % 10 == 0 else ""
        if failure == "close":
            self.close_connection = True
            return
        body = b"<p>Another site</p>" if failure == "another page" else PAGE
        self.send_response(503 if failure == "error" else 200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:
        """Say nothing."""


@pytest.fixture
def port(request: pytest.FixtureRequest) -> Iterator[int]:
    handler = type("Failing", (Server,), {"failure": request.param, "numbers": count(1)})
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield server.server_port
        server.shutdown()
        thread.join()


@pytest.mark.parametrize("port", ["", "error", "close", "another page"], indirect=True)
def test_every_lost_request_is_seen(port: int, request: pytest.FixtureRequest) -> None:
    with Load("127.0.0.1", "hello.test", "hello", port) as load:
        while len(load.answers) < 40:
            time.sleep(0.01)
    failing = request.node.callspec.params["port"]
    assert len(load.lost) == (len(load.answers) // 10 if failing else 0)


@pytest.mark.parametrize(
    ("spans", "wrong"),
    [
        ([(0, 1, "1"), (2, 3, "2"), (4, 5, "2")], []),
        ([(0, 1, "1"), (2, 3, "2"), (4, 5, "1")], ["1"]),
        # Asked before the newer one was seen: either may answer.
        ([(0, 3, "2"), (2, 4, "1")], []),
        ([(0, 1, "1"), (0, 2, "2"), (3, 9, "1"), (4, 5, "2"), (6, 7, "")], ["1", ""]),
        ([], []),
    ],
)
def test_going_back_is_seen(spans: list[tuple[float, float, str]], wrong: list[str]) -> None:
    answers = [Answer(began, ended, instance, "") for began, ended, instance in spans]
    assert [answer.instance for answer, _ in steps_back(answers)] == wrong
