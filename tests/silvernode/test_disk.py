"""What files take on the disk, and what it gives back to remove them."""

import os
from pathlib import Path

import pytest

from silvernode import disk

KB = 1024


def tree(directory: Path, **files: int) -> Path:
    """Make a directory with files of some sizes in kB."""
    directory.mkdir()
    for name, size in files.items():
        (directory / name).write_bytes(os.urandom(size * KB))
    return directory


def of(path: Path) -> int:
    return path.lstat().st_blocks * disk.BLOCK_BYTES


def test_a_file_counts_once_however_many_names_it_has(tmp_path: Path) -> None:
    first = tree(tmp_path / "first", shared=64, own=8)
    second = tree(tmp_path / "second", own=16)
    (second / "shared").hardlink_to(first / "shared")
    together = sum(map(of, (first, second, first / "shared", first / "own", second / "own")))
    assert disk.used([first, second], disk.Names()) == together


def test_only_the_last_name_of_a_file_gives_its_room_back(tmp_path: Path) -> None:
    first = tree(tmp_path / "first", shared=64, own=8)
    second = tree(tmp_path / "second", own=16)
    (second / "shared").hardlink_to(first / "shared")
    alone = of(first) + of(first / "own")
    assert disk.freed([first], disk.Names()) == alone
    met = disk.Names()
    assert disk.freed([first], met) == alone
    assert disk.freed([second], met) == of(second) + of(second / "own") + of(second / "shared")


def test_links_are_not_followed_and_what_is_not_there_is_nothing(tmp_path: Path) -> None:
    big = tree(tmp_path / "big", data=256)
    small = tree(tmp_path / "small")
    (small / "link").symlink_to(big)
    assert disk.used([small, tmp_path / "gone"], disk.Names()) < 64 * KB


@pytest.mark.parametrize(
    ("count", "text"),
    [(0, "0.0 kB"), (1234, "1.2 kB"), (5_600_000, "5.6 MB"), (21_000_000_000, "21.0 GB")],
)
def test_a_person_reads(count: int, text: str) -> None:
    assert disk.text(count) == text
