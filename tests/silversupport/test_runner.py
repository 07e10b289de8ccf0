import pickle
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import paste.deploy
import pytest
from webob import Request

from silversupport import paths, runner
from silversupport.runner import RunnerError, load

pytestmark = pytest.mark.usefixtures("interpreter")

Write = Callable[[dict[str, str]], None]
Python = Callable[..., subprocess.CompletedProcess[str]]

MAIN = """
from webob import Response
from webob.dec import wsgify

@wsgify
def application(request):
    return Response("default " + __name__)

@wsgify
def api(request):
    return Response("api")

number = 42
_private = application
"""

INI = """
[app:main]
paste.app_factory = factory:make
greeting = %(here)s

[app:other]
paste.app_factory = factory:make
greeting = other

[app:broken]
paste.app_factory = factory:fail
"""

FACTORY = """
from webob import Response

def make(global_conf, greeting):
    return Response(greeting)

def fail(global_conf):
    return {}["missing"]
"""


def get(app_dir: Path, name: str) -> str:
    return str(Request.blank("/").get_response(load(app_dir, name)).text)


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("src/main.py", "default silver_runner"),
        ("src/main.py#application", "default silver_runner"),
        ("src/main.py#", "default silver_runner"),
        ("src/main.py#api", "api"),
    ],
)
def test_python_file_offers_the_named_object(
    app_dir: Path, write: Write, value: str, text: str
) -> None:
    write({"src/main.py": MAIN})
    assert get(app_dir, value) == text


@pytest.mark.parametrize(
    ("file", "name"),
    [
        ("src/main.py", "main"),
        ("src/polls/web.py", "polls.web"),
        ("src/polls/__init__.py", "polls"),
        ("lib/python/main.py", "main"),
        ("src/my-main.py", "silver_runner"),
        ("src/json/main.py", "silver_runner"),
        ("src/time.py", "silver_runner"),
        ("src/__main__.py", "silver_runner"),
        ("src/__init__.py", "silver_runner"),
        ("scripts/main.py", "silver_runner"),
    ],
)
def test_runner_has_the_name_it_would_be_imported_by(
    app_dir: Path, write: Write, file: str, name: str
) -> None:
    write({"lib/python/src.pth": "../../src\n", "src/used.py": "", file: MAIN})
    paths.activate(str(app_dir))
    assert get(app_dir, file) == f"default {name}"
    assert sys.modules[name].__file__ == str(app_dir / file)


def test_runner_behind_a_module_of_the_same_name_is_still_the_runner(
    app_dir: Path, write: Write
) -> None:
    write({"lib/python/src.pth": "../../src\n", "lib/python/main.py": "", "src/main.py": MAIN})
    paths.activate(str(app_dir))
    assert get(app_dir, "src/main.py") == "default silver_runner"


def test_runner_in_a_package_may_import_relatively(app_dir: Path, write: Write) -> None:
    write(
        {
            "lib/python/polls/__init__.py": "",
            "lib/python/polls/views.py": MAIN,
            "lib/python/polls/web.py": "from .views import api as application",
        }
    )
    paths.activate(str(app_dir))
    assert get(app_dir, "lib/python/polls/web.py") == "api"


def test_what_a_runner_defines_can_be_pickled(app_dir: Path, write: Write) -> None:
    write({"src/main.py": "class Answer:\n    pass\ndef application(environ, start): pass\n"})
    load(app_dir, "src/main.py")
    answer = sys.modules["silver_runner"].Answer()
    assert type(pickle.loads(pickle.dumps(answer))) is type(answer)


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ("src/gone.py", r"runner = src/gone.py: there is no file \S+/app/src/gone.py\."),
        ("src", r"runner = src: there is no file \S+/app/src\."),
        ("src/main.txt", r"runner = src/main.txt: expected a file that ends in \.py or \.ini\."),
        (
            "src/main.py#appl",
            r"runner = src/main.py#appl: \S+/src/main.py has no object 'appl'\. "
            r"It has these callables: Response, api, application, wsgify\.",
        ),
        ("src/empty.py", r".* has no object 'application'. It has these callables: none\."),
        ("src/main.py#number", r"runner = src/main.py#number: it is a int, not callable\."),
        (
            "app.ini#gone",
            r"runner = app.ini#gone: No section 'gone' .* found in config \S+/app/app.ini",
        ),
    ],
)
def test_wrong_runner_is_one_line_that_names_it(
    app_dir: Path, write: Write, value: str, message: str
) -> None:
    write({"src/main.py": MAIN, "src/main.txt": "", "src/empty.py": "", "app.ini": INI})
    with pytest.raises(RunnerError) as caught:
        load(app_dir, value)
    assert "\n" not in str(caught.value)
    caught.match(f"^{message}$")


