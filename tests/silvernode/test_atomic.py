"""Files that are either the old or the new version."""

import errno
import os
import signal
import stat
from pathlib import Path

import pytest

from silvernode import atomic


def test_a_new_file_has_its_text_mode_and_directory(tmp_path: Path) -> None:
    path = tmp_path / "a/b/file"
    assert atomic.write(path, "ünï\n", mode=0o440) is True
    assert path.read_bytes() == "ünï\n".encode()
    assert stat.S_IMODE(path.stat().st_mode) == 0o440


def test_the_same_text_is_not_written_again(tmp_path: Path) -> None:
    path = tmp_path / "file"
    atomic.write(path, "text")
    before = path.stat().st_ino
    assert atomic.write(path, "text") is False
    assert path.stat().st_ino == before
    assert atomic.write(path, "other") is True


def test_a_file_that_is_no_text_is_replaced(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(b"\xff\x00")
    assert atomic.write(path, "text") is True


@pytest.mark.parametrize("call", ["fchmod", "fsync", "fchown"])
def test_a_full_disk_keeps_the_old_version(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, call: str
) -> None:
    path = tmp_path / "file"
    atomic.write(path, "old")

    def fail(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, call, fail)
    with pytest.raises(OSError, match="No space"):
        atomic.write(path, "new")
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path], "no draft is left"


@pytest.mark.parametrize("call", ["open", "fchmod", "fsync"])
def test_a_kill_in_the_middle_keeps_the_old_version_and_the_next_write_works(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, call: str
) -> None:
    path = tmp_path / "file"
    atomic.write(path, "old")
    child = os.fork()
    if not child:
        monkeypatch.setattr(os, call, lambda *_: os.kill(os.getpid(), signal.SIGKILL))
        atomic.write(path, "new" * 10_000)
        os._exit(0)
    assert os.waitpid(child, 0)[1] == signal.SIGKILL
    assert path.read_text() == "old"
    atomic.write(path, "newer")
    assert path.read_text() == "newer"
    assert list(tmp_path.iterdir()) == [path]


def test_nobody_reads_a_secret_before_it_has_its_mode(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[int] = []
    fchmod = os.fchmod

    def watch(descriptor: int, mode: int) -> None:
        seen.append(stat.S_IMODE(os.fstat(descriptor).st_mode))
        fchmod(descriptor, mode)

    monkeypatch.setattr(os, "fchmod", watch)
    atomic.write(tmp_path / "secret", "x", mode=0o440)
    assert seen == [0o600]


def test_a_removed_file_leaves_no_draft(tmp_path: Path) -> None:
    path = tmp_path / "file"
    atomic.write(path, "x")
    (tmp_path / ".file.new").write_text("half")
    atomic.remove(path)
    atomic.remove(path)
    assert list(tmp_path.iterdir()) == []
