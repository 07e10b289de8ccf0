"""`silver serve`, typed."""

import json
import os
import shutil
import signal
import socket
import sys
import termios
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Thread
from urllib.parse import urlsplit

import pexpect
import pytest

from silverlining.playbook import ROOT
from silversupport import data
from tests.support import apps, shelf
from tests.support.commands import POSTGIS, must, silver
from tests.support.serving import Answer, Serving, are_gone, ask, descendants, serving

FIRST_SECONDS = 1.5
RELOAD_SECONDS = 1.0
END_SECONDS = 1.0
NODE_SECONDS = 300
"""Until a node with PostGIS is there, which is made when it is needed first."""
TRIES = 3
"""The best of so many is measured: the machine does other things, too."""

RUNNER = """
import os, sys, threading, time


def application(environ, start_response):
    match environ["PATH_INFO"]:
        case "/slow":
            time.sleep(30)
        case "/stuck":
            threading.Thread(target=time.sleep, args=(30,), daemon=False).start()
        case "/finishes":
            print("in progress")
            time.sleep(0.2)
        case "/raise":
            raise ValueError("<wrong>")
        case "/raise-later":
            start_response("200 OK", [("Content-Type", "text/plain")])
            return failing()
        case "/exit":
            sys.exit("leaving")
        case "/crash":
            os._exit(7)
        case "/debug":
            answer = 41
            breakpoint()
            start_response("200 OK", [("Content-Type", "text/plain")])
            return [str(answer).encode()]
        case "/write":
            open(os.path.join(os.environ["SILVER_INSTANCE_DIR"], "src", "own.txt"), "a").write(".")
    start_response("200 OK", [("Content-Type", "text/plain")])
    return [b"version 1, process %d" % os.getpid()]


def failing():
    raise ValueError("late")
    yield b""
"""
INI = "[production]\napp_name = served\nrunner = src/runner.py\n"


@pytest.fixture(autouse=True)
def own_data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Keep what applications write in a directory of the test."""
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))


@pytest.fixture(scope="session")
def postgis() -> Iterator[dict[str, str]]:
    """Variables for a local node of our own with PostGIS: a developer's has data in it."""
    yield {"SILVER_DEVEL_NODE": POSTGIS}
    if "SILVER_TEST_NODE" not in os.environ:
        silver("destroy-node", POSTGIS, "--yes")


@pytest.fixture
def app(tmp_path: Path) -> Path:
    """An application that does what it is asked to."""
    directory = tmp_path / "app"
    apps.change(directory, "app.ini", INI)
    apps.change(directory, "src/runner.py", RUNNER)
    return directory


@pytest.fixture
def served(app: Path) -> Iterator[Serving]:
    """The application, served."""
    with serving(app) as started:
        yield started


def best(measure: Callable[[], float]) -> float:
    """The best of some tries."""
    return min(measure() for _ in range(TRIES))


@pytest.mark.parametrize(("name", "text"), [("hello", "hello"), ("questioner", "question")])
def test_the_first_request_is_answered_soon(tmp_path: Path, name: str, text: str) -> None:
    copy = apps.copy(apps.sample(name), tmp_path / name)

    def first() -> float:
        with serving(copy) as started:
            assert text in started.ask().text.lower()
            return time.monotonic() - started.began

    assert best(first) < FIRST_SECONDS


def test_the_first_request_is_answered_soon_with_a_database(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, postgis: dict[str, str]
) -> None:
    monkeypatch.undo()  # the node's keys are in the real directory
    copy = apps.copy(apps.sample("places"), tmp_path / "places")
    apps.set_key(copy, "app_name", "serve_places")

    def first() -> float:
        with serving(copy, **postgis) as started:
            assert "places" in started.ask().text.lower()
            return time.monotonic() - started.began

    try:
        with serving(copy, **postgis) as started:  # makes the node, if it is not there
            started.wait_for("/ serves", limit=NODE_SECONDS)
        assert best(first) < FIRST_SECONDS
    finally:
        shutil.rmtree(data.devel_dir("serve_places"), ignore_errors=True)


