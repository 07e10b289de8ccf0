"""What of an application's directory is uploaded: the same answer for rsync and for checks."""

import os
import re
from collections.abc import Iterator
from pathlib import Path, PurePosixPath

from silversupport.devel_site import STARTER

# rsync's patterns: a slash in front ties a pattern to the application's root, one at the end to
# directories. Only `*` and `?` have a meaning; what is left out is left out with all below it.
EXCLUDED = (
    # Version control. Without a slash at the end: in a submodule `.git` is a file.
    ".git",
    ".hg",
    ".svn",
    ".bzr",
    ".jj",
    "CVS/",
    "_darcs/",
    # Byte code: the node compiles its own.
    "__pycache__/",
    "*.pyc",
    "*.pyo",
    # Editor leftovers: backups, swap and lock files.
    "*~",
    ".*.sw?",
    ".#*",
    "#*#",
    ".DS_Store",
    # Caches of tools that look at the code.
    ".pytest_cache/",
    ".mypy_cache/",
    ".ruff_cache/",
    # The virtual environment's machinery. Exact, so that `bin/pipeline.py` is uploaded.
    "/pyvenv.cfg",
    "/lib64",
    "/include",
    "/lib/python3.*",
    f"/lib/python/{STARTER}",
    *(
        f"/{scripts}/{name}"
        for scripts in ("bin", "lib/python/bin")
        for name in (
            *("python", "python3", "python3.*", "pip", "pip3", "pip3.*"),
            *("activate", "activate.*", "activate_this.py", "Activate.ps1"),
        )
    ),
)


ENVIRONMENT = "pyvenv.cfg"
"""The file that makes a directory a virtual environment."""


def rsync_filters(directory: Path) -> list[str]:
    """Return the options that make rsync leave out what of an application is not uploaded.

    Args:
        directory: the application's root.
    """
    environments = [f"/{_literal(path)}/" for path in virtual_environments(directory)]
    return [f"--filter=- {pattern}" for pattern in (*EXCLUDED, *environments)]


def virtual_environments(directory: Path) -> list[PurePosixPath]:
    """Return the virtual environments below an application's root, relative to it.

    They belong to the laptop; an application's libraries are in `lib/python`. The root may be a
    virtual environment itself.
    """
    markers = (PurePosixPath(path).relative_to(directory) for path in directory.rglob(ENVIRONMENT))
    return sorted(path.parent for path in markers if path.parent.parts)


def is_excluded(path: PurePosixPath, *, directory: bool = False) -> bool:
    """Tell whether a path is not uploaded, be it for itself or for a directory it is in.

    Args:
        path: relative to the application's root.
        directory: whether it is that of a directory (a link to one counts as a file).
    """
    above = list(path.parents)[:-1]
    return _is_match(path, directory) or any(_is_match(parent, True) for parent in above)


def walk(directory: Path) -> Iterator[PurePosixPath]:
    """Yield everything below a directory that is uploaded, relative to it.

    Symbolic links are yielded, not followed. A directory that may not be listed is yielded, and
    what is in it is not.
    """
    environments = set(virtual_environments(directory))
    for parent, directories, files in os.walk(directory):
        base = PurePosixPath(parent).relative_to(directory)
        # Links to directories are among the directories here; for rsync they are files.
        directories[:] = sorted(
            name
            for name in directories
            if not _is_match(base / name, not Path(parent, name).is_symlink())
            and base / name not in environments
        )
        kept_files = (name for name in files if not _is_match(base / name, False))
        yield from (base / name for name in sorted([*directories, *kept_files]))


def _is_match(path: PurePosixPath, directory: bool) -> bool:
    return _EXCLUDED.fullmatch(f"{path}/" if directory else str(path)) is not None


def _literal(path: PurePosixPath) -> str:
    """Return a path as a pattern of rsync's that matches nothing else."""
    return re.sub(r"([*?\[\\])", r"\\\1", str(path))


def _expression(pattern: str) -> str:
    name = re.escape(pattern.strip("/")).replace(r"\*", "[^/]*").replace(r"\?", "[^/]")
    return name + ("/" if pattern.endswith("/") else "/?")


def _compile(patterns: tuple[str, ...]) -> re.Pattern[str]:
    """Return what matches a whole relative path, a directory's with a slash at its end."""
    tied = "|".join(_expression(p) for p in patterns if p.startswith("/"))
    loose = "|".join(_expression(p) for p in patterns if not p.startswith("/"))
    return re.compile(f"{tied}|(.*/)?({loose})", re.DOTALL)


_EXCLUDED = _compile(EXCLUDED)
