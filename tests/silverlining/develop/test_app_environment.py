import base64
import hashlib
import subprocess
import sys
from importlib.metadata import distributions
from pathlib import Path

import pytest

from silverlining.app import uploads
from silverlining.develop import app_environment, app_python
from silverlining.develop.app_environment import EnvironmentFailure, Python
from silversupport import devel_site
from tests.support.wheels import wheel

CHOSEN = str(app_python.interpreter(Path("/nowhere")))
OURS = sys._base_executable  # type: ignore[attr-defined]
SAYS_WHO = """
import os, sys
def main():
    print(version, os.environ.get("SILVER_APP_NAME"), sys.prefix)
"""


@pytest.fixture
def python(request: pytest.FixtureRequest) -> Python:
    """The Python that an application gets, or the one that a test names."""
    return app_environment.find_python(getattr(request, "param", CHOSEN))


@pytest.fixture
def app(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, python: Python) -> Path:
    """Make an application an environment, with two versions of `thing` to install."""
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(tmp_path))
    for version in ("1", "2"):
        files = {"thing.py": f"version = {version}{SAYS_WHO}", f"thing_data/v{version}": ""}
        script = "#!python\nfrom thing import main\nmain()\n"
        scripts = {"thing": "thing:main", "old-thing": script}
        wheel(tmp_path, "thing", version, files, scripts)
    directory = tmp_path / "my app"  # a blank makes pip write scripts of another form
    directory.mkdir()
    (directory / "app.ini").write_text("[production]\napp_name = polls\nrunner = src/run.py\n")
    app_environment.make(directory, python)
    return directory


