import os
import runpy
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from silversupport import paths

Write = Callable[[dict[str, str]], None]
Python = Callable[..., subprocess.CompletedProcess[str]]

SITECUSTOMIZE = str(Path(paths.__file__).with_name("sitecustomize.py"))


@pytest.mark.parametrize(
    ("broken", "last_lines"),
    [
        ("def f():\n    return 1 / 0\nf()\n", "ZeroDivisionError: division by zero\n"),
        ("import sys\nsys.exit('no')\n", "SystemExit: no\n"),
        ("import sys\nsys.exit(0)\n", "SystemExit: 0\n"),
        ("import nowhere\n", "ModuleNotFoundError: No module named 'nowhere'\n"),
        ("raise KeyboardInterrupt\n", "KeyboardInterrupt\n"),
    ],
)
def test_failing_silvercustomize_ends_the_process_with_its_traceback(
    python: Python, app_dir: Path, write: Write, broken: str, last_lines: str
) -> None:
    write({"lib/python/silvercustomize.py": broken})
    result = python("print('it went on')")
    assert (result.returncode, result.stdout) == (1, "")
    first, second = result.stderr.splitlines()[:2]
    assert first == "Traceback (most recent call last):"
    assert second.startswith(f'  File "{app_dir}/lib/python/silvercustomize.py", line ')
    assert result.stderr.endswith(last_lines)


def test_syntax_error_in_silvercustomize_shows_the_line(
    python: Python, app_dir: Path, write: Write
) -> None:
    write({"lib/python/silvercustomize.py": "fine = 1\nbroken = = 2\n"})
    result = python("")
    assert result.returncode == 1
    assert result.stderr.startswith(
        f'  File "{app_dir}/lib/python/silvercustomize.py", line 2\n    broken = = 2\n'
    )


def test_missing_application_ends_the_process_in_one_line(python: Python) -> None:
    result = python("", SILVER_INSTANCE_DIR="/nowhere")
    assert result.returncode == 1
    assert result.stderr == "SILVER_INSTANCE_DIR: there is no directory /nowhere.\n"


def test_python_outside_an_application_is_left_alone(python: Python) -> None:
    code = "import sys; print('silversupport' in sys.modules, 'sitecustomize' in sys.modules)"
    result = python(code, SILVER_INSTANCE_DIR="")
    assert (result.returncode, result.stdout, result.stderr) == (0, "False True\n", "")


def test_nothing_heavy_is_imported(python: Python) -> None:
    """A generous stand-in for "cheap" that does not depend on the machine's load."""
    code = "import sys; print(len(sys.modules))"
    bare = int(python(code, SILVER_INSTANCE_DIR="").stdout)
    assert int(python(code).stdout) - bare == len(
        ["silversupport", "silversupport.errors", "silversupport.paths"]
    )


def test_python_inside_apache_leaves_it_to_startup(
    app_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    activated: list[str] = []
    monkeypatch.setattr(paths, "activate", activated.append)
    monkeypatch.setenv("SILVER_INSTANCE_DIR", str(app_dir))
    runpy.run_path(SITECUSTOMIZE)
    assert activated == [str(app_dir)]
    monkeypatch.setattr(sys, "orig_argv", [])  # as seen under mod_wsgi 4.9.4
    runpy.run_path(SITECUSTOMIZE)
    assert activated == [str(app_dir)]


def test_failure_is_written_before_the_exit(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    statuses: list[int] = []
    monkeypatch.setattr(os, "_exit", statuses.append)
    monkeypatch.setenv("SILVER_INSTANCE_DIR", "/nowhere")
    runpy.run_path(SITECUSTOMIZE)
    assert statuses == [1]
    assert "no directory /nowhere" in capsys.readouterr().err
