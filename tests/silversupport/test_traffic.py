import mmap
import os
import threading
import time
from pathlib import Path
from wsgiref.types import StartResponse, WSGIEnvironment

import pytest
from webob import Request

from silversupport import traffic, update_variables
from silversupport.app_log import AppLog
from silversupport.logged import logged
from silversupport.output import Output
from silversupport.traffic import COUNTS, Traffic

MICROSECONDS = 5
ROUNDS = 20_000


def counts(path: Path) -> tuple[int, int]:
    """Begun and ended requests, as root reads them."""
    begun, ended = COUNTS.unpack(path.read_bytes())
    return begun, ended


def test_requests_are_counted_in_a_file_for_each_process(tmp_path: Path) -> None:
    counted = traffic.of_process(tmp_path)
    path = tmp_path / "requests" / str(os.getpid())
    assert counts(path) == (0, 0)
    counted.begin()
    assert counts(path) == (1, 0)
    counted.end()
    assert counts(path) == (1, 1)


def test_threads_do_not_lose_a_request(tmp_path: Path) -> None:
    counted = Traffic(tmp_path / "1")

    def work() -> None:
        for _ in range(1000):
            counted.begin()
            counted.end()

    threads = [threading.Thread(target=work) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert counts(tmp_path / "1") == (8000, 8000)


def test_a_request_counts_as_ended_when_its_answer_is_closed(tmp_path: Path) -> None:
    seen = []

    def app(environ: WSGIEnvironment, start_response: StartResponse) -> object:
        start_response("200 OK", [("Content-Type", "text/plain")])
        for part in (b"a", b"b"):
            seen.append(counts(tmp_path / "1"))
            yield part
        seen.append(counts(tmp_path / "1"))

    output = Output(AppLog(str(tmp_path), "polls.20261122_001"))
    application = logged(app, output, Traffic(tmp_path / "1"))  # type: ignore[arg-type]
    assert Request.blank("/").get_response(application).body == b"ab"
    assert seen == [(1, 0)] * 3
    assert counts(tmp_path / "1") == (1, 1)


@pytest.mark.parametrize("early", [True, False])
def test_a_request_that_fails_is_over(tmp_path: Path, early: bool) -> None:
    def app(environ: WSGIEnvironment, start_response: StartResponse) -> object:
        if not early:
            start_response("200 OK", [("Content-Type", "text/plain")])
            yield b"a"
        raise RuntimeError("no fish")

    output = Output(AppLog(str(tmp_path), "polls.20261122_001"))
    application = logged(app, output, Traffic(tmp_path / "1"))  # type: ignore[arg-type]
    with pytest.raises(SystemExit):
        list(application(Request.blank("/").environ, lambda *_: lambda _: None))
    assert counts(tmp_path / "1") == (1, 1)


def test_counting_costs_next_to_nothing(tmp_path: Path) -> None:
    counted = Traffic(tmp_path / "1")
    best = 1.0
    for _ in range(5):
        began = time.perf_counter()
        for _ in range(ROUNDS):
            counted.begin()
            counted.end()
        best = min(best, (time.perf_counter() - began) / ROUNDS)
    assert best < MICROSECONDS / 1e6, f"{best * 1e6:.2f} microseconds a request"
    assert isinstance(counted._memory, mmap.mmap)


def test_a_process_of_an_update_has_its_variables_and_a_later_one_has_not(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("PGOPTIONS", raising=False)
    update_variables.take(tmp_path / "run")
    assert "PGOPTIONS" not in os.environ
    update_variables.path(tmp_path / "run").write_text("PGOPTIONS=-c a=b\n")
    update_variables.take(tmp_path / "run")
    assert os.environ["PGOPTIONS"] == "-c a=b"
    monkeypatch.delenv("PGOPTIONS")
