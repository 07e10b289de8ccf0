"""The Python that runs an application in development, and the environment it starts in.

It is never the one that `silver` runs in: what an application imports here must be there on a node
too, so the packages of this project's own virtual environment are kept out of its sight.
"""

import os
import subprocess
import sys
import sysconfig
from hashlib import sha256
from pathlib import Path

from silverlining import paths
from silverlining.develop import devel_services
from silverlining.playbook import ROOT
from silversupport import devel

NODE_PYTHON = Path("/usr/bin/python3")
"""What a node runs applications with; it sees the packages of the distribution."""

SUPPORT = {"silversupport": "silversupport", "sitecustomize.py": "silversupport/sitecustomize.py"}
"""What is in the directory that is on PYTHONPATH, and where it is in this repository."""

_TOO_OLD = "import sys; sys.exit(sys.version_info < (3, 11))"
_CHECK_SECONDS = 10
# These lead a Python to the packages of another one.
_FOREIGN = frozenset({"PYTHONHOME", "PYTHONPATH", "VIRTUAL_ENV", "VIRTUAL_ENV_PROMPT"})


def interpreter(app_dir: Path) -> Path:
    """Return the Python for an application: its own, else that of a node, else ours.

    Args:
        app_dir: the application's root, which may be a virtual environment.
    """
    candidates = (app_dir.absolute() / "bin" / "python", NODE_PYTHON)
    return next(filter(_works, candidates), _base_python())


def environment(
    app_dir: Path,
    config_dir: Path | None = None,
    report: devel_services.Report = lambda _: None,
    provide: bool = True,
) -> dict[str, str]:
    """Return the whole environment of an application's processes.

    Args:
        app_dir: the application's root.
        config_dir: its deployment configuration.
        report: Told what is going on, when it takes long.
        provide: whether its services are made available; if not, they are only looked for.

    Raises:
        SilverError: its `app.ini` cannot be used, or a service cannot be had.
    """
    if provide:
        devel_services.provide(app_dir, report)
    variables = devel.environment(
        str(app_dir), config_dir=str(config_dir) if config_dir else "", provide=provide
    )
    inherited = {key: value for key, value in os.environ.items() if key not in _FOREIGN}
    own = {
        "PATH": _path_without_ours(inherited.get("PATH", os.defpath)),
        "PYTHONPATH": str(support_dir()),
        # What `pip install --user` put into the home directory is on no node.
        "PYTHONNOUSERSITE": "1",
    }
    return inherited | variables | own


def support_dir() -> Path:
    """Return a directory that holds `silversupport` and `sitecustomize.py` and nothing else.

    It is what /usr/local/share/silverlining is on a node. Each clone of this repository has one.
    """
    directory = paths.state_dir() / "support" / sha256(os.fsencode(ROOT)).hexdigest()[:12]
    directory.mkdir(parents=True, exist_ok=True)
    for name, target in SUPPORT.items():
        _link(directory / name, ROOT / target)
    return directory


def _link(link: Path, target: Path) -> None:
    """Make a symbolic link unless it is there; several processes may do so at once."""
    if link.is_symlink() and link.readlink() == target:
        return
    draft = link.with_name(f".{link.name}.{os.getpid()}")
    draft.unlink(missing_ok=True)
    draft.symlink_to(target)
    draft.replace(link)


def _works(python: Path) -> bool:
    """Tell whether a Python can be started here and is not too old."""
    if not os.access(python, os.X_OK):
        return False
    try:
        # Isolated and without `site`: what its packages do at the start is not asked for.
        done = subprocess.run(
            [python, "-I", "-S", "-c", _TOO_OLD],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            check=False,
            timeout=_CHECK_SECONDS,
        )
    except (OSError, subprocess.TimeoutExpired):  # made for another machine
        return False
    return done.returncode == 0


def _base_python() -> Path:
    """Return the Python that this project's virtual environment was made from."""
    return Path(sys.base_prefix, "bin", f"python{sys.version_info.major}.{sys.version_info.minor}")


def _path_without_ours(path: str) -> str:
    """Return PATH without this project's virtual environment, should it be activated."""
    ours = os.path.realpath(sysconfig.get_path("scripts"))
    entries = path.split(os.pathsep)
    return os.pathsep.join(entry for entry in entries if os.path.realpath(entry) != ours)
