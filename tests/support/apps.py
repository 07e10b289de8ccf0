"""Applications for tests: copies with something changed."""

import re
import shutil
from collections.abc import Mapping
from pathlib import Path

from silverlining.app import libraries
from silverlining.playbook import ROOT

PROBE = ROOT / "molecule/default/apps/probe"


def sample(name: str) -> Path:
    """Return a sample application, with its libraries."""
    directory = ROOT / "apps" / name
    libraries.fill(directory)
    return directory


def copy(source: Path, target: Path, changes: Mapping[str, str] | None = None) -> Path:
    """Copy an application.

    Args:
        source: the application's directory.
        target: the copy's; it does not exist yet.
        changes: new contents of some files, by path.

    Returns:
        The copy.
    """
    shutil.copytree(source, target, symlinks=True, ignore=shutil.ignore_patterns("__pycache__"))
    for path, content in (changes or {}).items():
        change(target, path, content)
    return target


def change(app: Path, path: str, content: str) -> None:
    """Give a file of an application another content, or make it."""
    file = app / path
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(content)


def set_key(app: Path, key: str, value: str) -> Path:
    """Set a key of an application's app.ini, and return the application."""
    file = app / "app.ini"
    text = re.sub(rf"^{re.escape(key)} *=.*\n?", "", file.read_text(), flags=re.MULTILINE)
    file.write_text(f"{text.rstrip()}\n{key} = {value}\n")
    return app