def test_a_change_is_served_soon(app: Path, served: Serving) -> None:
    served.ask_until("version 1")
    texts = iter(f"version {number}" for number in range(2, 10))

    def change() -> float:
        text = next(texts)
        apps.change(app, "src/runner.py", RUNNER.replace("version 1", text))
        return served.ask_until(text)

    assert best(change) < RELOAD_SECONDS
    assert "src/runner.py changed" in served.output


def test_no_connection_is_refused_while_it_starts_again(app: Path, served: Serving) -> None:
    first = served.ask().text
    apps.change(app, "src/runner.py", RUNNER.replace("version 1", "time.sleep(1)\nversion 1"))
    while served.ask().text == first:
        pass


def test_a_request_in_progress_is_finished(app: Path, served: Serving) -> None:
    served.ask()
    with ThreadPoolExecutor() as pool:
        answer = pool.submit(served.ask, "/finishes")
        served.wait_for("in progress")
        apps.change(app, "src/other.py", "")
        assert answer.result().status == 200
    served.wait_for("src/other.py changed")


def test_a_template_and_a_library_start_it_again_and_byte_code_does_not(
    app: Path, served: Serving
) -> None:
    served.ask()
    (app / "lib/python").mkdir(parents=True)
    served.wait_for("lib.* changed")
    process = served.ask().text
    for path in ("src/__pycache__/x.pyc", ".git/index", "src/page.html~"):
        apps.change(app, path, "")
    time.sleep(0.5)
    assert served.ask().text == process
    for path in ("src/page.html", "lib/python/library.py"):
        apps.change(app, path, "")
        served.wait_for(f"{path} changed")


def test_an_import_error_is_a_page_until_it_is_mended(app: Path, served: Serving) -> None:
    served.ask()
    apps.change(app, "src/runner.py", f"{RUNNER}\nimport nothing_of_this_name\n")
    served.ask_until("No module named &#x27;nothing_of_this_name&#x27;")
    answer = served.ask("/any/path")
    assert answer.status == 500
    assert "silverlining" not in answer.text, "the traceback begins in the application"
    assert "ModuleNotFoundError" in served.output
    apps.change(app, "src/runner.py", RUNNER)
    served.ask_until("version 1")


def test_a_wrong_app_ini_is_a_page_until_it_is_mended(app: Path, served: Serving) -> None:
    served.ask()
    apps.change(app, "app.ini", f"{INI}runer = src/runner.py\n")
    served.ask_until("did you mean runner?")
    assert "did you mean runner?" in served.output
    apps.change(app, "app.ini", INI)
    served.ask_until("version 1")


def test_an_error_before_the_application_is_a_page_too(app: Path, served: Serving) -> None:
    served.ask()
    apps.change(app, "lib/python/silvercustomize.py", "import nothing_here\n")
    served.ask_until("No module named &#x27;nothing_here&#x27;")
    (app / "lib/python/silvercustomize.py").unlink()
    served.ask_until("version 1")


def test_an_error_of_a_request_is_a_page(served: Serving) -> None:
    answer = served.ask("/raise")
    assert answer.status == 500
    assert "ValueError: &lt;wrong&gt;" in answer.text
    assert "ValueError: <wrong>" in served.output
    assert "ValueError: late" in served.ask("/raise-later").text
    assert "SystemExit: leaving" in served.ask("/exit").text
    assert served.ask().status == 200


def test_a_crash_is_told_and_the_application_is_started_again(served: Serving) -> None:
    served.ask()
    time.sleep(1.1)
    with pytest.raises(OSError):
        served.ask("/crash")
    assert served.ask().status == 200
    assert "ended with exit status 7; it is started again" in served.output


