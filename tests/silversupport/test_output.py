import io
import json
import logging
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from silversupport import output
from silversupport.app_log import AppLog
from silversupport.output import Output, Stream, current


class Request:
    """Something that is being served."""

    has_output = False
    is_over = False

    def __init__(self) -> None:
        self.written: list[tuple[str, str]] = []

    def write(self, stream: str, text: str) -> None:
        self.written.append((stream, text))


@pytest.fixture
def streams(tmp_path: Path) -> Output:
    return Output(AppLog(str(tmp_path), "polls.20261122_001"))


@pytest.fixture
def events(tmp_path: Path) -> Callable[[], list[str]]:
    """What is in the log."""
    path = tmp_path / "app.jsonl"
    return lambda: [json.loads(line)["text"] for line in path.read_text().splitlines()]


def test_a_line_is_written_at_once_and_whole(
    streams: Output, events: Callable[[], list[str]]
) -> None:
    print("one", "line", file=streams.stdout)
    assert events() == ["one line\n"]
    streams.stdout.write("two\nthree\nand")
    assert events() == ["one line\n", "two\nthree\n"]
    streams.stdout.write(" so on\n")
    assert events()[-1] == "and so on\n"


def test_an_unfinished_line_is_written_when_it_is_flushed(
    streams: Output, events: Callable[[], list[str]]
) -> None:
    print("progress", end="", flush=True, file=streams.stderr)
    assert events() == ["progress"]
    streams.stderr.flush()
    assert events() == ["progress"]


def test_a_line_without_end_is_not_kept_for_ever(
    streams: Output, events: Callable[[], list[str]]
) -> None:
    for _ in range(1000):
        streams.stdout.write("." * 100)
    assert sum(map(len, events())) > 65_000


def test_threads_do_not_mix_their_lines(streams: Output, events: Callable[[], list[str]]) -> None:
    barrier = threading.Barrier(2)

    def write(word: str) -> None:
        for letter in word:
            barrier.wait(5)
            streams.stdout.write(letter)
        streams.stdout.write("\n")

    threads = [threading.Thread(target=write, args=(letter * 10,)) for letter in "ab"]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(events()) == ["aaaaaaaaaa\n", "bbbbbbbbbb\n"]


def test_output_belongs_to_the_request_being_served(streams: Output) -> None:
    first, second = Request(), Request()
    for request in (first, second):
        current.set(request)
        print("out", file=streams.stdout)
        print("err", end="", file=streams.stderr)
    current.set(None)
    streams.flush()
    assert first.written == second.written == [("stdout", "out\n"), ("stderr", "err")]
    assert first.has_output


def test_output_for_what_is_over_belongs_to_nothing(
    streams: Output, events: Callable[[], list[str]]
) -> None:
    request = Request()
    current.set(request)
    streams.stdout.write("before\nunfinished")
    request.is_over = True
    streams.stdout.write(" and after\n")
    current.set(None)
    assert request.written == [("stdout", "before\n")]
    assert events() == ["unfinished and after\n"]


def test_it_is_a_text_stream_for_those_who_ask(
    streams: Output, events: Callable[[], list[str]]
) -> None:
    stream: Stream = streams.stdout
    assert isinstance(stream, io.TextIOBase)
    assert (stream.encoding, stream.writable(), stream.isatty()) == ("utf-8", True, False)
    stream.buffer.write("sch\xf6n \n".encode() + b"\xff\n")
    stream.writelines(["a\n", "b\n"])
    stream.close()
    print("still open", file=stream)
    assert events() == ["sch\xf6n \n\\xff\n", "a\n", "b\n", "still open\n"]
    with pytest.raises(TypeError, match="must be str, not bytes"):
        stream.write(b"bytes")  # type: ignore[arg-type]


def test_programs_that_are_given_it_write_to_apaches_error_log(
    streams: Output, capfd: pytest.CaptureFixture[str]
) -> None:
    subprocess.run(["echo", "child"], stdout=streams.stdout.fileno(), check=True)
    assert capfd.readouterr().err == "child\n"


def test_captured_before_it_is_configured_logging_writes_there(
    tmp_path: Path, events: Callable[[], list[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "stdout", sys.stdout)
    monkeypatch.setattr(sys, "stderr", sys.stderr)
    output.capture(str(tmp_path), "polls.20261122_001")
    logger = logging.getLogger("test_output")
    handler = logging.StreamHandler()
    logger.addHandler(handler)
    logger.error("two\nlines")
    logger.removeHandler(handler)
    sys.stdout.write("printed\n")
    assert events() == ["two\nlines\n", "printed\n"]
