"""Every Python of an application that `silver init` made, started as its developer does."""

import os
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from silverlining.develop import app_environment, app_python
from silverlining.develop.app_environment import Python
from silverlining.playbook import ROOT
from silversupport import devel_site

Run = Callable[..., subprocess.CompletedProcess[str]]

VARIABLES = "import os; print(*(os.environ.get(n) for n in {!r}))"
HEAVY = ("asyncio", "email", "importlib.metadata", "inspect", "pathlib", "subprocess", "typing")


@pytest.fixture(scope="module")
def interpreter() -> Python:
    """The Python that an application gets."""
    return app_environment.find_python(str(app_python.interpreter(Path("/nowhere"))))


@pytest.fixture
def app(tmp_path: Path, interpreter: Python) -> Path:
    """An application with its environment."""
    return new_app(tmp_path / "polls", interpreter)


def new_app(directory: Path, interpreter: Python) -> Path:
    (directory / "src").mkdir(parents=True)
    ini = f"[production]\napp_name = {directory.name}\nrunner = src/run.py\nservice.files =\n"
    (directory / "app.ini").write_text(ini)
    app_environment.make(directory, interpreter)
    (directory / "lib/python/src.pth").write_text("../../src\n")
    return directory


@pytest.fixture
def python(app: Path, tmp_path: Path) -> Run:
    """Run its Python, or another program, in a bare environment."""

    def run(*arguments: str, program: Path = app / "bin/python", **variables: str) -> object:
        return subprocess.run(
            [program, *arguments],
            env={"PATH": os.environ["PATH"], "HOME": str(tmp_path), **variables},
            cwd=tmp_path,
            capture_output=True,
            text=True,
            check=False,
        )

    return run  # type: ignore[return-value]


def test_it_has_the_environment_of_the_application(python: Run, app: Path) -> None:
    names = ("SILVER_APP_NAME", "SILVER_INSTANCE_DIR", "SILVER_RUNNER", "CONFIG_FILES")
    done = python("-c", VARIABLES.format(names))
    name, directory, runner, files = done.stdout.split()
    assert (name, directory, runner) == ("polls", str(app), "src/run.py")
    assert Path(files).name == "files"
    assert done.stderr == ""


@pytest.mark.parametrize("flags", [[], ["-I"], ["-E", "-s"]])
def test_it_imports_from_src_and_silversupport_but_nothing_else_of_silver_lining(
    python: Run, app: Path, flags: list[str]
) -> None:
    (app / "src/mine.py").write_text("import silversupport.secret\n")
    code = (
        "import mine, importlib.util as u; print(u.find_spec('silverlining'), u.find_spec('click'))"
    )
    assert python(*flags, "-c", code).stdout == "None None\n"


def test_a_script_of_its_own_and_the_processes_that_it_starts_have_it_too(
    python: Run, app: Path
) -> None:
    (app / "bin/hello.py").write_text(
        "import os, subprocess, sys\n"
        "print(os.environ['SILVER_APP_NAME'], flush=True)\n"
        f"subprocess.run([sys.executable, '-c', {VARIABLES.format(('SILVER_APP_NAME',))!r}])\n"
    )
    assert python(str(app / "bin/hello.py")).stdout == "polls\npolls\n"


def test_silvercustomize_is_run_once_with_the_environment(python: Run, app: Path) -> None:
    (app / "lib/python/silvercustomize.py").write_text(VARIABLES.format(("SILVER_APP_NAME",)))
    assert python("-c", "import silvercustomize").stdout == "polls\n"


def test_a_failing_silvercustomize_ends_python_as_on_a_node_and_leaves_pip_alone(
    python: Run, app: Path
) -> None:
    (app / "lib/python/silvercustomize.py").write_text("import nowhere\n")
    done = python("-c", "print('it went on')")
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.endswith("No module named 'nowhere'\n")
    pip = python("list", program=app / "bin/pip")
    assert (pip.returncode, pip.stderr) == (0, "")


