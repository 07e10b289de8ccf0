"""The directory that an application's filled-in configuration is written to."""

import os
import shutil
import tempfile
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from silversupport.errors import SilverError

PRIVATE, PRIVATE_PROGRAM = 0o600, 0o700


class OutputError(SilverError):
    """A configuration cannot be written where it was to be."""


@dataclass(frozen=True)
class File:
    """A file of a configuration.

    Attributes:
        content: all that is in it.
        mode: its permission bits.
    """

    content: bytes
    mode: int


def check_target(out: Path, directory: Path, force: bool) -> None:
    """Check that a configuration can be written.

    Args:
        out: the directory to write to.
        directory: the application's root.
        force: whether files there may be replaced.

    Raises:
        OutputError: it has files, is none to write to, or would be uploaded with the app.
    """
    if Path(os.path.realpath(out)).is_relative_to(os.path.realpath(directory)):
        raise OutputError(
            f"{out} is inside the application, and would be uploaded with it: a configuration has"
            " passwords; choose a directory elsewhere"
        )
    if not out.parent.is_dir():
        raise OutputError(f"{out.parent}: there is no such directory")
    if out.exists() and not out.is_dir():
        raise OutputError(f"{out} is a file; choose a directory that is empty or not there yet")
    if out.is_dir() and any(out.iterdir()) and not force:
        raise OutputError(f"{out} is not empty; --force replaces the files of the same names")


def write(files: Mapping[PurePosixPath, File], out: Path) -> None:
    """Write a configuration: no file of it by halves, and none at all if it cannot be made.

    Args:
        files: its files.
        out: the directory, which may be there; other files in it stay.

    Raises:
        OSError: it cannot be written.
    """
    out = Path(os.path.realpath(out))
    is_there = out.is_dir()
    draft = Path(tempfile.mkdtemp(dir=out if is_there else out.parent, prefix=f".{out.name}."))
    try:
        for name, file in files.items():
            _write(draft / name, file)
        if is_there:
            _fill(out, draft, files)
        else:
            draft.rename(out)
    finally:
        shutil.rmtree(draft, ignore_errors=True)


def _write(path: Path, file: File) -> None:
    _make_directories(path.parent)
    path.touch(file.mode)
    path.write_bytes(file.content)


def _make_directories(directory: Path) -> None:
    # One by one: `parents` would make those above with the umask's mode.
    for path in (*reversed(directory.parents), directory):
        if not path.exists():
            path.mkdir(mode=0o700)


def _fill(out: Path, draft: Path, names: Iterable[PurePosixPath]) -> None:
    """Move files into a directory that stays the one it is: somebody may be standing in it."""
    for name in names:
        _make_directories((out / name).parent)
        (draft / name).replace(out / name)
