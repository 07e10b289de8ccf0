"""Byte code: carried over where the file is the same one, else compiled."""

import os
from importlib.util import cache_from_source
from pathlib import Path

import pytest

from silvernode.deploy import bytecode


@pytest.fixture
def trees(tmp_path: Path) -> tuple[Path, Path]:
    """An instance with byte code, and an upload that rsync linked to it."""
    before, after = tmp_path / "before", tmp_path / "after"
    for name in ("src/same.py", "src/changed.py"):
        path = before / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("X = 1\n")
    assert bytecode.provide(before, None) == 2
    (after / "src").mkdir(parents=True)
    os.link(before / "src/same.py", after / "src/same.py")
    (after / "src/changed.py").write_text("X = 2\n")
    return before, after


def cached(tree: Path, name: str) -> Path:
    return Path(cache_from_source(str(tree / name)))


def test_an_unchanged_file_shares_its_byte_code(trees: tuple[Path, Path]) -> None:
    before, after = trees
    assert bytecode.provide(after, before) == 1
    assert cached(before, "src/same.py").samefile(cached(after, "src/same.py"))
    assert not cached(before, "src/changed.py").samefile(cached(after, "src/changed.py"))


def test_a_file_of_the_same_size_and_time_is_not_the_same_file(trees: tuple[Path, Path]) -> None:
    before, after = trees
    old = (before / "src/changed.py").stat()
    os.utime(after / "src/changed.py", ns=(old.st_atime_ns, old.st_mtime_ns))
    bytecode.provide(after, before)
    assert not cached(before, "src/changed.py").samefile(cached(after, "src/changed.py"))


def test_an_instance_without_byte_code_is_no_obstacle(trees: tuple[Path, Path]) -> None:
    before, after = trees
    cached(before, "src/same.py").unlink()
    assert bytecode.provide(after, before) == 2


@pytest.mark.parametrize("content", [b"def {{ name }}():\n", b"\xff\xfe\x00", b"x = '\x00'\n"])
def test_a_file_that_is_no_python_is_left_alone(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "template.py").write_bytes(content)
    (tmp_path / "fine.py").write_text("")
    assert bytecode.provide(tmp_path, None) == 1


def test_links_and_directories_are_not_compiled(tmp_path: Path) -> None:
    (tmp_path / "package.py").mkdir()
    (tmp_path / "link.py").symlink_to("/etc/hostname")
    (tmp_path / "broken.py").symlink_to("nowhere")
    assert bytecode.provide(tmp_path, None) == 0
