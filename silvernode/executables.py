"""What a person means by the name of a script: a file of the app, or a program of the node."""

import difflib
import os
import re
import shutil
from collections.abc import Sequence
from pathlib import Path

from silvernode.errors import NodeError

PYTHON = "/usr/bin/python3"
SYSTEM_PATH = "/usr/local/bin:/usr/bin:/bin"

# The second form is what pip writes where the first would be too long for the kernel or has blanks:
# https://github.com/pypa/distlib/blob/0.3.9/distlib/scripts.py#L157
_PYTHON_HEAD = re.compile(rb"#!.*python|#!/bin/sh\n'''exec' .*python")
_HEAD_BYTES = 512


class NotFound(NodeError):
    """There is no such script or program."""

    status = 127


class NotExecutable(NodeError):
    """It is there and cannot be run."""

    status = 126


def search_path(tree: Path) -> str:
    """Return the PATH of an app's scripts.

    Args:
        tree: the instance's directory.
    """
    return f"{tree}/bin:{SYSTEM_PATH}"


def find(tree: Path, name: str) -> list[str]:
    """Return the beginning of the command that runs a script of an app, or a program.

    Args:
        tree: the instance's directory.
        name: that of a file in its `bin/` or of a program, or a path: in the app, or absolute.

    Raises:
        NotFound: there is none; names the near ones.
        NotExecutable: it is no Python and may not be executed.
    """
    if name in ("python", "python3"):
        return [PYTHON]
    path = tree / name if "/" in name else tree / "bin" / name
    if not path.is_file() and "/" not in name:
        path = Path(shutil.which(name, path=SYSTEM_PATH) or path)
    if not path.is_file():
        raise NotFound(_unknown(tree, name))
    if path.is_relative_to(tree) and _is_python(path):
        return [PYTHON, str(path)]
    _check_executable(path, name)
    return [str(path)]


def _is_python(path: Path) -> bool:
    """Tell whether a file is a Python script.

    Its `#!` line names a Python of the laptop, so it is never followed.
    """
    if path.suffix == ".py":
        return True
    with path.open("rb") as file:
        return bool(_PYTHON_HEAD.match(file.read(_HEAD_BYTES)))


def _check_executable(path: Path, name: str) -> None:
    """Check what systemd would answer with a number: a script may end with the same."""
    if not os.access(path, os.X_OK):
        raise NotExecutable(f"{name} is neither Python nor executable: chmod +x it and update")
    with path.open("rb") as file:
        head = file.readline(_HEAD_BYTES)
    if head.startswith(b"\x7fELF"):
        return
    words = os.fsdecode(head.removeprefix(b"#!")).split() if head.startswith(b"#!") else []
    if not words:
        raise NotExecutable(f"{name} has no #! line that says what it is written for")
    if not Path(words[0]).is_file():
        raise NotExecutable(f"{name} needs {words[0]}, which the node does not have")


def _unknown(tree: Path, name: str) -> str:
    if "/" in name:
        return f"there is no file {name} in {tree.name}"
    scripts = sorted(path.name for path in tree.glob("bin/*") if path.is_file())
    near = difflib.get_close_matches(name, scripts) or scripts[:10]
    hint = f"; in bin/ there is {_listed(near)}" if near else ""
    return f"{tree.name} has no bin/{name}, and the node no program {name}{hint}"


def _listed(names: Sequence[str]) -> str:
    return ", ".join(names)
