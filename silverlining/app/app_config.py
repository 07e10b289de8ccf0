"""A deployment configuration: a directory that is uploaded beside an application."""

import os
import stat
from pathlib import Path

from silverlining.app import uploads
from silversupport.errors import SilverError

# Version control's and an editor's: what is tied to an application's root is left alone here.
_LEFT_OUT = tuple(pattern for pattern in uploads.EXCLUDED if not pattern.startswith("/"))

FILTERS = tuple(f"--filter=- {pattern}" for pattern in _LEFT_OUT)
"""The options that make rsync leave out what of a configuration is not uploaded."""


class ConfigError(SilverError):
    """A directory is no deployment configuration."""


def check(directory: Path) -> Path:
    """Check that a directory can be uploaded as a deployment configuration.

    Returns:
        The directory, absolute and without symbolic links.

    Raises:
        ConfigError: it is missing or empty, or something in it cannot be uploaded; names all.
    """
    if not directory.is_dir():
        what = "is a file, not a directory" if directory.exists() else "there is no such directory"
        raise ConfigError(f"configuration {directory}: {what}")
    root = Path(os.path.realpath(directory))
    paths = [
        Path(parent, name)
        for parent, directories, files in os.walk(root)
        for name in (*directories, *files)
    ]
    if not any(path.is_file() for path in paths):
        raise ConfigError(f"configuration {directory}: there is no file in it")
    problems = [
        f"{directory / path.relative_to(root)}: {p}"
        for path in paths
        if (p := _problem(root, path))
    ]
    if problems:
        raise ConfigError("\n".join(problems))
    return root


def _problem(root: Path, path: Path) -> str | None:
    """Return what keeps a file from being uploaded, if anything."""
    mode = path.lstat().st_mode
    if stat.S_ISLNK(mode):
        if path.readlink().is_absolute() or not path.resolve().is_relative_to(root):
            return "is a symbolic link that leaves the configuration; put the file itself there"
        return None if path.exists() else "is a symbolic link that leads nowhere; remove it"
    if not (stat.S_ISDIR(mode) or stat.S_ISREG(mode)):
        return "is neither a file nor a directory; remove it"
    needed = os.R_OK | (os.X_OK if stat.S_ISDIR(mode) else 0)
    return None if os.access(path, needed) else "you may not read it; change its permissions"
