"""Files that name places of this machine, and the form in which they are uploaded.

`pip install -e` notes in `lib/python` where a package's source is, as an absolute path: in a line
of a `.pth` file, or in a module that such a file imports. On a node the application has another
place, so these paths are uploaded relative to `lib/python`. The files here stay as they are.
"""

import ast
import os
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath

from silverlining.app import uploads
from silverlining.app.app_paths import climbs_out, shown
from silverlining.app.compiled import LIBRARIES

_LEAVES = "leaves the app's directory"


@dataclass
class Relocated:
    """A file as it is to be uploaded.

    Attributes:
        content: what is uploaded in its place; None if it is uploaded as it is.
        problems: what cannot be expressed relatively: where in the file, if that can be told, and
            what to do, a line each.
    """

    content: bytes | None = None
    problems: list[str] = field(default_factory=list)


def rewritten(directory: Path) -> dict[PurePosixPath, bytes]:
    """Return the files whose uploaded content is not what is on this machine.

    Args:
        directory: the application's root.

    Returns:
        The content of each, by its path relative to the root.

    Raises:
        OSError: a file cannot be read.
    """
    root = Path(os.path.realpath(directory))
    paths = (LIBRARIES / file.name for file in sorted((root / LIBRARIES).glob("*")))
    files = ((path, relocated(root, path)) for path in paths if not uploads.is_excluded(path))
    # A link in the way would be replaced by a directory with nothing but these files.
    real = Path(os.path.realpath(root / LIBRARIES))
    place = PurePosixPath(real.relative_to(root)) if real.is_relative_to(root) else LIBRARIES
    return {place / path.name: file.content for path, file in files if file.content is not None}


def relocated(root: Path, path: PurePosixPath) -> Relocated:
    """Return a file of an application as it is to be uploaded.

    Args:
        root: the application's root, without symbolic links.
        path: the file, relative to it.

    Raises:
        OSError: it cannot be read.
    """
    # Only these are read by Python: https://docs.python.org/3/library/site.html
    if path.parent != LIBRARIES or not (root / path).is_file():
        return Relocated()
    if path.suffix == ".pth":
        return _pth(root, (root / path).read_bytes())
    if path.suffix == ".egg-link":
        return _egg_link(root, (root / path).read_bytes())
    if path.suffix == ".py" and path.name.startswith("_"):
        return _module(root, (root / path).read_bytes())
    return Relocated()


def _relative(root: Path, text: str) -> str | None:
    """Return an absolute path relative to `lib/python`; None if it is outside of the app.

    Links are followed, for `/home/ann` may be one.
    """
    if "\0" in text:
        return None
    real = os.path.realpath(text)
    return os.path.relpath(real, root / LIBRARIES) if Path(real).is_relative_to(root) else None


def _pth(root: Path, content: bytes) -> Relocated:
    result = Relocated()
    lines = content.decode("utf-8-sig", errors="surrogateescape").split("\n")
    for number, line in enumerate(lines, 1):
        entry = line.rstrip()
        try:
            lines[number - 1] = _pth_entry(root, entry) + line[len(entry) :]
        except _UnmovableError as error:
            result.problems.append(f", line {number}: {error}")
    text = "\n".join(lines).encode(errors="surrogateescape")
    if text != content.removeprefix(b"\xef\xbb\xbf"):
        result.content = text
    return result


class _UnmovableError(Exception):
    """A line cannot be written in another way; the message says why."""


def _pth_entry(root: Path, entry: str) -> str:
    """Return a line of a `.pth` file as it is to be uploaded."""
    name = shown(PurePosixPath(entry))
    if not entry or entry.startswith("#"):
        return entry
    # As `site` does: such a line is run.
    if entry.startswith(("import ", "import\t")):
        if f"{root}/" in entry:
            raise _UnmovableError(
                f"runs code with the path {root} of this machine; write the path on a line of its"
                " own, relative to lib/python"
            )
        return entry
    if entry.startswith("/"):
        relative = _relative(root, entry)
        if relative is None:
            raise _UnmovableError(f"{name} {_LEAVES}; put what it needs into lib/python or src")
        return relative
    # `site` joins and normalises without looking at links.
    if climbs_out(LIBRARIES / entry):
        raise _UnmovableError(f"{name} {_LEAVES} (it is relative to lib/python)")
    return entry


def _egg_link(root: Path, content: bytes) -> Relocated:
    """Setuptools' older note of where a project is: only tools read it, so no path is wrong."""
    path, newline, rest = content.decode(errors="surrogateescape").partition("\n")
    relative = _relative(root, path.strip()) if path.startswith("/") else None
    if relative is None:
        return Relocated()
    return Relocated(f"{relative}{newline}{rest}".encode(errors="surrogateescape"))


def _module(root: Path, content: bytes) -> Relocated:
    """The module of an editable install: `MAPPING = {"polls": "/home/ann/app/src/polls"}`.

    Each build backend writes its own, so its paths are found as literals, whatever is around them.
    """
    if b"editable" not in content:
        return Relocated()
    result = Relocated()
    moved = bytearray(content)
    # From the end, so that what comes before keeps its place.
    for literal in sorted(_literals(content), key=lambda each: each.start, reverse=True):
        relative = _relative(root, literal.value)
        if relative is not None:
            moved[literal.start : literal.end] = _expression(relative).encode()
        elif os.path.lexists(literal.value):
            name = shown(PurePosixPath(literal.value))
            result.problems.insert(
                0, f": {name} {_LEAVES}; move it into src and install it again, or without -e"
            )
    result.content = bytes(moved) if moved != content else None
    return result


def _expression(relative: str) -> str:
    path = f"/../{relative}"
    return f"__import__('os').path.abspath(__file__ + {path!r})"


@dataclass(frozen=True)
class _Literal:
    """An absolute path in a module, and the bytes of the module that are its literal."""

    value: str
    start: int
    end: int


def _literals(content: bytes) -> Iterator[_Literal]:
    try:
        tree = ast.parse(content)
    except (SyntaxError, ValueError):
        return
    starts = [0]
    for line in content.splitlines(keepends=True):
        starts.append(starts[-1] + len(line))
    for node in ast.walk(tree):
        match node:
            case ast.Constant(value=str(value), end_lineno=int(last), end_col_offset=int(column)):
                start, end = starts[node.lineno - 1] + node.col_offset, starts[last - 1] + column
                if _is_path(value) and _is_literal(content[start:end], value):
                    yield _Literal(value, start, end)


def _is_path(value: str) -> bool:
    return value.startswith("/") and len(value) > 1 and "\0" not in value


def _is_literal(code: bytes, value: str) -> bool:
    """Tell whether code stands for a text: a part of an f-string does not."""
    try:
        return bool(ast.literal_eval(code.decode()) == value)
    except (SyntaxError, ValueError):
        return False
