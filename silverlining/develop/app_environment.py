"""The virtual environment that an application is on a laptop.

Its `site-packages` is `lib/python`, where pip puts libraries, and every Python of it starts
`silversupport.devel_site`, which gives it the application's environment.
"""

import os
import re
import shutil
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from silverlining import files
from silverlining.app import uploads
from silverlining.playbook import ROOT
from silversupport import devel_site
from silversupport.errors import SilverError

OLDEST = (3, 11)

_DESCRIBE = """
import os, sys
path = os.path.realpath(getattr(sys, "_base_executable", sys.executable))
sys.stdout.write("%d %d %s" % (sys.version_info[0], sys.version_info[1], path))
"""

# Made elsewhere, since `venv` refuses links in the place of `bin` and `site-packages`.
_MAKE = """
import sys, venv
made, meant, prompt = sys.argv[1:]

class Builder(venv.EnvBuilder):
    def setup_scripts(self, context):
        context.env_dir = meant
        super().setup_scripts(context)

Builder(symlinks=True, prompt=prompt).create(made)
"""

# Once, though `site` reads a `.pth` file of a virtual environment twice.
_START = """
import os
if os.path.isdir({package!r}):
    sys.path.insert(0, {root!r})
    try: from silversupport import devel_site
    finally: sys.path.remove({root!r})
    devel_site.start()
elif not hasattr(sys, "silver_gone"):
    sys.silver_gone = True
    sys.stderr.write({gone!r} + sys.prefix + {end!r})
"""

_PIP = """\
#!/bin/sh
# Made by `silver init`. Installs into lib/python; the pip itself is Silver Lining's.
exec "$(dirname -- "$0")/python" -P -m pip "$@"
"""


class EnvironmentFailure(SilverError):
    """An application cannot be made a virtual environment."""


@dataclass(frozen=True)
class Python:
    """A Python to make environments with.

    Attributes:
        path: the program itself, no link and of no virtual environment.
        version: such as "3.12".
    """

    path: Path
    version: str


def find_python(name: str) -> Python:
    """Return the Python that a name or a path stands for.

    Raises:
        EnvironmentFailure: there is none, it cannot be started, or it is too old.
    """
    found = shutil.which(name)
    if not found:
        raise EnvironmentFailure(f"there is no Python {name!r} that can be started")
    words = _run([found, "-I", "-S", "-c", _DESCRIBE], f"{name} is no Python").split(maxsplit=2)
    version = (int(words[0]), int(words[1]))
    if version < OLDEST:
        raise EnvironmentFailure(
            f"{name} is Python {version[0]}.{version[1]}; an application needs "
            f"{OLDEST[0]}.{OLDEST[1]} or newer: say --python"
        )
    return Python(Path(words[2].strip()), f"{version[0]}.{version[1]}")


def problem(directory: Path, python: Python) -> str | None:
    """Return what keeps a directory from being made an environment, None if nothing is known to."""
    packages = _site_packages(directory, python)
    if packages.is_dir() and not packages.is_symlink() and any(packages.iterdir()):
        return (
            f"{packages} is a directory with libraries of its own, which are not uploaded: "
            "remove it, and install what the application needs with bin/pip afterwards"
        )
    for name in ("bin", "lib", "lib/python"):
        path = directory / name
        if path.is_symlink() and not path.exists():
            return f"{path} is a link to {path.readlink()}, which is not there: put it there first"
        if path.exists() and not path.is_dir():
            return f"{path} is a file, and must be a directory"
    return None


