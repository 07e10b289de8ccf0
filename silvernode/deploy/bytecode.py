"""Byte code of an upload: carried over from the instance before it, or compiled."""

import os
import py_compile
from importlib.util import cache_from_source
from pathlib import Path


def provide(tree: Path, previous: Path | None) -> int:
    """Give every Python file of a directory its byte code, so that no start has to compile.

    A file that is the same one as in `previous` (rsync linked it) shares its byte code too. A file
    that is no valid Python is left alone: it may be a template, and its import says what is wrong.

    Args:
        tree: the directory.
        previous: the directory of the instance before, if there is one.

    Returns:
        How many files were compiled.
    """
    sources = [path for path in tree.rglob("*.py") if path.is_file() and not path.is_symlink()]
    missing = [
        source
        for source in sources
        if not (previous and _carry_over(source, previous / source.relative_to(tree)))
    ]
    return sum(map(_compile, missing))


def _carry_over(source: Path, before: Path) -> bool:
    cached = Path(cache_from_source(str(before)))
    if not (before.is_file() and before.samefile(source) and cached.is_file()):
        return False
    target = Path(cache_from_source(str(source)))
    target.parent.mkdir(exist_ok=True)
    os.link(cached, target)
    return True


def _compile(source: Path) -> bool:
    try:
        py_compile.compile(str(source), doraise=True)
    except (py_compile.PyCompileError, ValueError):
        return False
    return True
