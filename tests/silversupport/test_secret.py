import re
import secrets
import stat
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Barrier

import pytest

from silversupport import secret
from silversupport.environment import MissingVariable
from silversupport.secret import SecretError, get_secret


@pytest.fixture
def laptop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The file of the secret of "polls" on a laptop; it does not exist."""
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    monkeypatch.setenv("SILVER_VERSION", "devel/0.1.0")
    monkeypatch.setenv("SILVER_APP_NAME", "polls")
    return tmp_path / "data" / "silverlining" / "secret" / "polls"


@pytest.fixture
def node(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The file of the secret of "polls" on a node; it does not exist."""
    monkeypatch.setattr(secret, "NODE_SECRETS", tmp_path)
    monkeypatch.setenv("SILVER_VERSION", "silverlining/0.1.0")
    monkeypatch.setenv("SILVER_APP_NAME", "polls")
    return tmp_path / "polls"


def test_secrets_of_a_node_are_where_the_design_says() -> None:
    assert Path("/var/lib/silverlining/secret") == secret.NODE_SECRETS


def test_laptop_makes_a_secret_and_keeps_it(laptop: Path) -> None:
    made = get_secret()
    assert re.fullmatch(r"[A-Za-z0-9_-]{43,}", made)
    assert get_secret() == made
    assert stat.S_IMODE(laptop.stat().st_mode) == 0o600
    assert stat.S_IMODE(laptop.parent.stat().st_mode) == 0o700


def test_applications_have_secrets_of_their_own(
    laptop: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    polls = get_secret()
    monkeypatch.setenv("SILVER_APP_NAME", "blog")
    assert get_secret() != polls


@pytest.mark.parametrize("configured", [None, "", " "])
def test_data_directory_defaults_to_the_one_of_xdg(
    laptop: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, configured: str | None
) -> None:
    monkeypatch.delenv("XDG_DATA_HOME")
    if configured is not None:
        monkeypatch.setenv("XDG_DATA_HOME", configured)
    monkeypatch.setenv("HOME", str(tmp_path))
    made = get_secret()
    assert (tmp_path / ".local/share/silverlining/secret/polls").read_text() == made


def test_processes_that_start_together_agree(laptop: Path) -> None:
    together = Barrier(8)

    def ask() -> str:
        together.wait(timeout=10)
        return get_secret()

    with ThreadPoolExecutor(8) as pool:
        answers = {answer.result() for answer in [pool.submit(ask) for _ in range(8)]}
    assert len(answers) == 1
    assert list(laptop.parent.iterdir()) == [laptop]


def test_first_of_two_secrets_wins(laptop: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def overtaken(size: int) -> str:
        laptop.write_text("theirs")
        return "ours"

    monkeypatch.setattr(secrets, "token_urlsafe", overtaken)
    assert get_secret() == "theirs"


def test_node_reads_the_secret(node: Path) -> None:
    node.write_text("s3cret\n")
    assert get_secret() == "s3cret"


def test_node_never_makes_a_secret(node: Path) -> None:
    with pytest.raises(SecretError, match=f"^No secret in {node}: deploying"):
        get_secret()
    assert not node.exists()


def test_unreadable_secret_is_an_error_that_says_where_and_why(node: Path) -> None:
    node.mkdir()
    with pytest.raises(SecretError, match=f"^The secret in {node} cannot be read: .*directory"):
        get_secret()


def test_secret_that_is_not_text_is_an_error(node: Path) -> None:
    node.write_bytes(b"\xff")
    with pytest.raises(SecretError, match=f"^The secret in {node} cannot be read: "):
        get_secret()


def test_empty_secret_is_refused(node: Path) -> None:
    node.write_text("\n")
    with pytest.raises(SecretError, match=f"^The secret in {node} is empty: "):
        get_secret()


def test_secret_outside_an_application_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SILVER_APP_NAME", raising=False)
    with pytest.raises(MissingVariable, match="SILVER_APP_NAME"):
        get_secret()