@pytest.mark.parametrize(
    ("ini", "said"),
    [
        ("[production]\napp_name = polls\nservice.nope =\nservice.files =\n", "no service 'nope'"),
        ("[production]\n", "app_name is missing"),
        (None, "No such file"),
    ],
)
def test_what_is_wrong_is_said_in_one_line_and_python_goes_on(
    python: Run, app: Path, ini: str | None, said: str
) -> None:
    if ini is None:
        (app / "app.ini").unlink()
    else:
        (app / "app.ini").write_text(ini)
    (app / "src/mine.py").touch()
    done = python("-c", "import mine, os; print('CONFIG_FILES' in os.environ)")
    assert done.returncode == 0
    assert (done.stderr.count("\n"), done.stderr.startswith("silver: ")) == (1, True)
    assert said in done.stderr
    assert done.stdout == f"{bool(ini and 'service.files' in ini)}\n"
    pip = python("list", program=app / "bin/pip")
    assert (pip.returncode, pip.stderr) == (0, "")


def test_what_the_user_set_stays(python: Run) -> None:
    done = python("-c", VARIABLES.format(("SILVER_APP_NAME", "CONFIG_FILES")), SILVER_APP_NAME="me")
    assert done.stdout == "me None\n"


def test_the_environment_of_another_application_does_not_stay(
    python: Run, tmp_path: Path, interpreter: Python
) -> None:
    other = new_app(tmp_path / "other", interpreter)
    code = (
        f"import subprocess; subprocess.run([{str(other / 'bin/python')!r}, '-c', "
        f"{VARIABLES.format(('SILVER_APP_NAME', 'SILVER_INSTANCE_DIR'))!r}])"
    )
    assert python("-c", code).stdout == f"other {other}\n"


def test_a_silver_lining_that_is_gone_is_named_in_one_line(
    python: Run, app: Path, tmp_path: Path
) -> None:
    starter = app / "lib/python" / devel_site.STARTER
    gone = str(tmp_path / "gone")
    starter.write_text(starter.read_text().replace(str(ROOT), gone))
    done = python("-c", "print('it went on')")
    assert (done.returncode, done.stdout) == (0, "it went on\n")
    assert done.stderr == (
        f"silver: there is no Silver Lining in {gone} any more, so this Python lacks the "
        f"application's environment; from where it is now, type: ./silver init {app}\n"
    )


def test_a_python_of_another_environment_is_left_alone(app: Path) -> None:
    """`lib/python` can be read by others: `silver serve` does, with the Python of a node."""
    code = f"import os, site; site.addsitedir({str(app / 'lib/python')!r}); print(*os.environ)"
    done = subprocess.run(
        [ROOT / ".venv/bin/python", "-c", code],
        env={"PATH": os.environ["PATH"]},
        capture_output=True,
        text=True,
        check=True,
    )
    assert "SILVER_APP_NAME" not in done.stdout
    assert done.stderr == ""


def test_nothing_heavy_is_imported(python: Run) -> None:
    """A stand-in for "in less than 30 ms" that does not depend on the machine's load."""
    code = f"import sys; print([name for name in {HEAVY!r} if name in sys.modules])"
    assert python("-c", code).stdout == "[]\n"


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (["-m", "pip", "install", "x"], True),
        (["-I", "-m", "pip"], True),
        (["/silver/pip/__pip-runner__.py", "install"], True),
        (["-P", "/app/bin/pip3", "list"], True),
        (["-m", "pytest", "-m", "pip"], False),
        (["run.py", "-m", "pip"], False),
        (["-c", "pass", "-m", "pip"], False),
        (["-m"], False),
        ([], False),
    ],
)
def test_a_pip_is_recognised(arguments: list[str], expected: bool) -> None:
    assert devel_site._is_pip(arguments) is expected
