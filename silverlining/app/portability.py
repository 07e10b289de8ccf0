"""Whether an application's directory works on another machine, at another place."""

import os
import stat
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath

from silverlining.app import compiled, relocation, uploads
from silverlining.app.app_paths import climbs_out, shown
from silverlining.app.compiled import CompiledModule


@dataclass
class Findings:
    """What a look through an application's directory found.

    Attributes:
        problems: what must be put right before an upload, a line each.
        warnings: what will be uploaded, but deserves a look, a line each.
        modules: the compiled modules among the libraries, for `compiled.unloadable`.
    """

    problems: list[str] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)
    modules: list[CompiledModule] = field(default_factory=list)


def check(directory: Path) -> Findings:
    """Look at everything of an application's directory that is uploaded.

    Args:
        directory: the application's root; it exists.
    """
    root = Path(os.path.realpath(directory))
    findings = Findings()
    for path in uploads.walk(root):
        try:
            _check_entry(root, path, findings)
        except OSError as error:
            findings.problems.append(f"{shown(path)}: cannot be read ({error.strerror})")
    return findings


def path_problem(directory: Path, text: str, *, directories: bool = False) -> str | None:
    """Return what keeps a path in `app.ini` from naming a file of the application, if anything.

    Args:
        directory: the application's root.
        text: the path as it was written.
        directories: whether it may be a directory too.
    """
    path = PurePosixPath(os.path.normpath(text))
    if path.is_absolute() or climbs_out(path):
        return f"{text!r} must be a path inside the app, relative to its directory"
    # Unlike those of Path, these do not raise for a name that is too long.
    is_directory = os.path.isdir(directory / text)  # noqa: PTH112
    if not (os.path.isfile(directory / text) or (directories and is_directory)):  # noqa: PTH113
        return f"there is no file {text!r} in the app (paths are relative to its directory)"
    if uploads.is_excluded(path, directory=is_directory):
        return f"{text!r} is not uploaded (it is version control's, an editor's or Python's own)"
    return None


def _check_entry(root: Path, path: PurePosixPath, findings: Findings) -> None:
    file = root / path
    mode = file.lstat().st_mode
    if not all(map(_is_plain, path.name)):
        findings.problems.append(f"{shown(path)}: control characters in its name; rename it")
    if stat.S_ISLNK(mode):
        _check_link(root, path, findings)
        if file.is_file():
            _check_content(root, path, findings)
    elif not (stat.S_ISDIR(mode) or stat.S_ISREG(mode)):
        kind = _KINDS.get(stat.S_IFMT(mode), "device")
        findings.problems.append(f"{shown(path)}: is a {kind}, not a file; remove it")
    elif not os.access(file, os.R_OK | (os.X_OK if stat.S_ISDIR(mode) else 0)):
        findings.problems.append(f"{shown(path)}: you may not read it; change its permissions")
    elif file.is_file():
        _check_content(root, path, findings)


_KINDS = {stat.S_IFIFO: "named pipe", stat.S_IFSOCK: "socket"}


def _is_plain(character: str) -> bool:
    return character >= " " and character != "\x7f"


def _check_content(root: Path, path: PurePosixPath, findings: Findings) -> None:
    if compiled.is_compiled(path):
        findings.modules.append(compiled.inspect(root, path))
    for problem in relocation.relocated(root, path).problems:
        findings.problems.append(f"{shown(path)}{problem}")


def _check_link(root: Path, path: PurePosixPath, findings: Findings) -> None:
    link = root / path
    target = link.readlink()
    where = f"{shown(path)}: is a symbolic link to {shown(PurePosixPath(target))}"
    real = Path(os.path.realpath(link))
    if target.is_absolute() and real.is_relative_to(root):
        relative = os.path.relpath(real, os.path.realpath(link.parent))
        fix = f"make it relative, to {shown(PurePosixPath(relative))}"
        findings.problems.append(f"{where}, a path of this machine; {fix}")
    elif target.is_absolute() or _leaves(root, link.parent, target):
        fix = "put what it needs inside and make the link relative"
        findings.problems.append(f"{where}, which leaves the app's directory; {fix}")
    elif _is_left_out(root, real):
        findings.problems.append(f"{where}, which is not uploaded; remove the link")
    elif not link.exists():
        # Not an error: it leads nowhere here too, so the node runs what was tried here.
        findings.warnings.append(f"{where}, which does not exist")


def _is_left_out(root: Path, real: Path) -> bool:
    relative = PurePosixPath(real.relative_to(root))
    return uploads.is_excluded(relative, directory=real.is_dir())


def _leaves(root: Path, directory: Path, target: Path) -> bool:
    """Tell whether following a relative link passes through a directory outside `root`.

    Where it arrives is not enough: `../app/x` in `app` arrives inside, but on a node the
    directory has another name.
    """
    here = str(directory)
    for part in target.parts:
        here = os.path.realpath(Path(here, part))
        if not Path(here).is_relative_to(root):
            return True
    return False