def test_what_it_writes_itself_does_not_start_it_again(app: Path, served: Serving) -> None:
    process = served.ask("/write").text
    time.sleep(0.5)
    assert served.ask("/write").text == process
    assert f"the application writes {app}/src/own.txt" in served.output


def test_requests_are_shown(served: Serving) -> None:
    served.ask("/a%20path?with=query")
    served.wait_for(r"GET /a%20path\?with=query 200 \d+ ms")


def test_an_update_is_done_first_and_once(app: Path) -> None:
    script = "import sys\nprint('updated', *sys.argv[1:])\n"
    apps.change(app, "bin/update.py", script)
    apps.set_key(app, "update_fetch", "script:bin/update.py 'a b'\n  /path")
    with serving(app) as started:
        started.ask()
        assert started.output.index("updated a b") < started.output.index("GET /path 200")
        apps.change(app, "src/runner.py", RUNNER.replace("version 1", "version 2"))
        started.ask_until("version 2")
        assert started.output.count("updated a b") == 1
        apps.set_key(app, "check_url", "/")
        started.wait_for("app.ini changed")
        assert started.output.count("updated a b") == 2


def test_a_failed_update_is_told_and_tried_again_when_it_is_mended(app: Path) -> None:
    # It writes a file of the application, too, which must not be a reason to try again.
    script = "open('src/made.txt', 'a').write('.')\nprint('trying')\nraise SystemExit({})\n"
    apps.change(app, "bin/update.py", script.format(3))
    apps.set_key(app, "update_fetch", "script:bin/update.py")
    with serving(app) as started:
        assert started.ask().status == 200
        started.wait_for("bin/update.py ended with exit status 3; it is served all the same")
        time.sleep(1)
        assert started.output.count("trying") == 1
        apps.change(app, "bin/update.py", script.format(0))
        started.wait_for("trying(?s:.*)trying")
        started.wait_for("bin/update.py changed")
        assert started.output.count("exit status 3") == 1


@pytest.mark.parametrize(("path", "error"), [("/raise", "<wrong>"), ("/raise-later", "late")])
def test_an_update_that_raises_an_error_is_told(app: Path, path: str, error: str) -> None:
    apps.set_key(app, "update_fetch", path)
    with serving(app) as started:
        assert started.ask().status == 200
        assert f"ValueError: {error}" in started.output
        assert f"update_fetch = {path} answered 500, not 2xx" in started.output


def test_the_environment_is_that_of_a_node_and_not_that_of_silver(app: Path) -> None:
    runner = """
import json, os, sys
def application(environ, start_response):
    found = []
    for name in ("waitress", "webob", "silverlining", "ansible", "click", "silversupport"):
        try:
            __import__(name)
            found.append(name)
        except ImportError:
            pass
    start_response("200 OK", [])
    keys = ("SCRIPT_NAME", "HTTP_X_FORWARDED_SERVER", "HTTP_X_SILVER_PREFIX", "wsgi.url_scheme")
    return [json.dumps([found, dict(os.environ), sys.path, os.getcwd(),
        {key: environ.get(key) for key in keys}]).encode()]
"""
    apps.change(app, "src/runner.py", runner)
    with serving(app) as started:
        forged = ["X-Forwarded-Server: x", "X-Silver-Prefix: /x"]
        found, variables, path, directory, environ = json.loads(
            ask(started.url, headers=forged).text
        )
    assert found == ["silversupport"]
    assert not any(entry.startswith((sys.prefix, str(ROOT))) for entry in path), path
    assert directory == variables["SILVER_INSTANCE_DIR"] == str(app)
    assert variables["SILVER_CANONICAL_HOSTNAME"] == "localhost"
    assert variables["SILVER_VERSION"].startswith("devel/")
    assert environ == {
        "SCRIPT_NAME": "",
        "HTTP_X_FORWARDED_SERVER": None,
        "HTTP_X_SILVER_PREFIX": None,
        "wsgi.url_scheme": "http",
    }


