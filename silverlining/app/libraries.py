"""Fills the ``lib/python`` of a sample application from its lock file.

The libraries of the samples are not committed here; a user commits those of an application.
"""

import re
import shutil
import subprocess
import sys
import tempfile
from importlib.metadata import distributions
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from silverlining import files, paths
from silversupport.errors import SilverError

OURS = ("*.pth", "silvercustomize.py")
"""What may be committed in the ``lib/python`` of a sample: it is kept."""


class LibraryError(SilverError):
    """Libraries cannot be installed."""


def fill(application: Path) -> bool:
    """Make ``lib/python`` hold what ``requirements.lock`` says, if the application has one.

    Args:
        application: Its root directory.

    Returns:
        Whether anything was installed.

    Raises:
        LibraryError: pip failed; the message ends with what it said.
    """
    lock, target = application / "requirements.lock", application / "lib/python"
    if not lock.exists():
        return False
    with files.locked(paths.state_dir() / "libraries.lock"):
        if is_filled(target, lock.read_text()):
            return False
        with tempfile.TemporaryDirectory(prefix="silver-") as directory:
            _install(lock, Path(directory))
            _replace(target, Path(directory))
    return True


def is_filled(target: Path, lock: str) -> bool:
    """Return whether a directory has every distribution of a lock file, in its version."""
    found = {
        canonicalize_name(dist.name): dist.version for dist in distributions(path=[str(target)])
    }
    return wanted(lock).items() <= found.items()


def wanted(lock: str) -> dict[str, str]:
    """Return the version of each distribution in a lock file, for the running Python."""
    lines = [line for line in lock.splitlines() if re.match(r"\w", line)]
    requirements = [Requirement(line.removesuffix("\\")) for line in lines]
    return {
        canonicalize_name(each.name): next(iter(each.specifier)).version
        for each in requirements
        if each.marker is None or each.marker.evaluate()
    }


def _install(lock: Path, target: Path) -> None:
    pip = [sys.executable, "-m", "pip", "--quiet", "--disable-pip-version-check", "--no-input"]
    options = ["--require-hashes", "--no-deps", "--only-binary", ":all:", "--no-compile"]
    done = subprocess.run(
        [*pip, "install", *options, "--target", str(target), "-r", str(lock)],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise LibraryError(f"pip cannot install what is in {lock}:\n{done.stderr.strip()}")


def _replace(target: Path, new: Path) -> None:
    """Put new libraries in place of old ones; what says that they are there comes last."""
    target.mkdir(parents=True, exist_ok=True)
    for old in target.iterdir():
        if old.is_dir() and not old.is_symlink():
            shutil.rmtree(old)
        elif not any(old.match(pattern) for pattern in OURS):
            old.unlink()
    for path in sorted(new.iterdir(), key=lambda path: path.suffix == ".dist-info"):
        shutil.move(path, target)