def make(directory: Path, python: Python) -> None:
    """Make an application's directory a virtual environment, or make it one anew.

    Only the environment's own files are written, which are neither uploaded nor versioned.
    `bin` may be a link into `lib/python`.

    Args:
        directory: the application's root, absolute; it exists.
        python: the Python that it is to have.

    Raises:
        EnvironmentFailure: that Python has no working `venv`.
    """
    for name in ("bin", "lib/python"):
        (directory / name).mkdir(parents=True, exist_ok=True)
    _link_site_packages(_site_packages(directory, python))
    with tempfile.TemporaryDirectory(prefix="silver-") as temporary:
        made = Path(temporary, "environment")
        arguments = [str(made), str(directory), directory.name]
        _run(
            [str(python.path), "-I", "-c", _MAKE, *arguments],
            f"{python.path} cannot make a virtual environment (on Debian and Ubuntu: "
            f"'apt install python{python.version}-venv')",
        )
        files.replace(directory / "lib" / "python" / devel_site.STARTER, _starter(), 0o644)
        files.replace(directory / uploads.ENVIRONMENT, _configuration(made), 0o644)
        files.replace(directory / "bin" / "pip", _PIP, 0o755)
        # Last comes what makes it look complete.
        for program in sorted((made / "bin").iterdir(), key=lambda path: path.name == "python"):
            path = PurePosixPath("bin", program.name)
            if uploads.is_excluded(path):  # not so one more name that Python 3.14 adds
                _move(program, directory / path)


def install(directory: Path, requirements: Path) -> int:
    """Install what a file lists into an application's `lib/python`; return pip's exit status.

    What pip prints is shown as it comes.
    """
    pip = [str(directory / "bin" / "pip"), "install", "-r", str(requirements)]
    return subprocess.run(pip, check=False).returncode


def difference(directory: Path, node_python: str) -> list[str]:
    """Return a warning if an application's environment has another Python than a node.

    Args:
        directory: the application's root.
        node_python: the version of the node's Python, such as "3.12".
    """
    here = _version(directory / uploads.ENVIRONMENT)
    if here in ("", node_python):
        return []
    return [
        f"the application was tried with Python {here}, the node has {node_python}: libraries "
        "that are made for one version, or asked for on a condition, may be missing there"
    ]


def _version(configuration: Path) -> str:
    """Return what a `pyvenv.cfg` says, such as "3.11"; "" if there is none."""
    text = configuration.read_text() if configuration.is_file() else ""
    found = re.search(r"^version(_info)? *= *(3\.\d+)", text, re.MULTILINE)
    return found[2] if found else ""


def _site_packages(directory: Path, python: Python) -> Path:
    return directory / "lib" / f"python{python.version}" / "site-packages"


def _link_site_packages(packages: Path) -> None:
    packages.parent.mkdir(parents=True, exist_ok=True)
    if packages.is_symlink():
        packages.unlink()
    elif packages.is_dir():
        packages.rmdir()
    packages.symlink_to("../python")


def _starter() -> str:
    """Return the `.pth` file: `site` runs its one line in every Python of the environment."""
    gone = (
        f"silver: there is no Silver Lining in {ROOT} any more, so this Python lacks the "
        "application's environment; from where it is now, type: ./silver init "
    )
    package = str(ROOT / "silversupport")
    code = _START.format(package=package, root=str(ROOT), gone=gone, end="\n")
    return f"import sys; exec({code!r})\n"


def _configuration(made: Path) -> str:
    lines = (made / uploads.ENVIRONMENT).read_text().splitlines(keepends=True)
    # How it was made, in a directory that is gone.
    return "".join(line for line in lines if not line.startswith("command"))


def _move(source: Path, target: Path) -> None:
    draft = target.with_name(f".{target.name}.{os.getpid()}")
    shutil.move(source, draft)
    draft.replace(target)


def _run(command: list[str], failure: str) -> str:
    """Return what a program prints; raise `EnvironmentFailure` with what it said when it fails."""
    try:
        done = subprocess.run(
            command, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False
        )
    except OSError as error:
        raise EnvironmentFailure(f"{failure}: {error.strerror}") from error
    if done.returncode:
        raise EnvironmentFailure(f"{failure}:\n{(done.stderr or done.stdout).strip()}")
    return done.stdout