def test_an_application_has_its_own_versions_of_the_servers_libraries(app: Path) -> None:
    for name in ("waitress", "webob"):
        apps.change(app, f"lib/python/{name}/__init__.py", "version = 'its own'\n")
    apps.change(app, "lib/python/silvercustomize.py", "import waitress\n")
    apps.change(app, "static/file.txt", "A file.")
    change = "import sys, waitress, webob\nassert sys.modules['waitress'].version == webob.version"
    apps.change(app, "src/runner.py", f"{change}\n{RUNNER}")
    with serving(app) as started:
        assert started.ask().text.startswith("version 1")
        assert started.ask("/file.txt").text == "A file."


def test_a_configuration_is_checked_and_given(app: Path, tmp_path: Path) -> None:
    checker = (
        "import os\nfrom pathlib import Path\n"
        "settings = Path(os.environ['SILVER_APP_CONFIG'], 'settings').read_text()\n"
        "raise SystemExit('settings are wrong' if settings == 'wrong' else 0)\n"
    )
    apps.change(app, "bin/check.py", checker)
    apps.set_key(app, "config.required", "true")
    apps.set_key(app, "config.checker", "script:bin/check.py")
    config = tmp_path / "config"
    apps.change(config, "settings", "wrong")
    assert "--config DIR" in silver("serve", app, "--port", 0).err
    refused = silver("serve", app, "--port", 0, "--config", config)
    assert (refused.status, "settings are wrong" in refused.err) == (1, True), str(refused)
    apps.change(config, "settings", "right")
    with serving(app, "--config", config) as started:
        started.ask()
        apps.change(config, "settings", "wrong")
        started.ask_until("settings are wrong")
        apps.change(config, "settings", "right")
        started.ask_until("version 1")


