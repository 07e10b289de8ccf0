"""From the `runner` of an app.ini to a WSGI application."""

from __future__ import annotations

import os
import sys
from importlib import import_module
from importlib.machinery import ModuleSpec, PathFinder, SourceFileLoader
from importlib.util import module_from_spec
from pathlib import Path
from typing import TYPE_CHECKING, cast
from urllib.parse import quote

from silversupport.errors import SilverError

if TYPE_CHECKING:
    from types import ModuleType
    from wsgiref.types import WSGIApplication

DEFAULT_OBJECT = "application"
MODULE_NAME = "silver_runner"


class RunnerError(SilverError):
    """The runner does not lead to a WSGI application."""


def load(app_dir: str | os.PathLike[str], runner: str) -> WSGIApplication:
    """Return the WSGI application that `runner` names.

    The application's paths must be on `sys.path` by now (`paths.activate`). An error of the
    application's own code passes through as it is.

    Args:
        app_dir: the application's root directory.
        runner: `path.py`, `path.py#name` (default name: `application`) or a PasteDeploy
            `path.ini`, `path.ini#section` (default section: `main`), relative to `app_dir`.

    Raises:
        RunnerError: no such file, object or section; the object is not callable; PasteDeploy
            is needed and not in the application.
    """
    path, _, name = runner.partition("#")
    file = Path(app_dir).absolute() / path
    if not file.is_file():
        raise RunnerError(f"runner = {runner}: there is no file {file}.")
    if file.suffix == ".ini":
        app = _from_ini(file, name, runner)
    elif file.suffix == ".py":
        app = _from_module(_import(file), name or DEFAULT_OBJECT, runner)
    else:
        raise RunnerError(f"runner = {runner}: expected a file that ends in .py or .ini.")
    if not callable(app):
        raise RunnerError(f"runner = {runner}: it is a {type(app).__name__}, not callable.")
    return cast("WSGIApplication", app)


def _from_module(module: ModuleType, name: str, runner: str) -> object:
    found = vars(module)
    if name in found:
        return found[name]
    offers = sorted(n for n, value in found.items() if callable(value) and not n.startswith("_"))
    raise RunnerError(
        f"runner = {runner}: {module.__file__} has no object {name!r}. "
        f"It has these callables: {', '.join(offers) or 'none'}."
    )


def _import(file: Path) -> ModuleType:
    try:
        name = _dotted_name(file)
        return import_module(name) if name else _import_file(file)
    except ModuleNotFoundError as error:
        _note_neighbour(error, file.parent)
        raise


def _dotted_name(file: Path) -> str | None:
    """Return the name under which `import` finds the file, if it does.

    Used, because relative imports then work, what it defines can be pickled, and nothing is
    loaded twice when another module imports it.
    """
    target = file.parent if file.stem == "__init__" else file.with_suffix("")
    for entry in filter(target.is_relative_to, sys.path):
        parts = target.relative_to(entry).parts
        if parts and all(map(str.isidentifier, parts)) and _is_found_in(entry, parts[0]):
            return ".".join(parts)
    return None


def _is_found_in(entry: str, package: str) -> bool:
    """Tell whether importing the top-level `package` takes it from `entry`."""
    spec = PathFinder.find_spec(package)
    if spec is None or package in sys.builtin_module_names or package == "__main__":
        return False
    places = spec.submodule_search_locations or [spec.origin or ""]
    return any(Path(place).parent == Path(entry) for place in places)


def _import_file(file: Path) -> ModuleType:
    loader = SourceFileLoader(MODULE_NAME, str(file))
    spec = ModuleSpec(MODULE_NAME, loader, origin=str(file))
    spec.has_location = True
    module = module_from_spec(spec)
    sys.modules[MODULE_NAME] = module
    try:
        loader.exec_module(module)
    except BaseException:
        del sys.modules[MODULE_NAME]
        raise
    return module


def _note_neighbour(error: ModuleNotFoundError, directory: Path) -> None:
    """Say why a module beside the runner is not found: its directory is not on the path."""
    package = (error.name or "").partition(".")[0]
    if (directory / f"{package}.py").is_file() or (directory / package / "__init__.py").is_file():
        error.add_note(
            f"{package} is in {directory}, which is not on the application's path: "
            "that is lib/python and what lib/python/*.pth name, relative to lib/python."
        )


def _from_ini(file: Path, section: str, runner: str) -> object:
    try:
        from paste.deploy import loadapp
    except ModuleNotFoundError as error:
        raise RunnerError(
            f"runner = {runner}: it needs PasteDeploy in lib/python. "
            "Add it: bin/pip install PasteDeploy"
        ) from error
    try:
        return loadapp(f"config:{quote(str(file))}", name=section or None)
    except LookupError as error:
        if type(error) is not LookupError:  # a KeyError of the application, say
            raise
        raise RunnerError(f"runner = {runner}: {error}") from error
