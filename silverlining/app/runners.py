"""Whether the `runner` of an `app.ini` leads to an application, found without running it."""

import ast
import configparser
import os
import symtable
import sys
import warnings
from difflib import get_close_matches
from importlib.util import decode_source
from pathlib import Path, PurePosixPath

from paste.deploy.loadwsgi import APP, ConfigLoader

from silverlining.app.portability import path_problem
from silversupport.runner import DEFAULT_OBJECT

# A module that uses these may bind any name when it is run.
_DYNAMIC = frozenset({"globals", "locals", "vars", "exec", "__getattr__"})


def problem(directory: Path, runner: str) -> str | None:
    """Return what keeps a runner from leading to an application, None if nothing is known to.

    Args:
        directory: the application's root.
        runner: `path.py`, `path.py#name`, `path.ini` or `path.ini#section`.
    """
    path, _, name = runner.partition("#")
    suffix = PurePosixPath(path).suffix
    if suffix not in (".py", ".ini"):
        return f"{runner!r} must be path.py, path.py#name, path.ini or path.ini#section"
    missing = path_problem(directory, path)
    if missing:
        return missing
    try:
        if suffix == ".ini":
            return _ini_problem(directory / path, path, name)
        return _module_problem((directory / path).read_bytes(), path, name or DEFAULT_OBJECT)
    except OSError as error:
        return f"{path!r} cannot be read ({error.strerror})"


def _module_problem(source: bytes, path: str, name: str) -> str | None:
    if not name.isidentifier():
        return f"{name!r}, after the #, is not a name of Python"
    try:
        names = _bound_names(source)
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        line = f", line {error.lineno}" if isinstance(error, SyntaxError) and error.lineno else ""
        version = f"{sys.version_info.major}.{sys.version_info.minor}"
        return f"{path!r}{line}: Python {version} cannot read it ({_first_line(error)})"
    if names is None or name in names:
        return None
    near = get_close_matches(name, names, n=1)
    hint = f"did you mean {path}#{near[0]}?" if near else "bind it there or name it after a #"
    return f"{path!r} does not bind {name!r} at its top level; {hint}"


def _bound_names(source: bytes) -> set[str] | None:
    """Return the names that a module binds at its top level, None when that cannot be told.

    The compiler's own symbol table is asked, for it knows every way of binding a name. It is
    silent about `import *` and about what functions declare `global`.
    """
    text = decode_source(source)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # those about the user's code are for its own tests
        tree = ast.parse(text)
        symbols = symtable.symtable(text, "runner", "exec").get_symbols()
    nodes = list(ast.walk(tree))
    stars = (n for n in nodes if isinstance(n, ast.ImportFrom) and n.names[0].name == "*")
    if any(stars) or not _DYNAMIC.isdisjoint(s.get_name() for s in symbols):
        return None
    global_names = {name for n in nodes if isinstance(n, ast.Global) for name in n.names}
    return global_names | {s.get_name() for s in symbols if s.is_assigned() or s.is_imported()}


def _ini_problem(file: Path, path: str, section: str) -> str | None:
    try:
        # PasteDeploy, which will read it on the node, knows which sections are applications.
        ConfigLoader(os.fspath(file)).find_config_section(APP, section or None)
    except LookupError:
        name = section or "main"
        return f"{path!r} has no section [app:{name}], [composite:{name}] or [pipeline:{name}]"
    except (configparser.Error, ValueError) as error:
        return f"{path!r}: {_first_line(error)}"
    return None


def _first_line(error: BaseException) -> str:
    return str(error).splitlines()[0] if str(error) else type(error).__name__
