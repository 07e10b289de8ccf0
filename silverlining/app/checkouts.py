"""The version-control checkouts in an application's directory, and how they are now.

A deploy notes them, to tell later what runs. They are no part of it: whatever goes wrong here, it
goes on.
"""

import os
import subprocess
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from pathlib import Path, PurePosixPath

from silverlining.app import uploads

UNKNOWN = "unknown"

# A checkout of two kinds counts as the first: jj keeps its own beside git's.
_MARKERS = {
    ".git": "git",
    ".hg": "hg",
    ".svn": "svn",
    ".bzr": "bzr",
    ".jj": "jj",
    "_darcs": "darcs",
}

_LISTED = 100
_SECONDS = 5

# Nothing of a repository's own is run (a hook, a monitor of the file system, a pager), nothing is
# asked, fetched or written. https://git-scm.com/docs/git#_environment_variables
_GIT = ["git", "--no-pager", "--no-optional-locks", "-c", "core.fsmonitor=false"]
_GIT_VARIABLES = {"GIT_TERMINAL_PROMPT": "0", "GIT_NO_LAZY_FETCH": "1"}
# A submodule's own changes are told of the submodule.
_GIT_STATUS = ["status", "--porcelain=v2", "--branch", "-z", "--no-renames"]
_GIT_STATUS += ["--untracked-files=normal", "--ignore-submodules=dirty"]

# https://www.mercurial-scm.org/doc/hg.1.html#environment-variables
_HG_VARIABLES = {"HGPLAIN": "1"}


@dataclass(frozen=True)
class _State:
    """How a checkout is.

    Attributes:
        revision: the full id of the commit; empty before the first one.
        branch: the branch or bookmark; empty if there is none.
        uncommitted: what differs from the revision: a letter or two as in git, and the path.
    """

    revision: str = UNKNOWN
    branch: str = ""
    uncommitted: tuple[str, ...] = ()


class _UnreadableError(Exception):
    """The program that could read a checkout is missing, refuses, or takes too long."""


def find(directory: Path) -> list[dict[str, object]]:
    """Return the checkouts of an application, its own first.

    Args:
        directory: the application's root.

    Returns:
        For each its `path` relative to the root (beginning with `..` if the application is a part
        of it, and then with the uncommitted files of that part only), its `kind`, `revision` and
        `branch`, and the `uncommitted` files, relative to its own path: the first hundred of
        `uncommitted_count`. The revision is "unknown" where it cannot be read.
    """
    root = Path(os.path.realpath(directory))
    found = dict(_around(root)) | dict(_inside(root))
    with ThreadPoolExecutor(4) as pool:
        states = list(pool.map(lambda path: _state(path, found[path], root), found))
    nested = {path for path in found if path.is_relative_to(root)}
    return [
        _as_data(path, kind, state, root, nested)
        for (path, kind), state in zip(found.items(), states, strict=True)
    ]


def _as_data(
    path: Path, kind: str, state: _State, root: Path, nested: set[Path]
) -> dict[str, object]:
    # For git a checkout in another is an untracked directory; here it is one of its own.
    known = {f"?? {os.path.relpath(each, path)}/" for each in nested}
    uncommitted = [line for line in state.uncommitted if line not in known]
    return {
        "path": os.path.relpath(path, root),
        "kind": kind,
        **asdict(state),
        "uncommitted": uncommitted[:_LISTED],
        "uncommitted_count": len(uncommitted),
    }


def _kind(directory: Path) -> str | None:
    # Not only directories: in a submodule and in a worktree `.git` is a file.
    found = (kind for marker, kind in _MARKERS.items() if os.path.lexists(directory / marker))
    return next(found, None)


def _around(root: Path) -> Iterator[tuple[Path, str]]:
    """Yield the checkout that the application is a part of, if it is not one itself."""
    if _kind(root):
        return
    for directory in root.parents:
        if kind := _kind(directory):
            if not (kind == "git" and _git_ignores(root)):
                yield directory, kind
            return


def _inside(root: Path) -> Iterator[tuple[Path, str]]:
    """Yield the checkouts among what is uploaded: five times as fast as `uploads.walk`."""
    for parent, directories, files in os.walk(root):
        path = Path(parent)
        if path != root and uploads.ENVIRONMENT in files:
            directories.clear()
            continue
        if kind := _kind(path):
            yield path, kind
        base = PurePosixPath(path.relative_to(root))
        directories[:] = sorted(
            name for name in directories if not uploads.is_excluded(base / name, directory=True)
        )


def _state(path: Path, kind: str, root: Path) -> _State:
    part = root if root.is_relative_to(path) else path
    try:
        if kind == "git":
            return _git_state(part)
        return _hg_state(part) if kind == "hg" else _State()
    except _UnreadableError:
        return _State()


def _git_state(part: Path) -> _State:
    """Return how a checkout of git is; https://git-scm.com/docs/git-status#_porcelain_format_version_2.

    Args:
        part: a directory in it, whose files are told of.
    """
    revision = branch = ""
    uncommitted = []
    for line in _git(part, *_GIT_STATUS, "--", ".").split("\0"):
        match line.split(" "):
            case ["#", "branch.oid", oid]:
                revision = "" if oid == "(initial)" else oid
            case ["#", "branch.head", head]:
                branch = "" if head == "(detached)" else head
            case ["?", *_]:
                uncommitted.append(_entry("??", line[2:]))
            case ["1", code, *_]:
                uncommitted.append(_entry(code, line.split(" ", 8)[-1]))
            case ["u", code, *_]:
                uncommitted.append(_entry(code, line.split(" ", 10)[-1]))
    return _State(revision, branch, tuple(uncommitted))


def _git_ignores(directory: Path) -> bool:
    """Tell whether a checkout around a directory wants to know nothing of it."""
    try:
        _git(directory, "check-ignore", "--quiet", ".")
    except _UnreadableError:
        return False
    return True


def _git(directory: Path, *arguments: str) -> str:
    # GIT_DIR and others are there when a hook of git runs us.
    kept = {name: value for name, value in os.environ.items() if not name.startswith("GIT_")}
    return _output([*_GIT, *arguments], directory, kept | _GIT_VARIABLES)


def _hg_state(part: Path) -> _State:
    variables = os.environ | _HG_VARIABLES
    log = _output(["hg", "log", "--rev=.", "--template={node} {branch}"], part, variables)
    revision, _, branch = log.partition(" ")
    status = _output(["hg", "status", "--print0", "--no-copies", "."], part, variables)
    lines = (line.partition(" ") for line in status.split("\0") if line)
    entries = (_entry("??" if code == "?" else code, name) for code, _, name in lines)
    return _State(revision.strip("0"), branch, tuple(entries))


def _output(command: list[str], directory: Path, variables: dict[str, str]) -> str:
    try:
        done = subprocess.run(
            command,
            cwd=directory,
            env=variables,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            encoding="utf-8",
            errors="backslashreplace",
            timeout=_SECONDS,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise _UnreadableError from error
    if done.returncode:
        raise _UnreadableError
    return done.stdout


def _entry(code: str, name: str) -> str:
    return f"{code.strip('.')} {name if name.isprintable() else repr(name)}"
