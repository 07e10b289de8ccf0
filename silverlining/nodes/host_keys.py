"""The SSH host keys of our nodes, recorded under the node's name.

Addresses of nodes are used again and again, names are not, so ``ssh`` is told to look a key up by
name (``HostKeyAlias``) in a file of our own.
"""

import base64
import hashlib
import subprocess
from collections.abc import Collection
from pathlib import Path

from silverlining import files, paths
from silverlining.nodes import key_pairs
from silversupport.errors import SilverError

HANDED = "handed-over"
"""Comment of a key that its node got through its provider, which others may have read there."""


class HostKeyError(SilverError):
    """A node's host key cannot be learned or recorded."""


def record(
    name: str, keys: Collection[str], path: Path | None = None, handed: Collection[str] = ()
) -> bool:
    """Make these the host keys of a node, in place of any that it had.

    Args:
        name: The node's name in the inventory.
        keys: Public keys as in a ``.pub`` file; a comment after the key is dropped.
        path: The file to change, by default the laptop's own.
        handed: Further keys, which are marked as ``HANDED``.

    Returns:
        Whether the file was changed.
    """
    lines = [f"{name} {_body(key)}" for key in keys]
    lines += [f"{name} {_body(key)} {HANDED}" for key in handed]
    return _rewrite(name, lines, path or paths.known_hosts())


def forget(name: str, path: Path | None = None) -> bool:
    """Remove a node's host keys and return whether there were any."""
    return _rewrite(name, [], path or paths.known_hosts())


def lookup(name: str, path: Path | None = None) -> list[str]:
    """Return a node's recorded host keys (``TYPE KEY``), an empty list if there are none."""
    return [_body(line.split(maxsplit=1)[1]) for line in _lines_of(name, path)]


def handed(name: str, path: Path | None = None) -> list[str]:
    """Return those of a node's recorded keys that were handed over and not yet replaced."""
    lines = [line for line in _lines_of(name, path) if line.endswith(f" {HANDED}")]
    return [_body(line.split(maxsplit=1)[1]) for line in lines]


def fingerprint(key: str) -> str:
    """Return a key's type and fingerprint as ``ssh-keygen -l`` prints it."""
    kind, encoded = key.split()[:2]
    digest = hashlib.sha256(base64.b64decode(encoded)).digest()
    return f"{kind} SHA256:{base64.b64encode(digest).decode().rstrip('=')}"


def scan(address: str, port: int = 22, timeout: int = 5) -> list[str]:
    """Ask a machine itself for its host keys.

    Only for a machine that offers no better channel, and only when it is first met.

    Args:
        address: Host name or IP address.
        port: TCP port of its sshd.
        timeout: Longest silence, in seconds.

    Returns:
        The keys as ``TYPE KEY``, sorted.

    Raises:
        HostKeyError: No key was given.
    """
    done = subprocess.run(
        ["ssh-keyscan", "-p", str(port), "-T", str(timeout), "-t", "ed25519,ecdsa,rsa", address],
        capture_output=True,
        text=True,
        check=False,
    )
    lines = [line for line in done.stdout.splitlines() if line and not line.startswith("#")]
    if not lines:
        raise HostKeyError(
            f"{address} port {port} gave no SSH host key; is it running, with sshd, and reachable?"
        )
    return sorted(line.split(maxsplit=1)[1] for line in lines)


def _rewrite(name: str, new: list[str], path: Path) -> bool:
    with files.locked(path.with_name(f"{path.name}.lock")):
        old = _lines(path)
        if [line for line in old if _is_of(name, line)] == new:
            return False
        kept = [line for line in old if not _is_of(name, line)]
        files.replace(path, "".join(f"{line}\n" for line in kept + new))
    return True


def _body(key: str) -> str:
    return " ".join(key_pairs.check_public(key).split()[:2])


def _lines_of(name: str, path: Path | None) -> list[str]:
    return [line for line in _lines(path or paths.known_hosts()) if _is_of(name, line)]


def _lines(path: Path) -> list[str]:
    return path.read_text().splitlines() if path.exists() else []


def _is_of(name: str, line: str) -> bool:
    return line.startswith(f"{name} ")
