import subprocess
import sys
import sysconfig
from pathlib import Path

import pytest

from silverlining import paths
from silverlining.develop import app_python
from silverlining.playbook import ROOT


@pytest.fixture(autouse=True)
def data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))


@pytest.fixture
def app(tmp_path: Path) -> Path:
    directory = tmp_path / "app"
    (directory / "bin").mkdir(parents=True)
    (directory / "app.ini").write_text("[production]\napp_name = polls\n")
    (directory / "static").mkdir()
    return directory


@pytest.fixture
def node_python(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    python = program(tmp_path / "python-of-a-node", "exit 0")
    monkeypatch.setattr(app_python, "NODE_PYTHON", python)
    return python


def program(path: Path, script: str) -> Path:
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(0o755)
    return path


@pytest.mark.usefixtures("node_python")
def test_an_application_has_its_own_python(app: Path) -> None:
    own = program(app / "bin/python", "exit 0")
    assert app_python.interpreter(app) == own


@pytest.mark.parametrize("script", ["exit 1", "kill -SEGV $$"])
def test_a_python_that_is_too_old_or_broken_is_not_used(
    app: Path, node_python: Path, script: str
) -> None:
    program(app / "bin/python", script)
    assert app_python.interpreter(app) == node_python


def test_a_python_of_another_machine_is_not_used(app: Path, node_python: Path) -> None:
    (app / "bin/python").symlink_to("/nowhere/python3")
    assert app_python.interpreter(app) == node_python
    (app / "bin/python").unlink()
    (app / "bin/python").write_bytes(b"\xcf\xfa\xed\xfe of a Mac")
    (app / "bin/python").chmod(0o755)
    assert app_python.interpreter(app) == node_python


def test_the_python_that_silver_was_made_with_is_the_last_resort(
    app: Path, node_python: Path
) -> None:
    program(node_python, "exit 1")
    found = app_python.interpreter(app)
    assert found.exists()
    assert not found.is_relative_to(sys.prefix)


def test_a_python_in_the_environment_sees_silversupport_and_nothing_of_silvers(
    app: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    scripts = sysconfig.get_path("scripts")
    monkeypatch.setenv("VIRTUAL_ENV", sys.prefix)
    monkeypatch.setenv("PATH", f"{scripts}:/usr/bin:/bin")
    monkeypatch.setenv("PYTHONPATH", f"{ROOT}:{sysconfig.get_path('purelib')}")
    code = """
import importlib.util, os
import silversupport.paths
names = ("silverlining", "silvernode", "webob", "waitress", "ansible", "click")
print([name for name in names if importlib.util.find_spec(name)])
print(os.environ["SILVER_APP_NAME"], os.environ["PATH"], "VIRTUAL_ENV" in os.environ)
"""
    done = subprocess.run(
        [app_python.interpreter(app), "-P", "-c", code],
        env=app_python.environment(app),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.stdout == "[]\npolls /usr/bin:/bin False\n", done.stderr


def test_a_configuration_is_named(app: Path, tmp_path: Path) -> None:
    assert app_python.environment(app, tmp_path)["SILVER_APP_CONFIG"] == str(tmp_path)


def test_the_directory_of_the_support_holds_nothing_else_and_is_mended() -> None:
    directory = app_python.support_dir()
    assert directory.is_relative_to(paths.state_dir())
    assert {path.name for path in directory.iterdir()} == {"silversupport", "sitecustomize.py"}
    (directory / "silversupport").unlink()
    (directory / "silversupport").symlink_to("/nowhere")
    assert app_python.support_dir() == directory
    assert (directory / "silversupport").samefile(ROOT / "silversupport")
    assert len(list(directory.iterdir())) == len(app_python.SUPPORT)
