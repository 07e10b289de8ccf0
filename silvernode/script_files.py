"""Files that a person sends along with a script, in the app's own directory for temporary ones."""

import os
import pwd
import re
import shutil
import tarfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path, PurePosixPath
from typing import IO

from silvernode import apps, interrupts, units
from silvernode.errors import NodeError
from silvernode.layout import Layout

ID = re.compile(r"[0-9a-f]{32}")
"""What tells a script from every other one."""

ABANDONED_SECONDS = 24 * 3600
Owner = tuple[int, int]
"""Ids of a user and a group."""

DIRECTORY = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW


def receive(layout: Layout, app: str, identity: str, count: int, stream: IO[bytes]) -> Path:
    """Put files where a script of an app can read them.

    Args:
        layout: the node's paths.
        app: the app's name.
        identity: the script's.
        count: how many files there are.
        stream: a tar archive of them.

    Returns:
        The directory that they are in, each in one of its own: `0/NAME`, `1/NAME`.

    Raises:
        NodeError: they did not arrive; nothing is left of them.
        OSError: the disk is full, for example; likewise.
    """
    entry = pwd.getpwnam(apps.user(app))
    owner = entry.pw_uid, entry.pw_gid
    tmp = layout.data("tmp", app)
    _drop_abandoned(tmp, app)
    try:
        # The app may write to tmp, and put a link in a new directory's place meanwhile: everything
        # is done through descriptors of what was made here.
        parent = os.open(tmp, DIRECTORY)
        try:
            with _directory(parent, _name(identity), owner) as top:
                _extract(stream, top, count, owner)
        finally:
            os.close(parent)
    except BaseException:
        interrupts.ignore()
        discard(layout, identity)
        raise
    return tmp / _name(identity)


def discard(layout: Layout, identity: str) -> None:
    """Remove the files that came with a script, if there are any.

    What cannot be removed is left to `_drop_abandoned`.
    """
    for path in layout.state.glob(f"tmp/*/{_name(identity)}"):
        _remove(path)


def _name(identity: str) -> str:
    return f"run-{identity}"


def _extract(stream: IO[bytes], top: int, count: int, owner: Owner) -> None:
    try:
        with tarfile.open(fileobj=stream, mode="r|") as archive:
            for number, member in enumerate(archive):
                source, name = archive.extractfile(member), PurePosixPath(member.name).name
                if source is None or name in ("", ".."):
                    raise NodeError(f"not a file: {member.name!r}")
                with _directory(top, str(number), owner) as parent:
                    _write(parent, name, source, 0o600 | member.mode & 0o100, owner)
                count -= 1
    except tarfile.TarError as error:
        raise NodeError(f"the files did not arrive whole ({error})") from error
    if count:
        raise NodeError("the files did not all arrive")


@contextmanager
def _directory(parent: int, name: str, owner: Owner) -> Iterator[int]:
    """Make a directory, give the block a descriptor of it, and then its owner the directory."""
    os.mkdir(name, 0o700, dir_fd=parent)
    descriptor = os.open(name, DIRECTORY, dir_fd=parent)
    try:
        yield descriptor
        os.fchown(descriptor, *owner)
    finally:
        os.close(descriptor)


def _write(parent: int, name: str, source: IO[bytes], mode: int, owner: Owner) -> None:
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW
    with os.fdopen(os.open(name, flags, 0o600, dir_fd=parent), "wb") as file:
        shutil.copyfileobj(source, file)
        os.fchmod(file.fileno(), mode)
        os.fchown(file.fileno(), *owner)


def _drop_abandoned(tmp: Path, app: str) -> None:
    """Remove what came with scripts that were never run, since the connection broke in between."""
    for path in tmp.glob(_name("*")):
        identity = path.name.removeprefix(_name(""))
        if (
            ID.fullmatch(identity)
            and _is_old(path)
            and not units.is_active(units.script(app, identity))
        ):
            _remove(path)


def _is_old(path: Path) -> bool:
    try:
        return time.time() - path.lstat().st_mtime > ABANDONED_SECONDS
    except FileNotFoundError:
        return False  # its script has just ended


def _remove(path: Path) -> None:
    """Remove a directory as far as that is possible: the app may change it meanwhile.

    Whatever else is called so is the app's own: a file, or a link.
    """
    with suppress(RecursionError):  # the app made it too deep for Python 3.11
        shutil.rmtree(path, ignore_errors=True)
