"""Relocation: what `pip install -e` leaves in lib/python works at another place."""

import os
import shutil
import subprocess
import sys
import sysconfig
import venv
from pathlib import Path, PurePosixPath

import pytest

from silverlining.app import portability, relocation
from silverlining.playbook import ROOT

FINDER = "lib/python/__editable___polls_1_finder.py"


@pytest.fixture
def app(tmp_path: Path) -> Path:
    root = tmp_path / "laptop"
    for directory in ("lib/python", "src/polls"):
        (root / directory).mkdir(parents=True)
    (root / "src/polls/__init__.py").write_text("PLACE = __file__\n")
    return root


def only(app: Path, name: str) -> str | None:
    """The uploaded form of the only file that has one."""
    files = relocation.rewritten(app)
    assert set(files) <= {PurePosixPath(name)}
    return files[PurePosixPath(name)].decode() if files else None


@pytest.mark.parametrize(
    ("written", "uploaded"),
    [
        ("{app}/src", "../../src"),
        ("{app}/src/\n", "../../src\n"),
        ("# mine\n\n{app}\r\n../../src\r\n", "# mine\n\n../..\r\n../../src\r\n"),
        ("\ufeff{app}/src \n", "../../src \n"),
        ("{app}/lib/python/extra", "extra"),
        ("{app}/lib/python", "."),
        ("{app}/src/not there yet", "../../src/not there yet"),
        ("{app}/src\n/usr/lib\n", "../../src\n/usr/lib\n"),
        # As it is.
        ("../../src\n", None),
        ("\ufeff../../src\n", None),
        ("/usr/lib\n", None),
        ("import sys\n", None),
        ("# {app}/src\n", None),
    ],
)
def test_lines_of_a_pth_file_are_uploaded_relative_to_the_libraries(
    app: Path, written: str, uploaded: str | None
) -> None:
    content = written.format(app=app).encode()
    (app / "lib/python/src.pth").write_bytes(content)
    assert only(app, "lib/python/src.pth") == uploaded
    assert (app / "lib/python/src.pth").read_bytes() == content


def test_a_line_may_name_the_app_by_another_way_to_it(app: Path, tmp_path: Path) -> None:
    (tmp_path / "alias").symlink_to("laptop")
    (app / "lib/python/src.pth").write_text(f"{tmp_path}/alias/src\n")
    assert only(app, "lib/python/src.pth") == "../../src\n"
    assert only(tmp_path / "alias", "lib/python/src.pth") == "../../src\n"


def test_bytes_that_are_no_text_are_kept(app: Path) -> None:
    (app / "lib/python/src.pth").write_bytes(f"{app}/".encode() + b"caf\xe9\n")
    (content,) = relocation.rewritten(app).values()
    assert content == b"../../caf\xe9\n"


def test_a_pth_file_behind_a_link_is_uploaded_as_a_file(app: Path) -> None:
    (app / "src/all.pth").write_text(f"{app}/src\n")
    (app / "lib/python/all.pth").symlink_to("../../src/all.pth")
    assert only(app, "lib/python/all.pth") == "../../src\n"


def test_libraries_behind_a_link_are_uploaded_where_they_are(app: Path) -> None:
    (app / "lib/python").rename(app / "src/deps")
    (app / "lib/python").symlink_to("../src/deps")
    (app / "lib/python/src.pth").write_text(f"{app}/src\n")
    assert only(app, "src/deps/src.pth") == "../../src\n"


def test_an_egg_link_is_relative_to_itself(app: Path) -> None:
    (app / "lib/python/polls.egg-link").write_text(f"{app}/src\n.")
    assert only(app, "lib/python/polls.egg-link") == "../../src\n."


def test_an_egg_link_to_elsewhere_is_left_alone_since_python_does_not_read_it(app: Path) -> None:
    (app / "lib/python/polls.egg-link").write_text("/usr/lib\n.")
    assert relocation.rewritten(app) == {}
    assert portability.check(app).problems == []


@pytest.mark.parametrize(
    "code",
    [
        "# editable\nPLACES = {places!r}",
        # Its columns are bytes, and a text may be over several lines.
        "editable = 'ü', ('{app}/'\n    'src', '{app}/src/polls',), f'{app}/{{1}}', '/', '/no'",
        '"""{app}, editable"""\nPLACES = {places!r}',
    ],
)
def test_only_paths_of_the_app_are_replaced_in_a_module(app: Path, code: str) -> None:
    places = {"polls": f"{app}/src/polls", "other": "relative/x", "all": [f"{app}/src"]}
    file = app / FINDER
    file.write_text(code.format(app=app, places=places))
    uploaded = only(app, FINDER)
    assert uploaded is not None
    before, after = {"__file__": str(file)}, {"__file__": str(file)}
    exec(file.read_text(), before)
    exec(uploaded, after)
    assert str(app / "src") not in uploaded
    for names in (before, after):
        names.pop("__builtins__")
    assert after == before


