from pathlib import Path

import pytest

from silverlining import paths
from silverlining.nodes import key_pairs


@pytest.fixture(autouse=True)
def state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path))
    return paths.state_dir()


def test_two_pairs_are_never_the_same() -> None:
    assert key_pairs.generate().public != key_pairs.generate().public


def test_the_default_pair_is_made_once_and_private(state: Path) -> None:
    public = key_pairs.default()
    assert key_pairs.default() == public
    assert (state / "id_ed25519").stat().st_mode & 0o777 == 0o600
    assert (state / "id_ed25519").read_text().startswith("-----BEGIN OPENSSH PRIVATE KEY-----")


def test_a_stored_key_is_found_listed_and_removed() -> None:
    public = key_pairs.generate("me@laptop").public
    key_pairs.store("laptop", f"{public}\n")
    assert key_pairs.load("laptop") == public
    assert key_pairs.names() == ["laptop"]
    key_pairs.remove("laptop")
    assert key_pairs.names() == []


def test_a_name_is_not_used_twice() -> None:
    key_pairs.store("laptop", key_pairs.generate().public)
    with pytest.raises(key_pairs.KeyPairError, match="'laptop' exists already"):
        key_pairs.store("laptop", key_pairs.generate().public)


def test_a_missing_key_pair_names_those_there_are() -> None:
    key_pairs.store("laptop", key_pairs.generate().public)
    with pytest.raises(key_pairs.KeyPairError, match="No key pair 'desktop'; there are: laptop"):
        key_pairs.load("desktop")


@pytest.mark.parametrize("name", ["", "../x", "a/b", ".hidden", "a b"])
def test_a_bad_name_is_refused(name: str) -> None:
    with pytest.raises(key_pairs.KeyPairError, match="Bad name of a key pair"):
        key_pairs.store(name, key_pairs.generate().public)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "ssh-ed25519",
        "ssh-ed25519 !!!",
        "ssh-rsa AAAAC3NzaC1lZDI1NTE5AAAAIKEIyw5cObiDF5XWCwYuxrz0SfEQpwXCitJekebEt/9h",
        "-----BEGIN OPENSSH PRIVATE KEY-----",
        'command="x" ssh-ed25519 AAAA',
        "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIKEIyw5cObiDF5XWCwYuxrz0SfEQpwXCitJekebEt/9h a\nb",
    ],
)
def test_what_is_no_public_key_is_refused(text: str) -> None:
    with pytest.raises(key_pairs.KeyPairError, match="Not an OpenSSH public key"):
        key_pairs.check_public(text)
