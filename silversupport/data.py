"""Where Silver Lining keeps its own files on a laptop.

Every Python of an application asks this while it starts, so it imports nothing but `os`.
"""

# ruff: noqa: PTH102, PTH111, PTH112, PTH118, PTH120 (pathlib alone would take longer than all that is done here)
import os

from silversupport.errors import SilverError


class DataError(SilverError):
    """A directory for data cannot be made."""


def data_dir() -> str:
    """Return the directory of all that Silver Lining keeps; it need not exist.

    Source: the XDG Base Directory Specification, https://specifications.freedesktop.org/basedir.
    """
    configured = os.environ.get("XDG_DATA_HOME", "").strip()
    home = configured or os.path.join(os.path.expanduser("~"), ".local", "share")
    return os.path.join(home, "silverlining")


def devel_dir(app_name: str) -> str:
    """Return the directory of what an application has in development; it need not exist."""
    return os.path.join(data_dir(), "devel", app_name)


def made(path: str) -> str:
    """Return a directory, after making it and those above it, for its user only, if missing.

    Raises:
        DataError: it cannot be made.
    """
    if not os.path.isdir(path):
        if parent := os.path.dirname(path):
            made(parent)
        try:
            os.mkdir(path, 0o700)
        except OSError as error:
            if not os.path.isdir(path):  # another process may have been faster
                raise DataError(f"{path}: it cannot be made ({error.strerror}).") from error
    return path
