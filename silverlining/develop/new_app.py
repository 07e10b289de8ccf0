"""A new application: the files that `silver init` begins with."""

import os
import re
import string
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from silverlining import files
from silverlining.app import app_ini, uploads
from silverlining.app.app_paths import shown
from silversupport.errors import SilverError

TEMPLATES = Path(__file__).parent / "templates"
PLAIN = "plain"
"""The template of an application that is to become anything."""

REQUIREMENTS = "requirements.txt"
DIRECTORIES = ("bin", "lib/python", "src", "static")
_MANY = 8


class InitError(SilverError):
    """An application cannot be made where, or as, it was asked for."""


@dataclass(frozen=True)
class File:
    """What a file of a new application is to be.

    Attributes:
        text: its content, or the target of a symbolic link.
        mode: its permission bits; None for a link.
    """

    text: str
    mode: int | None = 0o644

    def is_at(self, path: Path) -> bool:
        """Tell whether a path is just this."""
        if path.is_symlink() or self.mode is None:
            return path.is_symlink() and str(path.readlink()) == self.text
        return path.is_file() and path.read_bytes() == self.text.encode()

    def write(self, path: Path) -> None:
        """Put it at a path, in place of a file that may be there."""
        path.parent.mkdir(parents=True, exist_ok=True)
        if self.mode is None:
            path.unlink(missing_ok=True)
            path.symlink_to(self.text)
        else:
            files.replace(path, self.text, self.mode)


Files = Mapping[PurePosixPath, File]


def templates() -> list[str]:
    """Return the names of the templates that can be asked for."""
    return sorted(path.name for path in TEMPLATES.iterdir() if path.name != PLAIN)


def name_for(directory: Path) -> str:
    """Return an `app_name` made from a directory's name.

    Raises:
        InitError: the directory's name leads to none that is allowed.
    """
    name = re.sub(r"[^a-z0-9_]+", "_", directory.name.lower()).strip("_")
    if problem := app_ini.name_problem(name):
        raise InitError(f"{directory.name}: {problem}: say --name NAME")
    return name


def write_missing(directory: Path, planned: Files) -> None:
    """Write those files in whose place there is nothing."""
    for path, file in planned.items():
        if not os.path.lexists(directory / path):
            file.write(directory / path)


def host_for(name: str) -> str:
    """Return the first part of a host name that fits an `app_name`."""
    return name.replace("_", "-").strip("-")


def ignore_files() -> Files:
    """Return the `.gitignore` of the application, and that of `lib/python`.

    Each may be a repository of its own.
    """
    machinery = [p for p in uploads.EXCLUDED if p.startswith("/")]
    libraries = [p.removeprefix("/lib/python") for p in machinery if p.startswith("/lib/python/")]
    return {
        PurePosixPath(".gitignore"): File(_ignore_text(machinery)),
        PurePosixPath("lib/python/.gitignore"): File(_ignore_text(libraries)),
    }


def from_template(template: str, name: str) -> Files:
    """Return the files of a new application.

    Args:
        template: a name from `templates`, or `PLAIN`.
        name: its `app_name`.
    """
    top = TEMPLATES / template
    found = {PurePosixPath(path.relative_to(top)): path for path in sorted(top.rglob("*"))}
    copied = {
        path: _copy(source, name)
        for path, source in found.items()
        if (source.is_symlink() or source.is_file()) and "__pycache__" not in path.parts
    }
    source_path = {PurePosixPath("lib/python/src.pth"): File("../../src\n")}
    return {**ignore_files(), **source_path, **copied}


def in_the_way(directory: Path, planned: Files) -> list[PurePosixPath]:
    """Return the planned files in whose place there is something else."""
    return [
        path
        for path, file in planned.items()
        if os.path.lexists(directory / path) and not file.is_at(directory / path)
    ]


def strangers(directory: Path, planned: Files) -> list[PurePosixPath]:
    """Return what is in a directory, is not planned, and is not only version control's.

    What an `init` that was interrupted has left behind is no stranger.
    """
    ours = {*planned, *map(PurePosixPath, DIRECTORIES)}
    ours |= {parent for path in ours for parent in path.parents}
    return [path for path in uploads.walk(directory) if path not in ours]


def check(directory: Path, planned: Files, force: bool) -> list[PurePosixPath]:
    """Return the files that will be overwritten: none, unless by `force`.

    Args:
        directory: the application's root; it need not exist.
        planned: what is to be written.
        force: whether files may be overwritten, and be added to a directory that is not empty.

    Raises:
        InitError: something is in the way.
    """
    others, overwritten = strangers(directory, planned), in_the_way(directory, planned)
    blocked = [path for path in overwritten if (directory / path).is_dir()]
    if blocked:
        raise InitError(f"{directory}: there are directories in the place of {_listed(blocked)}")
    is_app = os.path.lexists(directory / app_ini.FILE)
    if force or not (overwritten or (others and not is_app)):
        return overwritten
    replaced = f", and overwrites {_listed(overwritten)}" if overwritten else ""
    found = _listed([*overwritten, *others])
    raise InitError(
        f"{directory} is not empty: {found}. Choose another directory, or say --force, which adds "
        f"what is missing{replaced}"
    )


def write(directory: Path, planned: Files) -> None:
    """Write the files of an application; `app.ini` last, for it says that all are there.

    Those that are there already, with this content, are left alone.
    """
    for name in DIRECTORIES:
        (directory / name).mkdir(parents=True, exist_ok=True)
    for path in sorted(planned, key=lambda path: path.name == app_ini.FILE):
        if not planned[path].is_at(directory / path):
            planned[path].write(directory / path)


def _copy(source: Path, name: str) -> File:
    if source.is_symlink():
        return File(str(source.readlink()), None)
    text = source.read_text()
    if source.name == app_ini.FILE:
        text = string.Template(text).substitute(app_name=name, host=host_for(name))
    return File(text, 0o755 if source.stat().st_mode & 0o100 else 0o644)


def _ignore_text(patterns: list[str]) -> str:
    byte_code = [pattern for pattern in uploads.EXCLUDED if "pyc" in pattern]
    title = "# What `silver init` makes anew on every laptop, and byte code"
    return "\n".join([title, *patterns, *byte_code, ""])


def _listed(paths: list[PurePosixPath]) -> str:
    names = [shown(path) for path in paths[:_MANY]]
    more = [f"{len(paths) - _MANY} more"] if len(paths) > _MANY else []
    return ", ".join(names + more)
