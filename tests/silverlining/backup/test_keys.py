"""The keys of backups on the laptop."""

import subprocess
from pathlib import Path

import pytest

from silverbackup import encryption
from silverbackup.errors import BackupError
from silverlining.backup import keys

pytestmark = pytest.mark.usefixtures("home")


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    return tmp_path / "data/silverlining"


@pytest.fixture
def other(tmp_path: Path) -> Path:
    encryption.make_identity(tmp_path / "other")
    return tmp_path / "other"


def test_the_first_backup_makes_a_key_for_its_user_only(home: Path) -> None:
    first = keys.for_writing([], None)
    assert (first.is_new, first.identity) == (True, home / "backup-identity")
    assert keys.own().stat().st_mode & 0o777 == 0o600
    second = keys.for_writing([], None)
    assert (second.is_new, second.recipients) == (False, first.recipients)
    assert keys.for_reading(None) == keys.own()
    notice = keys.notice(first)
    assert str(keys.own()) in notice
    assert "copy" in notice


def test_a_key_that_is_named_takes_the_place_of_ones_own(other: Path) -> None:
    found = keys.for_writing([], other)
    assert found == keys.Keys([encryption.recipient(other)], other)
    assert not keys.own().exists()


def test_recipients_are_keys_and_files_of_keys(other: Path, tmp_path: Path) -> None:
    public = encryption.recipient(other)
    mine = keys.for_writing([], None).recipients[0]
    (tmp_path / "team").write_text(f"# Ann\n{public}\n\n{mine}\n")
    assert keys.for_writing([public], None) == keys.Keys([public], None)
    assert keys.for_writing([str(tmp_path / "team")], None).recipients == [public, mine]
    assert keys.for_writing([public, mine], None).identity == keys.own()
    assert keys.for_writing([public], other).identity == other


def test_keys_of_ssh(tmp_path: Path) -> None:
    key = tmp_path / "id_ed25519"
    subprocess.run(["ssh-keygen", "-qt", "ed25519", "-N", "", "-f", key], check=True)
    public = Path(f"{key}.pub").read_text().strip()
    assert keys.for_writing([], key) == keys.Keys([public], key)
    assert keys.for_writing([f"{key}.pub"], None).recipients == [public]
    Path(f"{key}.pub").unlink()
    with pytest.raises(BackupError, match=r"id_ed25519\.pub is missing; .* --recipient"):
        keys.for_writing([], key)


def test_what_is_no_key_is_said_without_being_shown(other: Path, tmp_path: Path) -> None:
    secret = other.read_text().splitlines()[-1]
    for text in (secret, "age1short", "ssh-dss AAAA", str(tmp_path / "gone"), str(other)):
        with pytest.raises(BackupError, match="public key of age") as caught:
            keys.for_writing([text], None)
        assert "SECRET" not in str(caught.value)


def test_without_a_key_nothing_can_be_read(tmp_path: Path) -> None:
    with pytest.raises(BackupError, match=r"there is no key for backups here .* --identity FILE"):
        keys.for_reading(None)
    with pytest.raises(BackupError, match="there is no such file"):
        keys.for_reading(tmp_path / "gone")


def test_age_that_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nowhere")
    with pytest.raises(BackupError, match="age, which is not installed here; type: sudo apt"):
        keys.for_writing([], None)
