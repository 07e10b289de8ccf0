"""SSH key pairs: the one of this laptop, and those that the local provider knows by name."""

import base64
import binascii
import re
from pathlib import Path
from typing import NamedTuple

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from silverlining import files, paths
from silversupport.errors import SilverError


class KeyPairError(SilverError):
    """A key pair is missing, exists already, or is not a key."""


class Keys(NamedTuple):
    """The two halves of a key pair in OpenSSH's formats."""

    private: str
    public: str


def generate(comment: str = "") -> Keys:
    """Return a new Ed25519 key pair.

    Args:
        comment: Put after the public key, as ``ssh-keygen -C`` does.
    """
    key = Ed25519PrivateKey.generate()
    private = key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.OpenSSH,
        serialization.NoEncryption(),
    )
    public = key.public_key().public_bytes(
        serialization.Encoding.OpenSSH, serialization.PublicFormat.OpenSSH
    )
    return Keys(private.decode(), f"{public.decode()} {comment}".strip())


def default() -> str:
    """Return the public key of this laptop for local nodes; make the pair on first use."""
    private = paths.private_key()
    public = private.with_suffix(".pub")
    with files.locked(private.with_suffix(".lock")):
        if not (private.exists() and public.exists()):
            keys = generate("silverlining")
            files.replace(private, keys.private)
            files.replace(public, f"{keys.public}\n", mode=0o644)
    return public.read_text().strip()


def check_public(key: str) -> str:
    """Return a public key, stripped, when it is one line in OpenSSH's format.

    Raises:
        KeyPairError: It is something else, for example a private key.
    """
    words = key.strip().split(maxsplit=2)
    try:
        blob = base64.b64decode(words[1], validate=True)
        kind_is_right = blob[4 : 4 + int.from_bytes(blob[:4])] == words[0].encode()
    except (IndexError, binascii.Error):
        kind_is_right = False
    if not kind_is_right or "\n" in key.strip():
        raise KeyPairError(
            f"Not an OpenSSH public key: {key[:30]!r}…; give the line of a .pub file."
        )
    return key.strip()


def store(name: str, public: str) -> None:
    """Keep a public key under a name.

    Raises:
        KeyPairError: The name is taken or bad, or the key is not a public key.
    """
    path = _file(name)
    if path.exists():
        raise KeyPairError(f"Key pair {name!r} exists already; delete it first.")
    files.replace(path, f"{check_public(public)}\n")


def load(name: str) -> str:
    """Return the public key stored under a name.

    Raises:
        KeyPairError: There is none.
    """
    path = _file(name)
    if not path.exists():
        raise KeyPairError(f"No key pair {name!r}; there are: {', '.join(names()) or 'none'}.")
    return path.read_text().strip()


def remove(name: str) -> None:
    """Forget the public key stored under a name.

    Raises:
        KeyPairError: There is none.
    """
    load(name)
    _file(name).unlink()


def names() -> list[str]:
    """Return the names of all stored key pairs, sorted."""
    return sorted(path.stem for path in _directory().glob("*.pub"))


def _directory() -> Path:
    path = paths.state_dir() / "keys"
    path.mkdir(mode=0o700, exist_ok=True)
    return path


def _file(name: str) -> Path:
    if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9_.@-]*", name):
        raise KeyPairError(f"Bad name of a key pair: {name!r}; use letters, digits and _ . @ -")
    return _directory() / f"{name}.pub"
