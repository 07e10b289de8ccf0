"""Files that come with a script."""

import io
import os
import pwd
import shutil
import tarfile
import time
from pathlib import Path

import pytest

from silvernode import interrupts, script_files, units
from silvernode.errors import NodeError
from silvernode.layout import Layout

ID = "0123456789abcdef" * 2


@pytest.fixture
def tmp(layout: Layout, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The app's own directory for temporary files."""
    me = pwd.getpwuid(os.getuid())
    monkeypatch.setattr(pwd, "getpwnam", lambda name: me if name == "silver-hello" else None)
    monkeypatch.setattr(interrupts, "ignore", lambda: None)
    tmp = layout.data("tmp", "hello")
    tmp.mkdir(parents=True)
    return tmp


def archive(*names: str, mode: int = 0o644) -> bytes:
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w") as tar:
        for name in names:
            member = tarfile.TarInfo(name)
            member.size, member.mode = len(name), mode
            tar.addfile(member, io.BytesIO(name.encode()))
    return stream.getvalue()


def receive(layout: Layout, data: bytes, count: int = 2) -> Path:
    return script_files.receive(layout, "hello", ID, count, io.BytesIO(data))


def test_each_file_keeps_its_name(layout: Layout, tmp: Path) -> None:
    target = receive(layout, archive("a/data.csv", "../../data.csv"))
    assert target == tmp / f"run-{ID}"
    assert (target / "0/data.csv").read_text() == "a/data.csv"
    assert (target / "1/data.csv").read_text() == "../../data.csv"
    assert sorted(path.name for path in tmp.rglob("*")) == sorted(
        [f"run-{ID}", "0", "1", "data.csv", "data.csv"]
    )


@pytest.mark.parametrize(("mode", "kept"), [(0o755, 0o700), (0o4666, 0o600)])
def test_a_file_is_the_apps_alone(layout: Layout, tmp: Path, mode: int, kept: int) -> None:
    target = receive(layout, archive("x", mode=mode), 1)
    assert (target / "0/x").stat().st_mode & 0o7777 == kept
    assert target.stat().st_mode & 0o7777 == 0o700


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"", "did not arrive whole"),
        (b"nonsense" * 200, "did not arrive whole"),
        (archive("a", "b")[:700], "did not all arrive|did not arrive whole"),
        (archive("a"), "did not all arrive"),
        (archive("a", ".."), "not a file"),
    ],
)
def test_nothing_is_left_of_what_did_not_arrive(
    layout: Layout, tmp: Path, data: bytes, message: str
) -> None:
    with pytest.raises((NodeError, OSError), match=message):
        receive(layout, data)
    assert not list(tmp.iterdir())


def test_a_directory_is_no_file(layout: Layout, tmp: Path) -> None:
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w") as tar:
        member = tarfile.TarInfo("d")
        member.type = tarfile.DIRTYPE
        tar.addfile(member)
    with pytest.raises(NodeError, match="not a file: 'd'"):
        receive(layout, stream.getvalue(), 1)


def test_discarding_is_safe_to_repeat(layout: Layout, tmp: Path) -> None:
    receive(layout, archive("a", "b"))
    script_files.discard(layout, ID)
    assert not list(tmp.iterdir())
    script_files.discard(layout, ID)


def test_what_cannot_be_discarded_is_no_failure(
    layout: Layout, tmp: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    planted = layout.data("tmp", "another") / f"run-{ID}"
    planted.parent.mkdir()
    planted.symlink_to(layout.root)
    receive(layout, archive("a", "b"))
    script_files.discard(layout, ID)
    assert not list(tmp.iterdir())

    def fail(*_: object, **__: object) -> None:
        raise RecursionError

    monkeypatch.setattr(shutil, "rmtree", fail)
    script_files.discard(layout, ID)


def test_what_was_never_used_is_removed_in_the_end(
    layout: Layout, tmp: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    old, new, used, link = (f"run-{digit * 32}" for digit in "abcd")
    active = f"silver-script-hello-{'c' * 32}.service"
    monkeypatch.setattr(units, "is_active", lambda unit: unit == active)
    day = 25 * 3600
    for name, age in ((old, day), (new, 60), (used, day), ("run-own", day), ("other", day)):
        (tmp / name).mkdir()
        os.utime(tmp / name, (0, time.time() - age))
    precious = layout.root / "precious"
    precious.mkdir()
    (tmp / link).symlink_to(precious)
    os.utime(tmp / link, (0, 0), follow_symlinks=False)
    receive(layout, archive("a"), 1)
    left = {new, used, link, "run-own", "other", f"run-{ID}"}
    assert {path.name for path in tmp.iterdir()} == left
    assert precious.is_dir()


def test_what_vanishes_meanwhile_is_gone(
    layout: Layout, tmp: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Path, "glob", lambda *_: [tmp / f"run-{'a' * 32}"])
    assert receive(layout, archive("a"), 1).is_dir()
