import os
import time
from collections.abc import Iterator
from pathlib import Path
from queue import Empty, SimpleQueue
from typing import Any

import pytest
import watchfiles

from silverlining.develop.serve.inside.writes import _written
from silverlining.develop.serve.watching import Watcher

Queue = SimpleQueue[frozenset[Path]]
PATIENCE = 10


@pytest.fixture
def app(tmp_path: Path) -> Path:
    root = tmp_path / "app"
    for path in ("src", "lib/python", "env/lib", "static"):
        (root / path).mkdir(parents=True)
    (root / "env/pyvenv.cfg").touch()
    return root


@pytest.fixture
def notes() -> list[str]:
    return []


@pytest.fixture
def changes(app: Path, tmp_path: Path, notes: list[str]) -> Iterator[Queue]:
    """What is told of the application and of a directory beside it, once it is watched."""
    (tmp_path / "config").mkdir()
    queue: Queue = SimpleQueue()
    watcher = Watcher(app, [tmp_path / "config"], queue.put, notes.append)
    watcher.start()
    while queue.empty():
        (app / "begun").write_text(str(time.monotonic()))
        time.sleep(0.05)
    drain(queue)
    yield queue
    began = time.monotonic()
    watcher.stop()
    assert time.monotonic() - began < 0.5


def drain(queue: Queue) -> None:
    """Wait until nothing more comes."""
    while True:
        try:
            queue.get(timeout=0.5)
        except Empty:
            return


@pytest.mark.parametrize("path", ["src/x.py", "src/page.html", "lib/python/x.py", "app.ini"])
def test_a_file_is_told(app: Path, changes: Queue, path: str) -> None:
    (app / path).touch()
    assert changes.get(timeout=PATIENCE) == {app / path}


def test_the_configuration_is_told(tmp_path: Path, changes: Queue) -> None:
    (tmp_path / "config/settings").touch()
    assert changes.get(timeout=PATIENCE) == {tmp_path / "config/settings"}


def test_what_is_not_uploaded_is_not_told(app: Path, changes: Queue) -> None:
    for path in ("src/x.pyc", "src/.x.swp", "src/x~", "env/lib/x.py", "src/__pycache__/x"):
        (app / path).parent.mkdir(exist_ok=True)
        (app / path).touch()
    (app / "src/told.py").touch()
    assert changes.get(timeout=PATIENCE) == {app / "src/told.py"}


def test_a_file_that_is_replaced_is_told(app: Path, changes: Queue) -> None:
    (app / "src/.x.swp").write_text("new")
    (app / "src/.x.swp").replace(app / "src/x.py")
    assert changes.get(timeout=PATIENCE) == {app / "src/x.py"}


def test_without_inotify_it_looks_for_changes(
    app: Path, monkeypatch: pytest.MonkeyPatch, notes: list[str]
) -> None:
    real = watchfiles.watch

    def limited(*paths: Path, force_polling: bool | None, **options: Any) -> Any:
        if not force_polling:
            raise OSError("Too many open files")
        return real(*paths, force_polling=True, **options)

    monkeypatch.setattr(watchfiles, "watch", limited)
    queue: Queue = SimpleQueue()
    watcher = Watcher(app, [], queue.put, notes.append)
    watcher.start()
    try:
        while queue.empty():
            (app / "src/x.py").write_text(str(time.monotonic()))
            time.sleep(0.1)
        assert queue.get() == {app / "src/x.py"}
    finally:
        watcher.stop()
    assert "Too many open files" in notes[0]


@pytest.mark.parametrize(
    ("event", "arguments", "paths"),
    [
        ("open", ("a.txt", "w", os.O_WRONLY | os.O_CREAT), ["a.txt"]),
        ("open", (b"a.txt", None, os.O_RDWR), ["a.txt"]),
        ("open", (Path("a.txt"), "a", os.O_APPEND | os.O_WRONLY), ["a.txt"]),
        ("open", ("a.txt", "r", os.O_RDONLY), []),
        ("open", (3, "w", os.O_WRONLY), []),
        ("os.rename", ("a", "b", -1, -1), ["a", "b"]),
        ("os.remove", ("a", -1), ["a"]),
        ("os.mkdir", ("a", 0o777, -1), ["a"]),
        ("sqlite3.connect", ("d.db",), ["d.db", "d.db-journal", "d.db-wal", "d.db-shm"]),
        ("import", ("os", None, None, None, None), []),
    ],
)
def test_what_an_application_writes_is_known(
    event: str, arguments: tuple[Any, ...], paths: list[str]
) -> None:
    assert _written(event, arguments) == paths
