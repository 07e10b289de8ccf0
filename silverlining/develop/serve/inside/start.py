"""Run by the application's Python: loads the server where the application cannot see it.

An application must not find here what it does not bring along, or it would fail on a node. So
the server's packages are imported by a finder of our own and forgotten by the import system before
the application is imported, which may then import its own versions of them, or find none.
"""

import json
import os
import sys
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from importlib.machinery import ModuleSpec, PathFinder
from types import ModuleType

# cgi: no part of Python from 3.13 on; webob needs it.
OURS = frozenset({"silverlining", "waitress", "webob", "cgi"})
VISIBLE = frozenset({"silversupport"})
# webob.static adds types to the table of this module of the standard library.
FRESH = frozenset({"mimetypes"})


class Finder:
    """Finds our packages in their own directories, and no other package at all.

    The libraries try to import optional ones, which could only be the application's.
    """

    def __init__(self, directories: Sequence[str]) -> None:
        self._directories = directories

    def find_spec(
        self, name: str, path: Sequence[str] | None = None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        """Return where a module is; None leaves it to the finders of Python."""
        top = name.partition(".")[0]
        if top in sys.stdlib_module_names or top in VISIBLE:
            return None
        if top in OURS:
            return PathFinder.find_spec(name, path or self._directories, target)
        raise ModuleNotFoundError(f"{name} is not for the server", name=name)


@contextmanager
def private_imports(directories: Sequence[str]) -> Iterator[None]:
    """Import our packages in the block, whatever the application has; it sees none of them."""
    theirs = _taken(OURS | FRESH)
    finder = Finder(directories)
    sys.meta_path.insert(0, finder)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of our libraries; they are not the application's
            yield
    finally:
        sys.meta_path.remove(finder)
        _taken(OURS | FRESH)
        sys.modules.update(theirs)


def _taken(packages: frozenset[str]) -> dict[str, ModuleType]:
    """Remove modules from the import system, and return them."""
    names = [name for name in sys.modules if name.partition(".")[0] in packages]
    return {name: sys.modules.pop(name) for name in names}


def main(text: str) -> None:
    """Serve an application.

    Args:
        text: `settings.Settings` as JSON.
    """
    given = json.loads(text)
    # What Python wrote to standard error until now says why it could not start (a `.pth` file, the
    # application's silvercustomize): it went to the command's process.
    os.dup2(given["stderr"], 2)
    with private_imports(given["packages"]):
        from silverlining.develop.serve.inside import server
        from silverlining.develop.serve.inside.settings import Settings
    sys.argv[:] = ["silver"]
    sys.exit(server.run(Settings.from_json(text)))


if __name__ == "__main__":
    main(sys.argv[1])
