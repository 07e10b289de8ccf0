"""A backup from what a node sends to what is read back, without a node."""

import io
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from silverbackup import archive, encryption
from silverbackup.destinations import Readable
from silverbackup.errors import BackupError
from silverbackup.local_files import LocalFiles
from silverbackup.manifest import Manifest
from silverlining.backup import keys, nodes
from silverlining.backup.keys import Keys
from silverlining.backup.making import Backup
from silverlining.remote.connections import Connection

NODE = Connection("web1", "192.0.2.1", ("ssh",), sudo=False)


class Cut(io.BytesIO):
    """What a node sends that fails in the middle."""

    def read(self, size: int | None = -1, /) -> bytes:
        data = super().read(size)
        if not data:
            raise BackupError("web1: pg_dump failed")
        return data


@pytest.fixture
def key(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Keys:
    """This user's key."""
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    return keys.for_writing([], None)


@pytest.fixture
def sealed(tmp_path: Path, key: Keys) -> bytes:
    """An archive as a node sends it."""
    root = tmp_path / "root"
    (root / "services/files").mkdir(parents=True)
    (root / "services/files/files.tar").write_bytes(bytes(500_000))
    facts = {"files": {"facts": {"entries": 3, "bytes": 500_000}}}
    created = "2026-11-23T03:19:44+00:00"
    manifest = Manifest(
        "polls", "polls.test", "web1", "polls.20261123_001", created, "0.3.0", {}, services=facts
    )
    with (
        (tmp_path / "sealed").open("wb") as file,
        encryption.encrypted(file, key.recipients) as stream,
    ):
        archive.write(stream, manifest, root)
    return (tmp_path / "sealed").read_bytes()


@pytest.fixture
def backed_up(
    tmp_path: Path, key: Keys, monkeypatch: pytest.MonkeyPatch
) -> Callable[..., dict[str, Any]]:
    """Makes a backup of what a node sends, to the directory `backups`."""
    (tmp_path / "backups").mkdir()

    def make(
        stream: Readable,
        place: LocalFiles | None = None,
        recipients: Keys = key,
        verify: bool = True,
    ) -> dict[str, Any]:
        @contextmanager
        def sent(*_arguments: object, **_request: object) -> Iterator[Readable]:
            yield stream

        monkeypatch.setattr(nodes, "ask", lambda *_arguments, **_request: {"app": "polls"})
        monkeypatch.setattr(nodes, "sent", sent)
        place = place or LocalFiles(tmp_path / "backups")
        made = Backup("polls.test", place, recipients, NODE, verify, lambda line: None)
        return made.run(lambda said: None)

    return make


Make = Callable[..., dict[str, Any]]


def test_what_was_sent_is_there_and_was_read_back(
    backed_up: Make, sealed: bytes, tmp_path: Path
) -> None:
    result = backed_up(io.BytesIO(sealed))
    (path,) = (tmp_path / "backups").iterdir()
    assert path.read_bytes() == sealed
    assert (result["archive"], result["bytes"]) == (str(path), len(sealed))
    assert result["verified"] is True
    assert result["services"]["files"]["facts"]["entries"] == 3
    assert "read back, every checksum is right" in result["msg"]
    assert "Made a key for backups" in result["msg"]


def test_a_node_that_fails_leaves_no_archive(
    backed_up: Make, sealed: bytes, tmp_path: Path
) -> None:
    with pytest.raises(BackupError, match="web1: pg_dump failed"):
        backed_up(Cut(sealed[:100_000]))
    assert list((tmp_path / "backups").iterdir()) == []


class Forgetful(LocalFiles):
    """A place that does not keep what it is given."""

    def put(self, name: str, stream: Readable) -> int:
        size = super().put(name, stream)
        path = self.directory / name
        path.write_bytes(path.read_bytes()[:-1] + b"x")
        return size


@pytest.mark.parametrize("known", [True, False], ids=["with its key", "without a key"])
def test_a_place_that_does_not_keep_what_it_is_given(
    backed_up: Make, sealed: bytes, key: Keys, tmp_path: Path, known: bool
) -> None:
    recipients = key if known else Keys(key.recipients, None)
    with pytest.raises(BackupError, match="was written, but do not rely on it: reading it back"):
        backed_up(io.BytesIO(sealed), Forgetful(tmp_path / "backups"), recipients)


def test_a_place_that_is_not_asked_again(backed_up: Make, sealed: bytes, tmp_path: Path) -> None:
    place = Forgetful(tmp_path / "backups")
    result = backed_up(io.BytesIO(sealed), place, verify=False)
    assert result["verified"] is False
    assert "not read back (--no-verify)" in result["msg"]


def test_what_is_for_somebody_else_is_compared_with_what_was_sent(
    backed_up: Make, sealed: bytes, key: Keys
) -> None:
    result = backed_up(io.BytesIO(sealed), None, Keys(key.recipients, None))
    assert result["verified"] is False
    assert "read back, but not decrypted: this machine has no key for it" in result["msg"]
