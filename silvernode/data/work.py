"""Where copies of data lie for the time of a backup or restore, and whether there is room."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from silvernode import settings
from silvernode.errors import NodeError
from silvernode.layout import Layout


@contextmanager
def directory(layout: Layout, app: str, purpose: str) -> Iterator[Path]:
    """Give an empty directory that only root can enter, and remove it at the end.

    To be called under the lock of the app's data. What a killed command left there goes first.

    Args:
        layout: the node's paths.
        app: the app's name.
        purpose: what it is for, in one word.
    """
    path = _path(layout, app, purpose)
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    path.parent.chmod(0o700)
    remove(layout, app, purpose)
    path.mkdir(mode=0o700)
    try:
        yield path
    finally:
        remove(layout, app, purpose)


def remove(layout: Layout, app: str, purpose: str) -> None:
    """Remove such a directory, if there is one."""
    _remove(_path(layout, app, purpose))


def remove_all(layout: Layout, purpose: str) -> None:
    """Remove every directory of a purpose; nobody may be at work for it."""
    for path in (layout.state / "backup/work").glob(f"*.{purpose}"):
        _remove(path)


def check_room(layout: Layout, needed: int, purpose: str) -> None:
    """Check that there is room on the disk.

    Args:
        layout: the node's paths.
        needed: how many bytes are going to be written.
        purpose: what for, as a person would say it.

    Raises:
        NodeError: there is not; says how much there is.
    """
    reserve = settings.load(layout).disk_reserve_mb * 2**20
    free = shutil.disk_usage(layout.state).free - reserve
    if needed > free:
        raise NodeError(
            f"{purpose} takes {_megabytes(needed)} on the node's disk, and there are"
            f" {_megabytes(max(free, 0))} (role variable app_disk_reserve_mb stays free);"
            " make room with: ./silver clean-node NODE"
        )


def _megabytes(size: int) -> str:
    return f"{size / 2**20:,.0f} MB"


def _path(layout: Layout, app: str, purpose: str) -> Path:
    return layout.state / "backup/work" / f"{app}.{purpose}"


def _remove(path: Path) -> None:
    if path.exists():
        shutil.rmtree(path)