def run(app: Path, program: str, *arguments: str) -> str:
    """Run a program of an application's `bin`; what it printed to both outputs."""
    done = subprocess.run(
        [app / "bin" / program, *arguments],
        cwd="/",
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout
    return done.stdout


def libraries(app: Path) -> set[str]:
    ours = {"__pycache__", devel_site.STARTER}
    return {path.name for path in (app / "lib/python").iterdir()} - ours


@pytest.mark.parametrize("python", [CHOSEN, OURS], indirect=True)
def test_pip_installs_upgrades_and_uninstalls_in_lib_python(app: Path) -> None:
    run(app, "pip", "install", "thing==1")
    assert libraries(app) == {"thing.py", "thing_data", "thing-1.dist-info"}
    assert run(app, "thing") == f"1 polls {app}\n"
    run(app, "pip", "install", "--upgrade", "thing")
    assert libraries(app) == {"thing.py", "thing_data", "thing-2.dist-info"}
    assert [path.name for path in (app / "lib/python/thing_data").iterdir()] == ["v2"]
    assert run(app, "old-thing") == f"2 polls {app}\n"
    run(app, "pip", "uninstall", "--yes", "thing")
    assert libraries(app) == set()
    assert not (app / "bin/thing").exists()
    assert not (app / "bin/old-thing").exists()


@pytest.mark.parametrize("command", [["-m", "pip"], ["-P", "-I", "-m", "pip"]])
def test_python_has_the_same_pip(app: Path, command: list[str]) -> None:
    run(app, "python", *command, "install", "thing")
    assert "thing.py" in libraries(app)
    listed = run(app, "python", *command, "list", "--format=freeze")
    assert listed == "thing==2\n"


def test_a_pip_from_elsewhere_fills_lib_python_too(app: Path) -> None:
    pip = [sys.executable, "-m", "pip", "--python", str(app / "bin/python")]
    subprocess.run([*pip, "install", "--quiet", "thing==1"], check=True)
    assert libraries(app) == {"thing.py", "thing_data", "thing-1.dist-info"}
    subprocess.run([*pip, "uninstall", "--quiet", "--yes", "thing"], check=True)
    assert not (app / "bin/thing").exists()


def test_a_library_that_the_distribution_has_is_installed_all_the_same(
    app: Path, python: Python, tmp_path: Path
) -> None:
    found = next(iter(distributions(path=[devel_site.DISTRIBUTION])), None)
    if found is None or not python.path.is_relative_to("/usr/bin"):
        pytest.skip("this is not the distribution's Python, or it has no packages")
    name = found.name.replace("-", "_")
    wheel(tmp_path, name, found.version, {"mark": ""})
    run(app, "pip", "install", found.name)
    assert "mark" in libraries(app)


def test_an_application_sees_the_packages_of_the_distribution_after_its_own(
    app: Path, python: Python
) -> None:
    path = run(app, "python", "-c", "import sys; print(*sys.path[1:], sep='\\n')").splitlines()
    if python.path.is_relative_to("/usr/bin") and Path(devel_site.DISTRIBUTION).is_dir():
        assert path.index(str(app / "lib/python")) < path.index(devel_site.DISTRIBUTION)
    assert not [entry for entry in path if ".venv" in entry or "site-packages" in entry]


def test_everything_goes_on_when_bin_is_moved_into_lib_python(app: Path, python: Python) -> None:
    run(app, "pip", "install", "thing==1")
    (app / "bin").rename(app / "lib/python/bin")
    (app / "bin").symlink_to("lib/python/bin")
    assert run(app, "thing") == f"1 polls {app}\n"
    run(app, "pip", "install", "thing==2")
    assert run(app, "old-thing") == f"2 polls {app}\n"
    app_environment.make(app, python)
    assert (app / "bin").is_symlink()
    run(app, "pip", "uninstall", "--yes", "thing")
    assert not (app / "bin/thing").exists()


def test_what_pip_noted_of_a_script_is_true(app: Path) -> None:
    run(app, "pip", "install", "thing==1")
    (thing,) = distributions(path=[str(app / "lib/python")])
    (path,) = (path for path in thing.files or () if path.name == "thing")
    content = (app / "bin/thing").read_bytes()
    digest = base64.urlsafe_b64encode(hashlib.sha256(content).digest()).rstrip(b"=").decode()
    assert path.hash
    assert (path.hash.value, path.size) == (digest, len(content))


def test_everything_goes_on_when_the_application_is_moved(app: Path, tmp_path: Path) -> None:
    run(app, "pip", "install", "thing==1")
    moved = app.rename(tmp_path / "moved")
    assert run(moved, "thing") == f"1 polls {moved}\n"
    run(moved, "pip", "install", "thing==2")
    assert run(moved, "old-thing") == f"2 polls {moved}\n"
    assert not app.exists()


def test_activating_it_sets_the_path(app: Path) -> None:
    run(app, "pip", "install", "thing==1")
    script = (
        '. "$0"/bin/activate && cd / && pip uninstall --yes thing'
        ' && python -c "import sys; print(sys.prefix)"'
    )
    done = subprocess.run(["bash", "-c", script, app], capture_output=True, text=True, check=True)
    assert done.stdout.endswith(f"{app}\n")
    assert libraries(app) == set()


def test_a_library_is_built_without_the_application(app: Path, tmp_path: Path) -> None:
    run(app, "pip", "install", "thing==1")
    source = tmp_path / "source"
    source.mkdir()
    (source / "pyproject.toml").write_text(
        '[build-system]\nrequires = []\nbuild-backend = "build"\nbackend-path = ["."]\n'
    )
    (source / "wheels.py").write_text(Path(wheel.__code__.co_filename).read_text())
    (source / "build.py").write_text(
        "import importlib.util, os\nfrom pathlib import Path\nfrom wheels import wheel\n"
        "def build_wheel(directory, *_):\n"
        "    seen = [importlib.util.find_spec('thing'), os.environ.get('SILVER_APP_NAME')]\n"
        "    return wheel(Path(directory), 'built', '1', {'built.py': f'seen = {seen}'}).name\n"
    )
    run(app, "pip", "install", str(source))
    assert run(app, "python", "-c", "import built; print(built.seen)") == "[None, None]\n"


def test_nothing_of_it_is_uploaded(app: Path) -> None:
    (app / "bin").rename(app / "lib/python/bin")
    (app / "bin").symlink_to("lib/python/bin")
    assert {str(path) for path in uploads.walk(app)} == {
        "app.ini", "bin", "lib", "lib/python", "lib/python/bin"
    }  # fmt: skip


def test_one_that_was_half_made_is_completed(
    app: Path, python: Python, monkeypatch: pytest.MonkeyPatch
) -> None:
    for path in (app / "bin").iterdir():
        path.unlink()

    def killed(source: Path, target: Path) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(app_environment, "_move", killed)
        with pytest.raises(KeyboardInterrupt):
            app_environment.make(app, python)
    assert not (app / "bin/python").exists()
    app_environment.make(app, python)
    run(app, "pip", "install", "thing==1")
    assert run(app, "thing") == f"1 polls {app}\n"


def test_libraries_of_another_virtual_environment_are_not_thrown_away(tmp_path: Path) -> None:
    python = app_environment.find_python(CHOSEN)
    packages = tmp_path / "lib" / f"python{python.version}" / "site-packages"
    packages.mkdir(parents=True)
    assert app_environment.problem(tmp_path, python) is None
    (packages / "thing.py").touch()
    assert str(packages) in str(app_environment.problem(tmp_path, python))


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (lambda app: (app / "bin").symlink_to("lib/python/bin"), "bin is a link to lib/python/bin"),
        (lambda app: (app / "lib").write_text(""), "lib is a file"),
    ],
)
def test_what_is_in_the_way_is_named(tmp_path: Path, make: object, said: str) -> None:
    python = app_environment.find_python(CHOSEN)
    make(tmp_path)  # type: ignore[operator]
    assert said in str(app_environment.problem(tmp_path, python))


def test_a_python_is_found_behind_links_and_environments(app: Path, python: Python) -> None:
    assert app_environment.find_python(str(app / "bin/python")) == python
    assert python.path.name.startswith("python3.")


@pytest.mark.parametrize(
    ("script", "said"),
    [
        ("#!/bin/sh\necho 3 10 /usr/bin/python3.10\n", "3.11 or newer"),
        ("#!/bin/sh\necho nonsense >&2\nexit 3\n", "is no Python:\nnonsense"),
        ("", "is no Python"),
    ],
)
def test_what_is_no_python_for_an_application_is_refused(
    tmp_path: Path, script: str, said: str
) -> None:
    program = tmp_path / "python"
    program.write_text(script)
    program.chmod(0o755)
    with pytest.raises(EnvironmentFailure, match=said):
        app_environment.find_python(str(program))


def test_a_python_that_is_not_there_is_named() -> None:
    with pytest.raises(EnvironmentFailure, match=r"no Python 'python3\.2'"):
        app_environment.find_python("python3.2")


def test_another_python_on_the_node_is_told(app: Path, python: Python) -> None:
    assert app_environment.difference(app, python.version) == []
    (warning,) = app_environment.difference(app, "3.99")
    assert f"with Python {python.version}, the node has 3.99" in warning


def test_an_application_without_an_environment_is_not_warned_about(tmp_path: Path) -> None:
    assert app_environment.difference(tmp_path, "3.99") == []