@pytest.mark.parametrize(
    ("name", "code"),
    [
        ("__editable___polls_1_finder.py", "MAPPING = {{"),
        ("__editable___polls_1_finder.py", "MAPPING = {{'polls': 'src/polls'}}"),
        # Not of an editable install: a program may say what it likes.
        ("_polls.py", "PLACE = '{app}/src'"),
        ("polls.py", "PLACE = '{app}/src'  # editable"),
    ],
)
def test_other_modules_are_uploaded_as_they_are(app: Path, name: str, code: str) -> None:
    (app / "lib/python" / name).write_text(code.format(app=app))
    assert relocation.rewritten(app) == {}


def test_files_that_python_does_not_read_at_its_start_are_uploaded_as_they_are(app: Path) -> None:
    (app / "lib/python/package").mkdir()
    for name in ("lib/python/package/x.pth", "src/x.pth"):
        (app / name).write_text(str(app))
    (app / "lib/python/x.pth~").write_text(str(app))
    assert relocation.rewritten(app) == {}


# Real installs: what is uploaded is imported elsewhere, and the app of this machine is gone.

# As the build backends wrote them in November 2026: hatchling 1.33, pdm-backend 2.5 (both with
# editables 0.6), flit-core 4.2, poetry-core 2.5.
_REDIRECTOR = """\
from editables.redirector import RedirectingFinder as F
F.install()
F.map_module('polls', '{app}/src/polls/__init__.py')"""
BACKENDS = {
    "hatchling": {"_editable_impl_polls.pth": "{app}/src"},
    "flit": {"polls.pth": "{app}/src"},
    "poetry": {"polls.pth": "{app}/src\n"},
    "editables": {
        "_editable_impl_polls.pth": "import _editable_impl_polls",
        "_editable_impl_polls.py": _REDIRECTOR,
        "editables/__init__.py": "",
        "editables/redirector.py": """
import sys
from importlib.util import spec_from_file_location
class RedirectingFinder:
    modules = {{}}
    @classmethod
    def map_module(cls, name, path): cls.modules[name] = path
    @classmethod
    def install(cls): sys.meta_path.append(cls)
    @classmethod
    def find_spec(cls, name, path=None, target=None):
        if name in cls.modules: return spec_from_file_location(name, cls.modules[name])
""",
    },
    "setup.py develop": {"easy-install.pth": "{app}/src\n", "polls.egg-link": "{app}/src\n."},
}


def imported(app: Path, module: str = "polls") -> str:
    """Where a module is imported from at the app's place on a node, relative to it."""
    assert portability.check(app).problems == []
    server = app.parent / "server/polls.20261122_001"
    files = relocation.rewritten(app)
    shutil.copytree(app, server, symlinks=True)
    shutil.rmtree(app)
    for path, content in files.items():
        (server / path).write_bytes(content)
    code = f"""
import os, sys
from silversupport import paths
paths.activate({str(server)!r})
sys.path.remove({str(ROOT)!r})
import {module}
print(os.path.relpath({module}.__file__, {str(server)!r}))
"""
    command = [sys.executable, "-I", "-c", f"import sys; sys.path.insert(0, {str(ROOT)!r})\n{code}"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


@pytest.mark.parametrize("backend", BACKENDS)
def test_what_a_build_backend_writes_works_elsewhere(app: Path, backend: str) -> None:
    for name, text in BACKENDS[backend].items():
        file = app / "lib/python" / name
        file.parent.mkdir(exist_ok=True)
        file.write_text(text.format(app=app))
    assert imported(app) == "src/polls/__init__.py"


PROJECT = """
[build-system]
requires = ["setuptools"]
build-backend = "setuptools.build_meta"
[project]
name = "project"
version = "1"
[tool.setuptools]
"""


def install(app: Path, *options: str) -> None:
    """Type `bin/pip install -e src/project` in an app whose site-packages is lib/python."""
    venv.create(app, symlinks=True)
    python = f"python{sys.version_info.major}.{sys.version_info.minor}"
    packages = app / "lib" / python / "site-packages"
    packages.rmdir()
    packages.symlink_to("../python")
    command = [sys.executable, "-m", "pip", f"--python={app}/bin/python", "install", "--quiet"]
    command += ["--no-build-isolation", "--no-deps", "--no-index", *options]
    backend = os.environ | {"PYTHONPATH": sysconfig.get_path("purelib")}
    done = subprocess.run(
        [*command, "-e", str(app / "src/project")],
        env=backend,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize(
    ("packages", "file", "options"),
    [
        # A finder that maps a package, one that maps a namespace, and a path in a .pth file.
        ('packages = ["news"]', "news/__init__.py", []),
        ('packages = ["space.news"]', "space/news/__init__.py", []),
        ('package-dir = {"" = "lib"}\npackages = ["news"]', "lib/news/__init__.py", []),
        ('packages = ["news"]', "news/__init__.py", ["--config-settings=editable_mode=compat"]),
    ],
)
def test_an_editable_install_of_setuptools_works_elsewhere(
    app: Path, packages: str, file: str, options: list[str]
) -> None:
    project = app / "src/project"
    (project / file).parent.mkdir(parents=True)
    (project / file).write_text("")
    (project / "pyproject.toml").write_text(PROJECT + packages)
    install(app, *options)
    module = "space.news" if "space" in file else "news"
    assert imported(app, module) == f"src/project/{file}"
