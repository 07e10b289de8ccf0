"""A directory that an app keeps: all of it comes back, also if it changes meanwhile."""

import os
import socket
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from silvernode.data import programs
from silvernode.data.directory import Directory
from silvernode.errors import NodeError
from silvernode.layout import Layout


class Files(Directory):
    kind = "files"


@pytest.fixture
def service(layout: Layout, monkeypatch: pytest.MonkeyPatch) -> Files:
    monkeypatch.setattr(programs, "identity", lambda user: {})  # There are no users of apps here.
    monkeypatch.setattr("shutil.chown", lambda *args: None)
    layout.data("files", "hello").mkdir(parents=True)
    return Files(layout, "hello")


@pytest.fixture
def target(tmp_path: Path) -> Path:
    (tmp_path / "target").mkdir()
    return tmp_path / "target"


def fill(top: Path) -> None:
    (top / "a/b c").mkdir(parents=True)
    (top / "empty").mkdir(mode=0o700)
    (top / "a/one").write_text("one")
    (top / "a/one").chmod(0o640)
    (top / "a/b c/two\nlines").write_bytes(bytes(range(256)) * 1000)
    Path(os.fsdecode(bytes(top) + b"/na\xefve \xff")).write_text("odd")
    (top / "-rf").write_text("")
    (top / "link").symlink_to("../../outside")
    (top / "a/again").hardlink_to(top / "a/one")
    (top / "a/readonly").mkdir()
    (top / "a/readonly/file").write_text("x")
    (top / "a/readonly").chmod(0o555)
    with (top / "sparse").open("wb") as file:
        file.truncate(10_000_000)
    for path in [*top.rglob("*")][::-1]:
        os.utime(path, ns=(1, 1_580_608_922_123_456_789), follow_symlinks=False)


def described(top: Path) -> dict[str, tuple[object, ...]]:
    """What there is below a directory."""
    found: dict[str, tuple[object, ...]] = {}
    for path in top.rglob("*"):
        status = path.lstat()
        content = path.read_bytes() if path.is_file() and not path.is_symlink() else None
        link = path.readlink() if path.is_symlink() else None
        about = (status.st_mode, status.st_mtime_ns, status.st_nlink, status.st_size)
        found[str(path.relative_to(top))] = (*about, content, link)
    return found


def test_all_of_it_comes_back(service: Files, target: Path) -> None:
    fill(service.path)
    before, identity = described(service.path), service.identity()
    facts = service.backup(target)
    assert facts["entries"] == len(before)
    service.stage(target)
    service.check(facts)
    assert described(service.path) == before, "staging changes nothing"
    (service.path / "later").write_text("later")
    service.swap()
    assert described(service.path) == before
    assert service.identity() != identity
    assert service.copy.stat().st_blocks < 1000, "what was sparse is so again"
    service.swap()
    assert service.identity() == identity
    assert (service.path / "later").exists()
    service.discard()
    service.discard()
    assert not service.copy.exists()


def test_an_empty_copy_is_what_an_app_has_in_the_beginning(service: Files) -> None:
    fill(service.path)
    service.copy.mkdir()
    (service.copy / "left").write_text("from a killed restore")
    service.stage(None)
    service.check({"entries": 0, "bytes": 0})
    assert service.copy.stat().st_mode & 0o7777 == 0o750
    service.swap()
    assert not list(service.path.iterdir())


def test_a_copy_that_is_not_complete_is_noticed(service: Files, target: Path) -> None:
    fill(service.path)
    facts = service.backup(target)
    service.stage(target)
    (service.copy / "a/one").unlink()
    with pytest.raises(NodeError, match="should have"):
        service.check(facts)


def test_a_damaged_backup_is_refused(service: Files, target: Path) -> None:
    fill(service.path)
    service.backup(target)
    archive = target / "files.tar"
    archive.write_bytes(archive.read_bytes()[:20_000])
    with pytest.raises(NodeError, match="tar failed"):
        service.stage(target)


def test_two_sides_do_not_meet(service: Files, target: Path) -> None:
    fill(service.path)
    facts = service.backup(target)
    drill = Files(service.layout, "hello", "drill")
    drill.stage(target)
    service.stage(target)
    service.discard()
    drill.check(facts)
    drill.discard()


def test_the_size_is_that_of_the_files(service: Files) -> None:
    (service.path / "file").write_bytes(b"x" * 100_000)
    assert 100_000 <= service.size() < 110_000


@pytest.fixture
def churn(service: Files) -> Iterator[None]:
    """Files come, grow and go, as quickly as they can."""
    over = threading.Event()

    def work() -> None:
        number = 0
        while not over.is_set():
            number += 1
            (service.path / f"{number % 500}").write_text("x" * (number % 5000))
            (service.path / f"{(number + 250) % 500}").unlink(missing_ok=True)
            (service.path / "log").open("a").write("line\n" * 100)

    thread = threading.Thread(target=work)
    thread.start()
    yield
    over.set()
    thread.join()


@pytest.mark.usefixtures("churn")
def test_files_that_change_and_go_meanwhile_do_no_harm(service: Files, tmp_path: Path) -> None:
    for number in range(20):
        target = tmp_path / str(number)
        target.mkdir()
        facts = service.backup(target)
        service.stage(target)
        service.check(facts)


def test_a_socket_is_left_out(service: Files, target: Path) -> None:
    with socket.socket(socket.AF_UNIX) as sock:
        os.chdir(service.path)
        sock.bind("sock")
        (service.path / "file").write_text("x")
        facts = service.backup(target)
    service.stage(target)
    service.check(facts)
    assert [path.name for path in service.copy.iterdir()] == ["file"]
