"""When the nodes of a source were last changed from this machine.

An inventory may keep a provider's answer for a while. What `libcloud_node` creates or destroys has
to be seen by the next command all the same, whichever cache plugin there is and wherever it keeps
things, so a kept answer counts only if it is younger than the last change.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from hashlib import sha256
from pathlib import Path

from silverlining import paths


@contextmanager
def changing(source: str) -> Iterator[None]:
    """Mark a source as changed, when the block begins (it may be killed) and when it ends.

    Args:
        source: Path of the source file.
    """
    _marker(source).touch()
    try:
        yield
    finally:
        _marker(source).touch()


def last_change(source: str) -> float:
    """Return when the nodes of a source, or the source file itself, last changed, in seconds."""
    changes = [path.stat().st_mtime for path in (_marker(source), Path(source)) if path.exists()]
    return max(changes, default=0.0)


def _marker(source: str) -> Path:
    directory = paths.state_dir() / "changed-sources"
    directory.mkdir(exist_ok=True)
    return directory / sha256(str(Path(source).resolve()).encode()).hexdigest()
