"""Where Silver Lining keeps its own state on the laptop."""

from pathlib import Path

from silversupport import data


def state_dir() -> Path:
    """Return the state directory (on Linux ``~/.local/share/silverlining``), made private."""
    return Path(data.made(data.data_dir()))


def known_hosts() -> Path:
    """Return the file of recorded SSH host keys; it need not exist."""
    return state_dir() / "known_hosts"


def private_key() -> Path:
    """Return the private key for local nodes; ``key_pairs.default`` makes it."""
    return state_dir() / "id_ed25519"


def engine_log() -> Path:
    """Return the log of a Docker engine that Silver Lining started itself."""
    return state_dir() / "dockerd.log"
