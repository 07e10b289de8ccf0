import json
import os
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from silversupport import app_log
from silversupport.app_log import AppLog


@pytest.fixture
def log(tmp_path: Path) -> AppLog:
    return AppLog(str(tmp_path), "polls.20261122_001")


def texts(*files: Path) -> list[str]:
    return [json.loads(line)["text"] for file in files for line in file.read_text().splitlines()]


def test_an_event_is_a_line_with_its_time_process_and_instance(log: AppLog, tmp_path: Path) -> None:
    log.append({"text": "a\n\udcff\x1b"}, {"text": "b", "time": 1.0})
    first, second = map(json.loads, (tmp_path / "app.jsonl").read_text().splitlines())
    assert first == {
        "time": pytest.approx(first["time"]),
        "pid": os.getpid(),
        "instance": "polls.20261122_001",
        "text": "a\n\udcff\x1b",
    }
    assert second["time"] == 1.0


def test_others_may_not_read_it(log: AppLog, tmp_path: Path) -> None:
    log.append({"text": ""})
    assert (tmp_path / "app.jsonl").stat().st_mode & 0o007 == 0


def test_a_renamed_log_is_made_anew_and_no_line_is_lost(log: AppLog, tmp_path: Path) -> None:
    path, logs = tmp_path / "app.jsonl", [log, AppLog(str(tmp_path), "other")]
    done = threading.Event()

    def write(number: int) -> None:
        for i in range(500):
            logs[number % 2].append({"text": f"{number} {i}"})

    def rotate() -> None:
        number = 0
        while not done.wait(0.002):
            if path.exists():
                path.rename(f"{path}.{number}")
                number += 1

    writers = [threading.Thread(target=write, args=(number,)) for number in range(4)]
    rotator = threading.Thread(target=rotate)
    for thread in (rotator, *writers):
        thread.start()
    for thread in writers:
        thread.join()
    done.set()
    rotator.join()
    files = list(tmp_path.iterdir())
    assert len(files) > 2
    assert sorted(texts(*files)) == sorted(f"{n} {i}" for n in range(4) for i in range(500))


def test_a_log_that_grows_fast_is_put_aside(
    log: AppLog, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(app_log, "MAXIMUM_BYTES", 1000)
    for i in range(100):
        log.append({"text": str(i)})
    sizes = {file.name: file.stat().st_size for file in tmp_path.iterdir()}
    assert sizes.keys() == {"app.jsonl", "app.jsonl.full"}
    assert max(sizes.values()) < 1200
    kept = texts(tmp_path / "app.jsonl.full", tmp_path / "app.jsonl")
    assert kept == [str(i) for i in range(100 - len(kept), 100)]


def test_two_that_find_it_too_big_put_it_aside_once(
    log: AppLog, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = AppLog(str(tmp_path), "other")
    for each in (log, other):
        each.append({"text": "old"})
    monkeypatch.setattr(app_log, "MAXIMUM_BYTES", 10)
    log._put_aside()
    log.append({"text": "new"})
    other._put_aside()
    assert texts(tmp_path / "app.jsonl.full") == ["old", "old"]


@pytest.mark.parametrize("failure", ["missing directory", "full disk"])
def test_what_cannot_be_written_goes_to_standard_error_and_is_no_error(
    failure: str,
    log: AppLog,
    tmp_path: Path,
    capfd: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    if failure == "missing directory":
        log = AppLog(str(tmp_path / "missing"), "polls.20261122_001")
    else:
        (tmp_path / "app.jsonl").symlink_to("/dev/full")
    log.append({"text": "kept"})
    assert json.loads(capfd.readouterr().err)["text"] == "kept"


def test_a_line_that_was_cut_off_spoils_no_other(
    log: AppLog, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write: Callable[[int, bytes], int] = os.write
    log.append({"text": "whole"})
    with monkeypatch.context() as patch:
        patch.setattr(os, "write", lambda file, data: write(file, data[:20]))
        log.append({"text": "cut off"})
    log.append({"text": "whole again"})
    first, cut, last = (tmp_path / "app.jsonl").read_text().splitlines()
    assert len(cut) == 20
    assert [json.loads(line)["text"] for line in (first, last)] == ["whole", "whole again"]
