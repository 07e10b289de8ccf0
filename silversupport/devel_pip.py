"""Makes pip work for an application on a laptop: it installs into `lib/python`, and is not there.

The pip is the one of Silver Lining's own environment. It does not see the packages of the
distribution, or it would count a library as installed that `lib/python` lacks.
"""

from __future__ import annotations

import atexit
import os
import re
import sys
import sysconfig
from base64 import urlsafe_b64encode
from hashlib import sha256
from importlib.machinery import PathFinder
from pathlib import Path
from typing import TYPE_CHECKING

from silversupport.devel_site import PIP

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from importlib.machinery import ModuleSpec
    from types import ModuleType

LIBRARIES = "lib/python"
HEADER = b"""#!/bin/sh
'''exec' "$(dirname -- "$0")/python" "$0" "$@"
' '''
"""
"""How a script starts the Python beside it, wherever that is. It is Python as well as shell: so do
pip's own scripts where a path is long, https://github.com/pypa/distlib (distlib/scripts.py)."""


class _PipFinder:
    """Finds the module `pip` where Silver Lining has it, and nothing else that is there."""

    @classmethod
    def find_spec(
        cls, name: str, path: Sequence[str] | None = None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        return PathFinder.find_spec(name, _places(), target) if name == "pip" else None


def prepare(app_dir: str) -> None:
    """Prepare this Python for pip, which it will run next.

    Args:
        app_dir: the application's root, a virtual environment.
    """
    link = os.path.realpath(Path(app_dir, LIBRARIES))
    sys.path[:] = [entry for entry in sys.path if os.path.realpath(entry) != link]
    sys.path.append(str(Path(app_dir, LIBRARIES)))
    _install_into_libraries()
    sys.meta_path.insert(0, _PipFinder)
    os.environ[PIP] = "1"
    atexit.register(make_portable, Path(app_dir, "bin"), Path(app_dir, LIBRARIES))


def make_portable(directory: Path, libraries: Path) -> None:
    """Make the scripts that pip wrote start the Python beside them, not one of this machine.

    They may be under version control with the libraries, and the application may be moved.

    Args:
        directory: where the scripts are.
        libraries: where pip has noted what it installed.
    """
    python = re.escape(os.fsencode(directory)) + rb"/python[0-9.]*"
    header = re.compile(
        rb"#!" + python + rb"\n|#!/bin/sh\n'''exec' \"?" + python + rb"\"? \"\$0\" \"\$@\"\n' '''\n"
    )
    for script in _scripts(directory):
        content = script.read_bytes()
        if match := header.match(content):
            content = HEADER + content[match.end() :]
            _replace(script, content)
            _correct_record(script.name, content, libraries)


def _install_into_libraries() -> None:
    """Tell pip where libraries go.

    `site-packages` is a link to there, but pip notes a script's path relative to the directory it
    installs into, and could not remove it from one that lies less deep.
    """
    schemes = sysconfig._INSTALL_SCHEMES  # type: ignore[attr-defined]  # there is no public way
    scheme = schemes[sysconfig.get_preferred_scheme("prefix")]
    scheme["purelib"] = scheme["platlib"] = f"{{base}}/{LIBRARIES}"


def _places() -> list[str]:
    """Return where Silver Lining's pip may be: in the clone's environment, or beside us."""
    root = Path(__file__).parents[1]
    return [*map(str, root.glob(".venv/lib/python3.*/site-packages")), str(root)]


def _scripts(directory: Path) -> Iterator[Path]:
    for path in directory.iterdir():
        if path.is_file() and not path.is_symlink() and os.access(path, os.R_OK | os.W_OK):
            with path.open("rb") as file:
                if file.read(2) == b"#!":
                    yield path


def _correct_record(name: str, content: bytes, libraries: Path) -> None:
    """Correct what pip has noted of a script: its hash and size.

    Source: https://packaging.python.org/en/latest/specifications/recording-installed-packages/.
    """
    path = b"../../bin/" + os.fsencode(name)
    digest = urlsafe_b64encode(sha256(content).digest()).rstrip(b"=")
    correct = path + b",sha256=%b,%d" % (digest, len(content))
    line = re.compile(rb"^" + re.escape(path) + rb",sha256=[\w-]+,\d+", re.MULTILINE)
    for record in libraries.glob("*.dist-info/RECORD"):
        noted = record.read_bytes()
        if line.search(noted):
            _replace(record, line.sub(lambda _: correct, noted))


def _replace(file: Path, content: bytes) -> None:
    draft = file.with_name(f".{file.name}.{os.getpid()}")
    draft.write_bytes(content)
    draft.chmod(file.stat().st_mode & 0o7777)
    draft.replace(file)
