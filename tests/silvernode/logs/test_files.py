import gzip
import os
from pathlib import Path

import pytest

from silvernode.logs import files as log_files
from silvernode.logs.files import LogFile


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "app.jsonl"


def write(path: Path, *lines: str, age: int = 0) -> None:
    with path.open("a") as file:
        file.writelines(f"{line}\n" for line in lines)
    os.utime(path, (2e9 - age, 2e9 - age))


def test_a_log_that_is_not_there_is_empty(path: Path) -> None:
    log = LogFile(path)
    assert log.back(100) == ([], True)
    assert log.more() == []
    write(path, "first")
    assert log.more() == ["first"]


def test_the_last_lines_are_read_and_then_what_is_added(path: Path) -> None:
    write(path, "one", "two", "three")
    log = LogFile(path)
    write(path, "four")
    assert log.back(9) == (["three"], False)
    assert log.back(14) == (["one", "two", "three"], True)
    assert log.more() == ["four"]
    assert log.more() == []


def test_rotated_files_are_read_when_more_is_asked_for(path: Path) -> None:
    write(path, "five")
    write(path.with_name("app.jsonl.1"), "four", age=1)
    write(path.with_name("app.jsonl.full"), "three", age=2)
    with gzip.open(path.with_name("app.jsonl.2.gz"), "wt") as file:
        file.write("one\ntwo\n")
    os.utime(path.with_name("app.jsonl.2.gz"), (1, 1))
    log = LogFile(path)
    assert log.back(5) == ([], False)
    assert log.back(6)[0] == ["five"]
    assert log.back(100) == (["one", "two", "three", "four", "five"], True)


def test_a_log_is_followed_through_rotations(path: Path) -> None:
    write(path, "old")
    log = LogFile(path)
    seen = []
    for i in range(5):
        with path.open("a") as late:
            write(path, f"{i} before")
            path.rename(path.with_name(f"app.jsonl.{i}"))
            seen += log.more()
            write(path, f"{i} after")
            seen += log.more()
            late.write(f"{i} late\n")
        seen += log.more()
    assert seen == [f"{i} {when}" for i in range(5) for when in ("before", "after", "late")]


def test_a_log_that_is_copied_and_truncated_is_followed(path: Path) -> None:
    write(path, "a long line")
    log = LogFile(path)
    path.write_text("")
    write(path, "new")
    assert log.more() == ["new"]


def test_a_line_is_not_read_before_its_end(path: Path) -> None:
    log = LogFile(path)
    path.write_text("half")
    assert log.more() == []
    with path.open("a") as file:
        file.write(" a line\nnext")
    assert log.more() == ["half a line"]


@pytest.mark.parametrize("kind", ["link", "fifo", "directory"])
def test_only_regular_files_are_opened(kind: str, path: Path, tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_text("secret\n")
    for each in (path, path.with_name("app.jsonl.1")):
        if kind == "link":
            each.symlink_to(secret)
        elif kind == "fifo":
            os.mkfifo(each)
        else:
            each.mkdir()
    log = LogFile(path)
    assert log.back(100) == ([], True)
    assert log.more() == []


def test_of_a_compressed_file_not_more_is_read_than_fits(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(log_files, "ROTATED_BYTES", 10)
    with gzip.open(path.with_name("app.jsonl.2.gz"), "wt") as file:
        file.write("x" * 100)
    assert LogFile(path).back(1000) == (["x" * 10], True)


def test_a_damaged_compressed_file_is_left_out(path: Path) -> None:
    write(path, "current")
    damaged = gzip.compress(b"old\n")[:10] + b"\xff" * 20
    path.with_name("app.jsonl.2.gz").write_bytes(damaged)
    assert LogFile(path).back(100) == (["current"], True)


def test_a_file_that_is_being_compressed_is_left_out(path: Path) -> None:
    write(path, "current")
    path.with_name("app.jsonl.2.gz").write_bytes(gzip.compress(b"old\n")[:-6])
    assert LogFile(path).back(100) == (["current"], True)


def test_a_file_that_vanishes_meanwhile_is_left_out(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(path, "current")
    monkeypatch.setattr(Path, "glob", lambda *_: [path.with_name("app.jsonl.1")])
    assert LogFile(path).back(100) == (["current"], True)


def test_what_is_added_is_read_in_pieces_through_rotations(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(log_files, "ADDED_BYTES", 10)
    log = LogFile(path)
    write(path, "nothing")
    seen = log.more()
    with path.open("a") as late:
        write(path, "one", "two", "three", "four")
        path.rename(path.with_name("app.jsonl.1"))
        write(path, "eight", "nine")
        assert log.more() == ["one", "two"]
        seen += log.more()
        late.write("five\nsix\nseven\n")
    for _ in range(9):
        seen += log.more()
    assert seen == ["nothing", "three", "four", "eight", "five", "six", "seven", "nine"]


def test_a_line_without_end_is_not_kept_for_ever(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(log_files, "ADDED_BYTES", 10)
    write(path, "old")
    log = LogFile(path)
    os.truncate(path, 100_000)
    for _ in range(20):
        assert log.more() == []
        assert len(log._rest) <= 10
