"""Byte code of an upload: carried over from the instance before it, or compiled."""

import os
import py_compile
from importlib.util import cache_from_source
from pathlib import Path


def provide(tree: Path, previous: Path | None) -> int:
    """Give every Python file below ``tree`` its byte code, so that no start has to compile.

    A file that is the same one as in ``previous`` (rsync linked it) shares its byte code too. A file
    that is no valid Python is left alone: it may be a template, and its import says what is wrong.

    :param previous: the directory of the instance before, if there is one.
    :returns: how many files were compiled.
    """
    compiled = 0
    for source in tree.rglob("*.py"):
        if source.is_symlink() or not source.is_file():
            continue
        if previous and _carry_over(source, previous / source.relative_to(tree)):
            continue
        compiled += _compile(source)
    return compiled


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
    except (py_compile.PyCompileError, ValueError, UnicodeError):
        return False
    return True
