"""`silver init`, typed: from an empty directory to an application that is served."""

import re
import subprocess
from pathlib import Path

import pytest
import requests

from tests.support.commands import Done, must, silver
from tests.support.node import cloud_node
from tests.support.serving import serving
from tests.support.wheels import wheel

PATIENCE = 20
"""Seconds until a request is given up."""


@pytest.fixture(autouse=True)
def own_data(
    request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Keep what applications write here in a directory of the test; not so the keys of nodes."""
    if "node" not in request.fixturenames:
        monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))


def run(app: Path, program: str, *arguments: str) -> str:
    """Run a program of an application's `bin`; what it printed to both outputs."""
    done = subprocess.run(
        [app / "bin" / program, *arguments],
        cwd=app,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout
    return done.stdout


def git(directory: Path, *arguments: str) -> str:
    who = ["-c", "user.name=Ann", "-c", "user.email=ann@example.com"]
    command = ["git", "-C", str(directory), *who, *arguments]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


def contents(directory: Path) -> dict[str, bytes]:
    return {str(p): p.read_bytes() for p in directory.rglob("*") if p.is_file()}


def check_refusal(done: Done, *said: str) -> None:
    """Check that a command failed with one line that says something."""
    assert done.status == 1, str(done)
    assert done.err.startswith("silver: ")
    assert done.err.count("\n") == 1, str(done)
    for text in said:
        assert text in done.err


def test_a_new_application_says_hello_at_once(tmp_path: Path) -> None:
    done = must("init", "My-Polls", cwd=tmp_path)
    assert "Made the application my_polls, with Python 3." in done.out
    assert done.out.endswith("  silver serve My-Polls\n  silver update My-Polls my-polls.test\n")
    with serving(tmp_path / "My-Polls") as served:
        assert served.ask().text == "Hello from my_polls!\n"


def test_a_static_site_is_served(tmp_path: Path) -> None:
    must("init", tmp_path / "site", "--template", "static")
    with serving(tmp_path / "site") as served:
        assert "It works" in served.ask().text
        assert served.ask("/style.css").status == 200


def test_a_webob_application_passes_its_tests_and_is_served(tmp_path: Path) -> None:
    app = tmp_path / "book"
    must("init", app, "--template", "webob")
    assert "OK" in run(app, "python", "-m", "unittest", "discover", "src")
    assert (app / "lib/python/webob").is_dir()
    with serving(app) as served:
        body = requests.post(served.url, {"entry": "<i>Hello"}, timeout=PATIENCE).text
        assert "<li>&lt;i&gt;Hello</li>" in body


def test_a_django_site_is_served_on_a_node_with_its_admin(
    tmp_path: Path, node: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    app, host = tmp_path / "initdjango", "init-django.test"
    must("init", app, "--template", "django")
    with monkeypatch.context() as patch:
        patch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
        printed = run(app, "python", "bin/manage.py", "makemigrations", "--check", "--dry-run")
    assert printed.endswith("No changes detected\n")
    environment = app / "pyvenv.cfg"
    environment.write_text(environment.read_text().replace("version = 3.1", "version = 3.91"))
    done = must("update", app, host, "--node", node, "--no-etc-hosts")
    assert "was tried with Python 3.91" in done.out + done.err, str(done)
    address = cloud_node(node).public_ips[0]
    headers = {"Host": host}
    with requests.Session() as session:

        def ask(path: str) -> requests.Response:
            return session.get(f"http://{address}{path}", headers=headers, timeout=PATIENCE)

        token = re.search(r'csrfmiddlewaretoken" value="(\w+)"', ask("/").text)
        assert token
        sent = session.post(
            f"http://{address}/",
            {"csrfmiddlewaretoken": token[1], "text": "<i>Hello"},
            headers=headers | {"Cookie": f"csrftoken={session.cookies['csrftoken']}"},
            timeout=PATIENCE,
            allow_redirects=False,
        )
        assert sent.status_code == 302, sent.text
        assert "<li>&lt;i&gt;Hello</li>" in ask("/").text
        assert "Django administration" in ask("/admin/login/").text
        assert ask("/admin/css/base.css").headers["Content-Type"].startswith("text/css")


def test_the_clone_of_a_colleague_gets_an_environment_and_nothing_else(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(tmp_path))
    wheel(
        tmp_path,
        "thing",
        "1",
        {"thing.py": "def main(): print('it runs')"},
        {"thing": "thing:main"},
    )
    app = tmp_path / "polls"
    must("init", app)
    (app / "bin").rename(app / "lib/python/bin")
    (app / "bin").symlink_to("lib/python/bin")
    run(app, "pip", "install", "thing")
    (app / "app.ini").rename(app / "src/app.ini")
    (app / "app.ini").symlink_to("src/app.ini")
    for checkout in ("src", "lib/python"):
        git(app / checkout, "init", "--quiet")
        git(app / checkout, "add", "--all")
        git(app / checkout, "commit", "--quiet", "--message", "first")
    clone = tmp_path / "elsewhere/polls"
    for checkout in ("src", "lib/python"):
        git(tmp_path, "clone", "--quiet", str(app / checkout), str(clone / checkout))
    for name in ("bin", "app.ini"):
        (clone / name).symlink_to((app / name).readlink())
    done = must("init", ".", cwd=clone)
    assert "Made the environment of . anew" in done.out
    assert run(clone, "thing") == "it runs\n"
    run(clone, "pip", "uninstall", "--yes", "thing")
    run(clone, "pip", "install", "thing")
    with serving(clone) as served:
        assert served.ask().text == "Hello from polls!\n"
    for checkout in ("src", "lib/python"):
        assert git(clone / checkout, "status", "--short") == ""


def test_it_is_safe_over_and_over(tmp_path: Path) -> None:
    app = tmp_path / "polls"
    must("init", app)
    before = contents(app)
    must("init", app)
    assert contents(app) == before


def test_a_directory_that_is_not_empty_is_refused_and_stays_as_it_was(tmp_path: Path) -> None:
    app = tmp_path / "polls"
    app.mkdir()
    (app / "notes.txt").write_text("mine")
    check_refusal(silver("init", app), f"{app} is not empty: notes.txt", "--force")
    assert [path.name for path in app.iterdir()] == ["notes.txt"]
    must("init", app, "--force")
    assert (app / "notes.txt").read_text() == "mine"
    assert run(app, "python", "-c", "import os; print(os.environ['SILVER_APP_NAME'])") == "polls\n"


def test_force_says_what_it_overwrote(tmp_path: Path) -> None:
    (tmp_path / ".gitignore").write_text("mine")
    check_refusal(silver("init", ".", "--name", "polls", cwd=tmp_path), "overwrites .gitignore")
    done = must("init", ".", "--name", "polls", "--force", cwd=tmp_path)
    assert "Overwrote .gitignore.\n" in done.out


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["postgres"], "'postgres' is reserved, choose another name: say --name NAME"),
        (["2048"], "'2048' is not an app name"),
        (["polls", "--name", "Polls"], "--name: 'Polls' is not an app name"),
        (["polls", "--python", "python3.2"], "there is no Python 'python3.2'"),
        (["/dev/null"], "/dev/null is a file"),
    ],
)
def test_what_cannot_be_is_refused_before_anything_is_made(
    tmp_path: Path, arguments: list[str], said: str
) -> None:
    check_refusal(silver("init", *arguments, cwd=tmp_path), said)
    assert list(tmp_path.iterdir()) == []


def test_an_unknown_template_names_those_that_there_are() -> None:
    done = silver("init", "polls", "--template", "flask")
    assert (done.status, "'django', 'static', 'webob'" in done.err) == (2, True), str(done)


def test_a_name_for_an_application_that_has_one_is_refused(tmp_path: Path) -> None:
    must("init", tmp_path / "polls")
    check_refusal(silver("init", tmp_path / "polls", "--name", "votes"), "leave --name out")


def test_libraries_that_cannot_be_had_leave_an_application_to_go_on_with(tmp_path: Path) -> None:
    app = tmp_path / "book"
    command = ("init", app, "--template", "webob")
    done = silver(*command, PIP_NO_INDEX="1")
    assert done.status == 1
    last = done.err.splitlines()[-1]
    assert f"type: {app}/bin/pip install -r {app}/requirements.txt" in last
    assert "No matching distribution found for WebOb" in done.err
    run(app, "python", "-c", "pass")
    for name in ("WebOb", "legacy_cgi"):
        wheel(tmp_path, name, "9", {f"{name}.py": ""})
    must(*command, PIP_NO_INDEX="1", PIP_FIND_LINKS=str(tmp_path))
    assert (app / "lib/python/WebOb.py").exists()
