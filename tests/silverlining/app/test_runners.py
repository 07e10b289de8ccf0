"""Runners: what the static check accepts, and what each refusal says."""

import sys
from pathlib import Path

import pytest

from silverlining.app import runners

PYTHON = f"Python {sys.version_info.major}.{sys.version_info.minor}"

BINDINGS = [
    "app = object()",
    "app: object = object()",
    "a = app = 1",
    "(a, *app) = 1, 2",
    "def app(environ, start_response): ...",
    "class app: ...",
    "import app",
    "import app.core",
    "import polls as app",
    "from polls import app",
    "from polls import thing as app",
    "if True:\n    app = 1",
    "try:\n    import app\nexcept ImportError:\n    pass",
    "with open('x') as app: ...",
    "for app in []: ...",
    "print(app := 1)",
    "def make():\n    global app\n    app = 1",
    "from polls import *",
    "globals()['app'] = 1",
    "def __getattr__(name): ...",
    "\ufeffapp = 1",
    "x = '\\d'; app = 1",  # the warning about it is not ours to print
]


@pytest.mark.parametrize("source", BINDINGS)
@pytest.mark.filterwarnings("error")
def test_every_way_of_binding_the_object_is_accepted(tmp_path: Path, source: str) -> None:
    (tmp_path / "run.py").write_text(source, encoding="utf-8")
    assert runners.problem(tmp_path, "run.py#app") is None


@pytest.mark.parametrize(
    ("source", "runner", "problem"),
    [
        (
            "",
            "run.py",
            "'run.py' does not bind 'application' at its top level; "
            "bind it there or name it after a #",
        ),
        (
            "applicaton = 1",
            "run.py",
            "'run.py' does not bind 'application' at its top level; "
            "did you mean run.py#applicaton?",
        ),
        (
            "def make():\n    app = 1\nprint(app)",
            "run.py#app",
            "'run.py' does not bind 'app' at its top level; bind it there or name it after a #",
        ),
        ("class A:\n    app = 1", "run.py#app", "'run.py' does not bind 'app' at its top level; "),
        ("app.x = 1", "run.py#app", "'run.py' does not bind 'app' at its top level; "),
        ("app = 1", "run.py#a.b", "'a.b', after the #, is not a name of Python"),
        ("a = 1\nb = (", "run.py", f"'run.py', line 2: {PYTHON} cannot read it ("),
        ("a\0b", "run.py", f"{PYTHON} cannot read it ("),
        ("app = " + "(" * 5000, "run.py", f"{PYTHON} cannot read it ("),
    ],
)
def test_module_without_the_object_is_refused(
    tmp_path: Path, source: str, runner: str, problem: str
) -> None:
    (tmp_path / "run.py").write_text(source)
    found = runners.problem(tmp_path, runner)
    assert found is not None
    assert problem in found
    assert "\n" not in found


def test_source_in_another_encoding_is_read_by_its_cookie(tmp_path: Path) -> None:
    (tmp_path / "run.py").write_bytes(b"# coding: latin-1\napplication = '\xe9'\n")
    assert runners.problem(tmp_path, "run.py") is None


@pytest.mark.parametrize(
    ("content", "runner"),
    [
        ("[app:main]\nuse = egg:polls", "conf.ini"),
        ("[app]\nuse = egg:polls", "conf.ini"),
        ("[composite:main]", "conf.ini"),
        ("[pipeline:main]", "conf.ini#main"),
        ("[app:blog]\n[app:main]", "conf.ini#blog"),
        ("[DEFAULT]\nx = %(here)s\n[pipeline: blog]\nx = 50%", "conf.ini#blog"),
    ],
)
def test_section_of_a_paste_deploy_file_is_found(tmp_path: Path, content: str, runner: str) -> None:
    (tmp_path / "conf.ini").write_text(content)
    assert runners.problem(tmp_path, runner) is None


@pytest.mark.parametrize(
    ("content", "runner", "problem"),
    [
        (
            "[server:main]\n[filter:blog]",
            "conf.ini",
            "'conf.ini' has no section [app:main], [composite:main] or [pipeline:main]",
        ),
        (
            "[app:main]",
            "conf.ini#blog",
            "'conf.ini' has no section [app:blog], [composite:blog] or [pipeline:blog]",
        ),
        ("x = 1", "conf.ini", "'conf.ini': File contains no section headers."),
        ("[app:main]\n[app:main]", "conf.ini", "section 'app:main' already exists"),
    ],
)
def test_paste_deploy_file_without_the_application_is_refused(
    tmp_path: Path, content: str, runner: str, problem: str
) -> None:
    (tmp_path / "conf.ini").write_text(content)
    found = runners.problem(tmp_path, runner)
    assert found is not None
    assert problem in found
    assert "\n" not in found


@pytest.mark.parametrize(
    ("runner", "problem"),
    [
        ("run.sh", "'run.sh' must be path.py, path.py#name, path.ini or path.ini#section"),
        ("polls:app", "'polls:app' must be path.py, path.py#name, path.ini or path.ini#section"),
        ("#app", "'#app' must be path.py, "),
        (
            "src/run.py#app",
            "there is no file 'src/run.py' in the app (paths are relative to its directory)",
        ),
        ("dir.py", "there is no file 'dir.py' in the app"),
        ("../run.py", "'../run.py' must be a path inside the app, relative to its directory"),
        ("/etc/run.py", "'/etc/run.py' must be a path inside the app, relative to its directory"),
        (
            ".git/run.py",
            "'.git/run.py' is not uploaded (it is version control's, an editor's or Python's own)",
        ),
    ],
)
def test_runner_that_is_no_file_of_the_app_is_refused(
    tmp_path: Path, runner: str, problem: str
) -> None:
    (tmp_path / "app/dir.py").mkdir(parents=True)
    (tmp_path / "app/.git").mkdir()
    (tmp_path / "app/.git/run.py").write_text("application = 1")
    (tmp_path / "run.py").write_text("application = 1")
    assert (runners.problem(tmp_path / "app", runner) or "").startswith(problem)


def test_runner_that_cannot_be_read_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(_path: Path) -> bytes:
        raise PermissionError(13, "Permission denied")

    (tmp_path / "run.py").write_text("application = 1")
    monkeypatch.setattr(Path, "read_bytes", refuse)
    assert runners.problem(tmp_path, "run.py") == "'run.py' cannot be read (Permission denied)"