def test_a_taken_port_is_told(app: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        done = silver("serve", app, "--port", port)
    assert done.status == 1
    assert f"port {port} is taken" in done.err
    assert "--port" in done.err


def test_a_wrong_directory_is_told(tmp_path: Path) -> None:
    done = silver("serve", tmp_path / "nowhere", "--port", 0)
    assert (done.status, "there is no such directory" in done.err) == (1, True), str(done)
    done = silver("serve", tmp_path, "--port", 0)
    assert (done.status, "app.ini: there is no such file" in done.err) == (1, True), str(done)


def test_all_problems_are_told_at_once(app: Path) -> None:
    apps.change(app, "app.ini", f"{INI}runer = x\nversion = 7\n")
    done = silver("serve", app, "--port", 0)
    assert done.status == 1
    assert "runer" in done.err
    assert "version" in done.err


def test_missing_packages_are_named(app: Path) -> None:
    apps.set_key(app, "packages", "coreutils\n  python3-no-such-package")
    with serving(app) as started:
        started.wait_for("apt-get install python3-no-such-package\n")


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
@pytest.mark.parametrize("path", ["/", "/slow", "/stuck"])
def test_it_ends_at_once_and_leaves_nothing(served: Serving, number: int, path: str) -> None:
    where = urlsplit(served.url).netloc.partition(":")
    visitor = socket.create_connection((where[0], int(where[2])))
    visitor.sendall(f"GET {path} HTTP/1.1\r\nHost: localhost\r\n\r\n".encode())
    time.sleep(0.1)
    processes = served.children()
    assert processes
    assert served.end(number) < END_SECONDS
    assert served.process.returncode == 0
    assert are_gone(processes, limit=0)
    assert "Traceback" not in served.output
    visitor.close()


@pytest.mark.parametrize(
    "where", ["src/runner.py", "bin/update.py", "bin/check.py", "lib/python/silvercustomize.py"]
)
def test_it_ends_at_once_while_it_starts(app: Path, where: str) -> None:
    apps.change(app, "bin/update.py", "")
    apps.change(app, "bin/check.py", "")
    apps.set_key(app, "update_fetch", "script:bin/update.py")
    apps.set_key(app, "config.checker", "script:bin/check.py")
    marker = app.parent / "here"
    text = f"import time\nopen({str(marker)!r}, 'w').close()\ntime.sleep(30)\n"
    apps.change(app, where, text + RUNNER)
    with serving(app) as started:
        while not marker.exists():
            time.sleep(0.01)
        processes = started.children()
        assert started.end() < END_SECONDS
        assert are_gone(processes, limit=END_SECONDS)


def test_nohup_is_respected(app: Path) -> None:
    previous = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        with serving(app) as started:
            started.ask()
            started.process.send_signal(signal.SIGHUP)
            assert started.ask().status == 200
    finally:
        signal.signal(signal.SIGHUP, previous)


def test_a_command_that_is_killed_leaves_no_process(served: Serving) -> None:
    served.ask()
    processes = served.children()
    served.end(signal.SIGKILL)
    assert are_gone(processes, limit=END_SECONDS)


def test_a_debugger_works_and_leaves_the_terminal_as_it_was(app: Path) -> None:
    answers: list[Answer] = []
    arguments = ["serve", str(app), "--port", "0"]
    with pexpect.spawn(str(ROOT / "silver"), arguments, encoding="utf-8", timeout=10) as terminal:
        terminal.expect(r"(http://\S+)/ serves")
        url = str(terminal.match.group(1))
        state = termios.tcgetattr(terminal.child_fd)
        visitor = Thread(target=lambda: answers.append(ask(url, "/debug")))
        visitor.start()
        terminal.expect(r"\(Pdb\) ")
        terminal.sendline("answer += 1")
        terminal.expect(r"\(Pdb\) ")
        assert not answers
        terminal.sendline("c")
        visitor.join(10)
        assert [answer.text for answer in answers] == ["42"]
        visitor = Thread(target=lambda: outlived(url, "/debug"))
        visitor.start()
        terminal.expect(r"\(Pdb\) ")
        assert termios.tcgetattr(terminal.child_fd) != state, "the debugger edits lines"
        processes = descendants(terminal.pid)
        terminal.sendintr()
        began = time.monotonic()
        terminal.expect(pexpect.EOF)
        terminal.wait()
        assert time.monotonic() - began < END_SECONDS
        assert are_gone(processes)
        assert terminal.exitstatus == 0
        assert termios.tcgetattr(terminal.child_fd) == state
        visitor.join(10)


def outlived(url: str, path: str) -> None:
    """Send a request during which the server ends."""
    with pytest.raises(OSError):
        ask(url, path)


def visited(url: str, host: str) -> dict[str, str]:
    """What the paths of the table lead to."""
    found = {}
    for method, path, _ in shelf.cases():
        answer = ask(url, path, method, host)
        location = answer.headers["Location"]
        if location:
            parts = urlsplit(location)
            assert (parts.scheme, parts.netloc) == ("http", host or urlsplit(url).netloc)
            location = parts._replace(scheme="", netloc="").geturl()
        kind = answer.headers["Content-Type"]
        found[f"{method} {path}"] = shelf.outcome(answer.status, kind, location, answer.text)
    return found


EXPECTED = {f"{method} {path}": outcome for method, path, outcome in shelf.cases()}


def test_files_are_served(tmp_path: Path) -> None:
    with serving(shelf.make(tmp_path / "app")) as started:
        assert visited(started.url, "") == EXPECTED


def test_a_node_serves_files_in_the_same_way(
    tmp_path: Path, node: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.undo()  # the node's keys are in the real directory
    must(
        "update", shelf.make(tmp_path / "app"), "serve-shelf.test", "--node", node, "--no-etc-hosts"
    )
    rows = {row["name"]: row for row in json.loads(must("list-nodes", "--json").out)}
    assert visited(f"http://{rows[node]['address']}", "serve-shelf.test") == EXPECTED