def test_error_of_the_application_passes_through_and_leaves_no_half_module(
    app_dir: Path, write: Write
) -> None:
    write({"src/main.py": "def f():\n    return {}['x']\nf()\n"})
    with pytest.raises(KeyError) as caught:
        load(app_dir, "src/main.py")
    last = caught.traceback[-1]
    assert (str(last.path), last.lineno + 1) == (str(app_dir / "src/main.py"), 2)
    assert runner.MODULE_NAME not in sys.modules


def test_syntax_error_names_file_and_line(app_dir: Path, write: Write) -> None:
    write({"src/main.py": "fine = 1\nbroken = = 2\n"})
    with pytest.raises(SyntaxError) as caught:
        load(app_dir, "src/main.py")
    assert (caught.value.filename, caught.value.lineno) == (str(app_dir / "src/main.py"), 2)


@pytest.mark.parametrize("neighbour", ["src/views.py", "src/views/__init__.py"])
def test_module_beside_the_runner_is_not_found_and_the_error_says_why(
    app_dir: Path, write: Write, neighbour: str
) -> None:
    write({"src/main.py": "import views", neighbour: ""})
    with pytest.raises(ModuleNotFoundError) as caught:
        load(app_dir, "src/main.py")
    (note,) = caught.value.__notes__
    assert note.startswith(f"views is in {app_dir}/src, which is not on the application's path")


def test_module_that_is_nowhere_gets_no_such_explanation(app_dir: Path, write: Write) -> None:
    write({"src/main.py": "import nowhere"})
    with pytest.raises(ModuleNotFoundError) as caught:
        load(app_dir, "src/main.py")
    assert not hasattr(caught.value, "__notes__")


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("etc/app.ini", "{app}/etc"),
        ("etc/app.ini#main", "{app}/etc"),
        ("etc/app.ini#other", "other"),
    ],
)
def test_ini_file_is_a_pastedeploy_configuration(
    app_dir: Path, write: Write, value: str, text: str
) -> None:
    write({"etc/app.ini": INI, "lib/python/factory.py": FACTORY})
    paths.activate(str(app_dir))
    assert get(app_dir, value) == text.format(app=app_dir)


def test_ini_file_may_be_in_a_directory_with_a_strange_name(app_dir: Path, write: Write) -> None:
    """PasteDeploy takes an address, in which `#` has a meaning."""
    write({"c# é/app.ini": INI, "lib/python/factory.py": FACTORY})
    paths.activate(str(app_dir))
    assert get(app_dir / "c# é", "app.ini") == f"{app_dir}/c# é"


def test_lookup_errors_of_the_application_stay_what_they_are(app_dir: Path, write: Write) -> None:
    write({"app.ini": INI, "lib/python/factory.py": FACTORY})
    paths.activate(str(app_dir))
    with pytest.raises(KeyError, match="missing"):
        load(app_dir, "app.ini#broken")


def test_ini_file_without_pastedeploy_says_what_to_do(
    app_dir: Path, write: Write, monkeypatch: pytest.MonkeyPatch
) -> None:
    write({"app.ini": INI})
    monkeypatch.setitem(sys.modules, "paste.deploy", None)
    with pytest.raises(RunnerError, match=r"PasteDeploy in lib/python\. Add it: bin/pip install"):
        load(app_dir, "app.ini")


def test_pastedeploy_is_the_applications_own(python: Python, app_dir: Path, write: Write) -> None:
    """With the .pth file that pip installs for it, in a Python that has no other PasteDeploy."""
    write(
        {
            "app.ini": INI.replace("%(here)s", "own"),
            "lib/python/factory.py": "def make(global_conf, greeting):\n    return greeting.join",
        }
    )
    code = f"from silversupport.runner import load; print(load({str(app_dir)!r}, 'app.ini')('ab'))"
    assert "bin/pip install PasteDeploy" in python(code).stderr
    deploy = Path(paste.deploy.__file__).parent
    shutil.copytree(deploy, app_dir / "lib/python/paste/deploy")
    for pth in deploy.parent.parent.glob("PasteDeploy-*.pth"):
        shutil.copy(pth, app_dir / "lib/python")
    result = python(code)
    assert (result.stderr, result.stdout) == ("", "aownb\n")
