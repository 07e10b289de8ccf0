"""The real `age`; skipped where it is not installed, but for what is said then."""

import io
import os
import shutil
from pathlib import Path

import pytest

from silverbackup import encryption
from silverbackup.errors import BackupError

needs_age = pytest.mark.skipif(not shutil.which("age"), reason="age is not installed")
DATA = os.urandom(300_000)


@pytest.fixture
def identity(tmp_path: Path) -> Path:
    encryption.make_identity(tmp_path / "keys/identity")
    return tmp_path / "keys/identity"


def sealed(path: Path, *identities: Path) -> Path:
    recipients = [encryption.recipient(each) for each in identities]
    with path.open("wb") as file, encryption.encrypted(file, recipients) as stream:
        stream.write(DATA)
    return path


def opened(path: Path, identity: Path, *, whole: bool = True) -> bytes:
    with path.open("rb") as file, encryption.decrypted(file, identity, whole=whole) as stream:
        return stream.read() if whole else stream.read(10)


def test_what_is_missing_is_said_with_what_to_type(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nowhere")
    with pytest.raises(BackupError, match="sudo apt install age"):
        encryption.check_installed()


@needs_age
def test_each_of_the_recipients_can_read(tmp_path: Path, identity: Path) -> None:
    other = tmp_path / "other"
    encryption.make_identity(other)
    path = sealed(tmp_path / "sealed", identity, other)
    assert DATA[:1000] not in path.read_bytes()
    assert opened(path, identity) == opened(path, other) == DATA
    assert opened(path, identity, whole=False) == DATA[:10]


@needs_age
def test_a_key_is_its_owners_only(identity: Path) -> None:
    assert identity.stat().st_mode & 0o777 == 0o600
    assert encryption.recipient(identity).startswith("age1")
    with pytest.raises(BackupError):
        encryption.make_identity(identity)


@needs_age
def test_a_stream_that_is_no_file_is_read_too(tmp_path: Path, identity: Path) -> None:
    stream = io.BytesIO(sealed(tmp_path / "sealed", identity).read_bytes())
    with encryption.decrypted(stream, identity) as plain:
        assert plain.read() == DATA


@needs_age
def test_a_wrong_key_is_told(tmp_path: Path, identity: Path) -> None:
    path = sealed(tmp_path / "sealed", identity)
    encryption.make_identity(tmp_path / "other")
    with pytest.raises(BackupError, match="encrypted for other keys"):
        opened(path, tmp_path / "other")


@needs_age
@pytest.mark.parametrize("whole", ["cut off", "tampered with"])
def test_damage_is_told(tmp_path: Path, identity: Path, whole: str) -> None:
    path = sealed(tmp_path / "sealed", identity)
    data = bytearray(path.read_bytes())
    if whole == "cut off":
        del data[-1]
    else:
        data[-100] ^= 1
    path.write_bytes(data)
    with pytest.raises(BackupError, match="could not decrypt"):
        opened(path, identity)


@needs_age
def test_the_reason_is_ages_if_it_came_first(tmp_path: Path, identity: Path) -> None:
    path = sealed(tmp_path / "sealed", identity)
    encryption.make_identity(tmp_path / "other")
    with (
        pytest.raises(BackupError, match="encrypted for other keys"),
        path.open("rb") as file,
        encryption.decrypted(file, tmp_path / "other") as stream,
    ):
        assert not stream.read()
        raise BackupError("the archive is damaged")


@needs_age
def test_what_a_failure_leaves_is_not_whole(tmp_path: Path, identity: Path) -> None:
    path = tmp_path / "sealed"
    with (
        pytest.raises(ValueError, match="the dump failed"),
        path.open("wb") as file,
        encryption.encrypted(file, [encryption.recipient(identity)]) as stream,
    ):
        stream.write(DATA)
        raise ValueError("the dump failed")
    with pytest.raises(BackupError):
        opened(path, identity)


@needs_age
@pytest.mark.parametrize("recipients", [[], ["AGE-SECRET-KEY-1ABC"], ["--help"]])
def test_only_public_keys_are_recipients(tmp_path: Path, recipients: list[str]) -> None:
    with (
        pytest.raises(BackupError) as caught,
        (tmp_path / "sealed").open("wb") as file,
        encryption.encrypted(file, recipients),
    ):
        pass
    assert "SECRET" not in str(caught.value)
