"""An update that fails says why, and leaves the site and the node as they were."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from tests.support import apps
from tests.support.node import Node, seen

FAILING_SCRIPT = 'import sys\nprint("The tables are gone.")\nsys.exit(3)\n'
NOTHING_INI = "[app:main]\npaste.app_factory = questioner.application:make_nothing\n"
NO_TEMPITA = "raise ModuleNotFoundError(\"No module named 'tempita'\")\n"
FAILING_PAGE = """
def application(environ, start_response):
    raise RuntimeError("no page today")
"""


@dataclass(frozen=True)
class Case:
    """A change that breaks an application.

    Attributes:
        said: what the command has to say.
        files: new contents of some files, by path.
        keys: keys of app.ini.
        app: the application.
    """

    said: tuple[str, ...]
    files: Mapping[str, str] = field(default_factory=dict)
    keys: Mapping[str, str] = field(default_factory=dict)
    app: str = "probe"


RUNNER = "src/runner.py"
CASES = {
    "module not found": Case(
        ("could not be imported", f'{RUNNER}", line 1', "No module named 'missing_module'"),
        {RUNNER: "from missing_module import application\n"},
    ),
    "syntax error": Case(
        ("could not be imported", 'lib/python/pages.py", line 1', "SyntaxError"),
        {RUNNER: "from pages import application\n", "lib/python/pages.py": "def (:\n"},
    ),
    "runner exits": Case(
        ("could not be imported", f'{RUNNER}", line 1', "SystemExit: not today"),
        {RUNNER: 'application = exit("not today")\n'},
    ),
    "silvercustomize fails": Case(
        ('lib/python/silvercustomize.py", line 1', "ZeroDivisionError"),
        {"lib/python/silvercustomize.py": "1 / 0\n"},
    ),
    "import ends the process": Case(
        ("a process ended while it imported the application",),
        {RUNNER: "import os\nos._exit(3)\napplication = None\n"},
    ),
    "import hangs": Case(
        ("was not imported within 10 s", "app_start_timeout"),
        {RUNNER: "import time\ntime.sleep(300)\napplication = None\n"},
    ),
    "script fails": Case(
        ("update_fetch = script:bin/fail.py ended with exit status 3", "The tables are gone."),
        {"bin/fail.py": FAILING_SCRIPT},
        {"update_fetch": "script:bin/fail.py"},
    ),
    "update_fetch answers 500": Case(
        ("update_fetch = /status/500 answered 500", "The probe answers 500."),
        keys={"update_fetch": "/status/500"},
    ),
    "check_url answers 404": Case(
        ("check_url = /status/404 answered 404", "The probe answers 404."),
        keys={"check_url": "/status/404"},
    ),
    "front page fails": Case(
        ("/ answered 500", f'{RUNNER}", line 3', "RuntimeError: no page today"),
        {RUNNER: FAILING_PAGE},
    ),
    "app fails behind a file": Case(
        ("/ answered 500", "RuntimeError: no page today"),
        {RUNNER: FAILING_PAGE, "static/index.html": "<h1>All is well</h1>"},
    ),
    "ini names nothing": Case(
        ("could not be imported", "make_nothing"),
        {"src/questioner.ini": NOTHING_INI},
        app="questioner",
    ),
    "application without its library": Case(
        ("could not be imported", "No module named 'tempita'"),
        {"lib/python/tempita/__init__.py": NO_TEMPITA},
        app="questioner",
    ),
}


@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
def test_a_broken_application_is_never_switched_to(
    samples: Node, probe: Node, case: Case, tmp_path: Path
) -> None:
    host = f"{case.app}.test"
    before, traces = probe.active(host), probe.traces(case.app)
    source = apps.PROBE if case.app == "probe" else apps.sample(case.app)
    broken = apps.copy(source, tmp_path / "app", case.files)
    for key, value in case.keys.items():
        apps.set_key(broken, key, value)

    run = probe.deploy(broken)

    assert run.status != 0, str(run)
    for text in (f"{host} stays as it was", *case.said):
        assert text in run.output, str(run)
    assert probe.active(host) == before
    assert probe.page(host).status_code == 200
    assert probe.traces(case.app) <= traces


def test_a_good_update_works_after_failed_ones(probe: Node, tmp_path: Path) -> None:
    before = probe.active("probe.test")
    probe.must_deploy(apps.copy(apps.PROBE, tmp_path / "app", {"static/repaired.txt": "repaired"}))
    told = probe.page("probe.test")
    assert told.json()["instance"] == probe.active("probe.test") > before, seen(told)
    assert probe.page("probe.test", "/repaired.txt").text == "repaired"
