"""Backups and drills of the schedule: what is there stays there, whatever fails or is killed."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest

from silverbackup import archive, encryption, local_files
from silverbackup.destinations import DestinationError
from silverbackup.manifest import Manifest
from silvernode.data import rounds, schedule, status, work
from silvernode.errors import NodeError
from silvernode.layout import Layout
from tests.silvernode.data.conftest import Book
from tests.silvernode.data.test_schedule import give
from tests.silvernode.test_crashes import killed_at

KEEP = 2
pytestmark = pytest.mark.skipif(not shutil.which("age"), reason="age is not installed")


class Backups:
    """A node with a schedule, a destination and the key of an operator.

    Attributes:
        book: the app's data.
        directory: where backups go.
        operator: the operator's key.
    """

    def __init__(self, book: Book, root: Path) -> None:
        self.book, self.directory, self.operator = book, root / "backups", root / "operator"
        self.layout = book.node.layout
        self.directory.mkdir()
        encryption.make_identity(self.operator)
        (self.layout.etc / "backup").mkdir()
        encryption.make_identity(schedule.identity(self.layout))
        recipients = [encryption.recipient(self.operator)]
        give(self.layout, destination=f"{self.directory}/", recipients=recipients, keep=KEEP)

    @property
    def names(self) -> list[str]:
        """The archives, the oldest first."""
        return sorted(path.name for path in self.directory.glob("[!.]*"))

    @property
    def newest(self) -> Path:
        return self.directory / self.names[-1]

    def back_up(self) -> dict[str, Any]:
        return rounds.back_up_all(self.layout)

    def drill(self) -> dict[str, Any]:
        return rounds.drill_all(self.layout)

    def told(self, kind: str) -> str:
        return str(status.load(self.layout, "hello")[kind]["message"])

    def word(self, name: str, key: Path) -> str:
        """What an archive has of the app's data."""
        target = self.directory.parent / "unpacked"
        shutil.rmtree(target, ignore_errors=True)
        target.mkdir()
        with (
            (self.directory / name).open("rb") as sealed,
            encryption.decrypted(sealed, key) as tar,
        ):
            archive.unpack(tar, target)
        return (target / "services/book/word").read_text()


