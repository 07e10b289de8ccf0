"""An application's own paths.

Every Python of an application runs this while it starts, so it imports nothing that the
interpreter has not loaded by then: pathlib alone would take longer than all that is done here.
"""

# ruff: noqa: PTH100, PTH112, PTH113, PTH118
import os
import site
import sys

from silversupport.errors import SilverError


class PathsError(SilverError):
    """The application's directory cannot be used."""


def activate(app_dir: str) -> None:
    """Put the application's libraries on `sys.path` and run its `silvercustomize`, if it has one.

    `lib/python`, then what its `.pth` files name (relative to `lib/python`), come after the
    standard library and before every package of the distribution. Doing it twice adds nothing.

    Args:
        app_dir: the application's root directory.

    Raises:
        PathsError: there is no such directory.
        BaseException: whatever `lib/python/silvercustomize.py` raises.
    """
    if not os.path.isdir(app_dir):
        raise PathsError(f"SILVER_INSTANCE_DIR: there is no directory {app_dir}.")
    libraries = os.path.join(os.path.abspath(app_dir), "lib", "python")
    if os.path.isdir(libraries):
        _add(libraries)
    if os.path.isfile(os.path.join(libraries, "silvercustomize.py")):
        import silvercustomize  # type: ignore[import-not-found]  # noqa: F401


def _add(libraries: str) -> None:
    before = list(sys.path)
    site.addsitedir(libraries)
    added = [entry for entry in sys.path if entry not in before]
    # In a virtual environment, site-packages can be a link to lib/python.
    real = {os.path.realpath(entry) for entry in added}
    others = [entry for entry in before if os.path.realpath(entry) not in real]
    at = _first_of_distribution(others)
    sys.path[:] = [*others[:at], *added, *others[at:]]


def _first_of_distribution(entries: list[str]) -> int:
    packages = {site.USER_SITE, *site.getsitepackages()}
    return next((i for i, entry in enumerate(entries) if entry in packages), len(entries))
