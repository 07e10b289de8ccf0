"""The server's packages are there for the server, and for nobody else."""

import subprocess
import sys
import sysconfig
from pathlib import Path

import pytest

from silverlining.develop import app_python
from silverlining.develop.serve.process import PACKAGES, START
from silverlining.playbook import ROOT

CODE = """
import sys
sys.path.insert(0, {start!r})
import start
sys.path.remove({start!r})
{before}
modules, path = set(sys.modules), list(sys.path)
with start.private_imports({packages!r}):
    from silverlining.develop.serve.inside import server
    {during}
assert server.create_server.__module__ == "waitress.server"
assert sys.path == path
ours = ("waitress", "webob", "silverlining", "mimetypes", "cgi", "paste", "simplejson")
print(sorted(name for name in set(sys.modules) - modules if name.partition(".")[0] in ours))
{after}
"""


@pytest.fixture
def libraries(tmp_path: Path) -> Path:
    for name in ("webob", "waitress", "simplejson", "paste"):
        (tmp_path / f"{name}.py").write_text("version = 'its own'\n")
    return tmp_path


def run(libraries: Path, before: str = "", during: str = "pass", after: str = "") -> str:
    """Run code in an application's Python; return what it prints."""
    code = CODE.format(
        start=str(START.parent), packages=PACKAGES, before=before, during=during, after=after
    )
    support = ROOT  # in place of the directory that holds silversupport alone
    program = f"import sys; sys.path[:0] = [{str(libraries)!r}, {str(support)!r}]\n{code}"
    done = subprocess.run(
        [app_python._base_python(), "-I", "-c", program],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_nothing_of_them_is_left(libraries: Path) -> None:
    assert run(libraries) == "[]\n"


def test_the_application_imports_its_own(libraries: Path) -> None:
    after = "import webob, waitress; print(webob.version, waitress.version)"
    assert run(libraries, after=after) == "[]\nits own its own\n"


def test_what_the_application_has_imported_before_stays(libraries: Path) -> None:
    before = "import webob, mimetypes; mimetypes.add_type('x/own', '.own'); own = webob, mimetypes"
    after = "import webob, mimetypes; print(own == (webob, mimetypes), webob.version)"
    assert run(libraries, before=before, after=after) == "[]\nTrue its own\n"


def test_the_libraries_of_the_application_are_not_used_for_the_server(libraries: Path) -> None:
    after = "print('simplejson' in sys.modules, 'paste' in sys.modules)"
    assert run(libraries, after=after) == "[]\nFalse False\n"


def test_the_table_of_types_is_as_python_has_it(libraries: Path) -> None:
    types = "import mimetypes; print(mimetypes.guess_type('x.js'), mimetypes.guess_type('x.ico'))"
    alone = subprocess.run(
        [app_python._base_python(), "-I", "-c", types], capture_output=True, text=True, check=True
    )
    assert run(libraries, after=types) == f"[]\n{alone.stdout}"


def test_the_packages_are_those_of_silver() -> None:
    assert sysconfig.get_path("purelib") in PACKAGES
    assert sys.prefix in PACKAGES[1]