@pytest.fixture
def backups(book: Book, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Backups:
    """The same, where each look at the clock is a minute later."""
    minutes = iter(range(1_000_000))
    now = status.now
    monkeypatch.setattr(status, "now", lambda: now() + timedelta(minutes=next(minutes)))
    return Backups(book, tmp_path)


def test_a_backup_can_be_read_by_the_node_and_by_its_operator(backups: Backups) -> None:
    assert backups.back_up()["changed"]
    assert len(backups.names) == 1
    for key in (backups.operator, schedule.identity(backups.layout)):
        assert backups.word(backups.newest.name, key) == "before"
    result = status.load(backups.layout, "hello")["backup"]
    assert result["archive"] == backups.newest.name
    assert result["bytes"] == backups.newest.stat().st_size
    assert f"{backups.newest} was made and read back" in result["message"]


def test_old_ones_go_when_there_is_a_newer_one(backups: Backups) -> None:
    seen = []
    for _ in range(4):
        assert not backups.back_up().get("failed")
        seen.append(backups.newest.name)
    assert backups.names == seen[-KEEP:]
    assert "1 old one removed" in backups.told("backup")


def test_no_old_one_goes_for_one_that_cannot_be_read_back(
    backups: Backups, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = [backups.back_up() and backups.newest.name for _ in range(2)]

    @contextmanager
    def rotten(self: object, name: str) -> Iterator[BytesIO]:
        yield BytesIO((backups.directory / name).read_bytes()[:-1] + b"X")

    monkeypatch.setattr(local_files.LocalFiles, "open", rotten)
    assert backups.back_up()["failed"]
    assert "its checksum differs" in backups.told("backup")
    assert backups.names == before, "it does not count as one that is kept"


def test_no_old_one_goes_for_one_that_could_not_be_stored(
    backups: Backups, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = [backups.back_up() and backups.newest.name for _ in range(2)]

    def full(self: object, part: Path, stream: object) -> int:
        raise DestinationError("the disk is full")

    monkeypatch.setattr(local_files.LocalFiles, "_write", full)
    assert backups.back_up()["failed"]
    assert backups.names == before
    monkeypatch.undo()
    backups.book.path.write_text("nonsense")
    assert backups.back_up()["failed"]
    assert backups.names == before


def test_there_has_to_be_room_for_the_copy_and_the_backup(
    backups: Backups, monkeypatch: pytest.MonkeyPatch
) -> None:
    size = 10 * 2**20
    backups.book.path.with_name("size").write_text(str(size))
    usage = shutil.disk_usage(backups.directory)
    for free, fails in ((size * 3 // 2, True), (size * 5 // 2, False)):
        monkeypatch.setattr(shutil, "disk_usage", lambda path, f=free: usage._replace(free=f))
        assert bool(backups.back_up().get("failed")) is fails
    assert len(backups.names) == 1


def test_the_one_just_made_stays_even_if_the_clock_went_back(
    backups: Backups, monkeypatch: pytest.MonkeyPatch
) -> None:
    for _ in range(2):
        backups.back_up()
    before, now = backups.names, status.now
    monkeypatch.setattr(status, "now", lambda: now() - timedelta(days=9))
    assert not backups.back_up().get("failed")
    assert len(backups.names) == 3
    assert set(before) < set(backups.names)


def test_a_drill_leaves_the_data_and_nothing_else(backups: Backups) -> None:
    backups.back_up()
    backups.book.path.write_text("2 after\n\n")
    answer = backups.drill()
    assert not answer.get("failed"), answer
    assert "was restored beside the data and checked: book" in backups.told("drill")
    assert (backups.book.word, backups.book.copy) == ("after", "")
    assert list((backups.layout.state / "backup/work").iterdir()) == []


def test_a_drill_is_of_the_newest(backups: Backups) -> None:
    for _ in range(2):
        backups.back_up()
    (backups.directory / backups.names[0]).write_bytes(b"rubbish")
    assert not backups.drill().get("failed")
    backups.newest.write_bytes(backups.newest.read_bytes()[:-100])
    assert backups.drill()["failed"]
    assert f"{backups.newest}: " in backups.told("drill")


def changed(manifest: Manifest, **changes: Any) -> Manifest:
    return Manifest(**{**vars(manifest), **changes})


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"app": "blog"}, "it is a backup of blog"),
        ({"services": {"book": {"facts": {"word": "other"}, "bytes": 1}}}, "another word"),
        ({"services": {"lost": {"facts": {}, "bytes": 1}}}, "service.lost"),
        ({"services": {"book": {"facts": {"word": "before"}, "bytes": 10**18}}}, "make room"),
    ],
)
def test_a_drill_fails_where_the_manifest_promises_something_else(
    backups: Backups, monkeypatch: pytest.MonkeyPatch, changes: dict[str, Any], message: str
) -> None:
    write = archive.write
    monkeypatch.setattr(
        archive,
        "write",
        lambda stream, manifest, root: write(stream, changed(manifest, **changes), root),
    )
    backups.back_up()
    assert backups.drill()["failed"]
    assert message in backups.told("drill")
    assert (backups.book.word, backups.book.copy) == ("before", "")
    assert list((backups.layout.state / "backup/work").iterdir()) == []


def test_a_drill_without_a_backup_fails(backups: Backups) -> None:
    assert backups.drill()["failed"]
    assert f"there is no backup of it in {backups.directory}/" in backups.told("drill")


def test_a_backup_of_another_node_does_not_pass_for_ours(backups: Backups) -> None:
    backups.back_up()
    schedule.identity(backups.layout).unlink()
    encryption.make_identity(schedule.identity(backups.layout))
    assert backups.drill()["failed"]
    assert "other keys" in backups.told("drill")


def test_what_a_killed_drill_left_goes_with_the_next(backups: Backups) -> None:
    backups.back_up()
    with pytest.raises(ZeroDivisionError), work.directory(backups.layout, "gone", "drill") as left:
        (left / "file").write_text("x")
        shutil.copytree(left, left.with_name("gone.drill.saved"))
        raise ZeroDivisionError
    left.with_name("gone.drill.saved").rename(left)
    backups.book.path.write_text("1 before\n9 left-over\n")
    assert not backups.drill().get("failed")
    assert not left.exists()
    assert backups.book.copy == ""


def test_a_schedule_that_is_damaged_is_told_of_in_the_journal(
    backups: Backups, capsys: pytest.CaptureFixture[str]
) -> None:
    (backups.layout.etc / "backup/settings.json").write_text("{")
    with pytest.raises(NodeError):
        backups.back_up()
    assert "settings.json cannot be used" in capsys.readouterr().err


def whole(backups: Backups) -> list[str]:
    """The archives that are there; each of them can be read to its end."""
    assert {backups.word(name, backups.operator) for name in backups.names} <= {"before"}
    return backups.names


def test_rounds_killed_at_any_step(backups: Backups, layout: Layout) -> None:
    backups.back_up()
    step, killed = 0, True
    while killed:
        before = whole(backups)
        killed = killed_at(step, lambda: (backups.back_up(), backups.drill()))
        assert before[-1] in whole(backups), "the newest is never lost"
        for _ in range(10):
            status.now()  # The killed one looked at a clock of its own.
        assert not backups.back_up().get("failed")
        assert not backups.drill().get("failed")
        assert len(whole(backups)) == KEEP
        assert backups.names == sorted(path.name for path in backups.directory.iterdir())
        assert list((layout.state / "backup/work").iterdir()) == []
        assert (backups.book.word, backups.book.copy) == ("before", "")
        step += 3
    assert step > 30, "the rounds were not watched"
