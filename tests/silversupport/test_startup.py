import json
import os
import runpy
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any
from wsgiref.types import WSGIApplication

import pytest
from webob import Request

from silversupport import startup
from silversupport.environment import MissingVariable
from silversupport.runner import RunnerError

pytestmark = pytest.mark.usefixtures("interpreter")

Write = Callable[[dict[str, str]], None]
Python = Callable[..., subprocess.CompletedProcess[str]]

MAIN = """
from webob import Response
from webob.dec import wsgify
import helper

@wsgify
def application(request):
    return Response(f"{request.script_name} {request.environ.get('silverlining.update')}")
"""


@pytest.fixture
def run_dir(tmp_path: Path, app_dir: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The directory for reports, in an environment as Apache's for the runner src/main.py."""
    path = tmp_path / "run"
    path.mkdir()
    monkeypatch.setenv("SILVER_RUN_DIR", str(path))
    monkeypatch.setenv("SILVER_LOGS", str(tmp_path))
    monkeypatch.setenv("SILVER_INSTANCE_NAME", "main.20261122_001")
    monkeypatch.setattr(sys, "stdout", sys.stdout)
    monkeypatch.setattr(sys, "stderr", sys.stderr)
    monkeypatch.setenv("SILVER_INSTANCE_DIR", str(app_dir))
    monkeypatch.setenv("SILVER_RUNNER", "src/main.py")
    monkeypatch.setenv("SILVER_UPDATE_TOKEN", "t0ken")
    return path


def load_as_mod_wsgi() -> WSGIApplication:
    script = Path(startup.__file__).with_name("wsgi.py")
    application: WSGIApplication = runpy.run_path(str(script), run_name="_mod_wsgi_x")[
        "application"
    ]
    return application


def reports(run_dir: Path) -> list[str]:
    found = (path.relative_to(run_dir) for path in run_dir.rglob("*") if path.is_file())
    return sorted(str(path) for path in found if path.parts[0] != "requests")


def test_started_process_serves_and_reports_itself(run_dir: Path, write: Write) -> None:
    write({"src/main.py": MAIN, "lib/python/helper.py": ""})
    application = load_as_mod_wsgi()
    assert reports(run_dir) == [f"started/{os.getpid()}", f"starting/{os.getpid()}"]
    headers = {"X-Silver-Prefix": "/blog", "X-Silver-Update": "t0ken"}
    assert Request.blank("/", headers=headers).get_response(application).text == "/blog True"


def test_started_again_is_reported_again(run_dir: Path, write: Write) -> None:
    write({"src/main.py": MAIN, "lib/python/helper.py": ""})
    load_as_mod_wsgi()
    load_as_mod_wsgi()
    assert reports(run_dir) == [f"started/{os.getpid()}", f"starting/{os.getpid()}"]


def test_no_token_means_no_updates(
    run_dir: Path, write: Write, monkeypatch: pytest.MonkeyPatch
) -> None:
    write({"src/main.py": MAIN, "lib/python/helper.py": ""})
    monkeypatch.delenv("SILVER_UPDATE_TOKEN")
    request = Request.blank("/", headers={"X-Silver-Update": ""})
    assert request.get_response(load_as_mod_wsgi()).text == " None"


def test_static_site_starts_without_a_runner(
    run_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SILVER_RUNNER", "")
    application = load_as_mod_wsgi()
    assert reports(run_dir) == [f"started/{os.getpid()}", f"starting/{os.getpid()}"]
    assert Request.blank("/").get_response(application).status_code == 404


def logged(run_dir: Path) -> list[dict[str, Any]]:
    """The events in the log, which is beside the directory for reports."""
    return [json.loads(line) for line in (run_dir.parent / "app.jsonl").read_text().splitlines()]


def without_markers(traceback: str) -> str:
    """Leave out the lines of ^ and ~, which differ from Python to Python."""
    return "".join(line for line in traceback.splitlines(keepends=True) if line.strip(" ^~\n"))


@pytest.mark.parametrize(
    ("broken", "error", "report"),
    [
        (
            "import os\n\ndef f():\n    raise OSError('sch\xf6n \\udcff')\n\nf()\n",
            OSError,
            "Traceback (most recent call last):\n"
            '  File "{main}", line 6, in <module>\n    f()\n'
            "  File \"{main}\", line 4, in f\n    raise OSError('sch\xf6n \\udcff')\n"
            "OSError: sch\xf6n \\udcff\n",
        ),
        (
            "import sys; sys.exit('no')\n",
            SystemExit,
            "Traceback (most recent call last):\n"
            '  File "{main}", line 1, in <module>\n'
            "    import sys; sys.exit('no')\n"
            "SystemExit: no\n",
        ),
        (
            "broken = = 2\n",
            SyntaxError,
            '  File "{main}", line 1\n    broken = = 2\nSyntaxError: invalid syntax\n',
        ),
        (
            "app = 1\n",
            RunnerError,
            "runner = src/main.py: {main} has no object 'application'. "
            "It has these callables: none.\n",
        ),
    ],
)
def test_failed_process_reports_what_the_author_wants_to_read(
    run_dir: Path, write: Write, broken: str, error: type[BaseException], report: str
) -> None:
    main = Path(os.environ["SILVER_INSTANCE_DIR"], "src/main.py")
    write({"src/main.py": broken})
    with pytest.raises(SystemExit) as caught:
        load_as_mod_wsgi()
    assert type(caught.value.__context__) is error
    assert reports(run_dir) == ["failed", f"starting/{os.getpid()}"]
    text = (run_dir / "failed").read_text(encoding="utf-8")
    assert without_markers(text) == report.format(main=main)
    (event,) = logged(run_dir)
    assert event["stream"] == "error"
    assert event["text"].encode(errors="backslashreplace").decode() == text


def test_failing_silvercustomize_is_reported(run_dir: Path, write: Write) -> None:
    write({"src/main.py": MAIN, "lib/python/silvercustomize.py": "raise KeyError('custom')"})
    with pytest.raises(SystemExit):
        load_as_mod_wsgi()
    lines = (run_dir / "failed").read_text().splitlines()
    assert lines[1].endswith('silvercustomize.py", line 1, in <module>')
    assert lines[-1] == "KeyError: 'custom'"


def test_missing_directory_for_reports_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SILVER_RUN_DIR", raising=False)
    with pytest.raises(MissingVariable, match="SILVER_RUN_DIR"):
        load_as_mod_wsgi()


def test_what_is_written_at_import_and_by_logging_is_in_the_log(
    python: Python, write: Write, run_dir: Path
) -> None:
    write(
        {
            "src/main.py": "import logging\nlogging.getLogger(__name__).warning('careful')\n"
            "logging.getLogger(__name__).info('chatter')\nprint('imported')\n"
            "def application(environ, start_response): pass\n"
        }
    )
    result = python(
        "import silversupport.wsgi",
        SILVER_RUN_DIR=str(run_dir),
        SILVER_LOGS=str(run_dir),
        SILVER_INSTANCE_NAME="main.20261122_001",
        SILVER_RUNNER="src/main.py",
    )
    assert (result.returncode, result.stdout, result.stderr) == (0, "", "")
    events = logged(run_dir / "x")
    assert [(each["stream"], each["text"]) for each in events] == [
        ("stderr", "careful\n"),
        ("stdout", "imported\n"),
    ]
    assert {each["instance"] for each in events} == {"main.20261122_001"}
