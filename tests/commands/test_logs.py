"""`silver logs`, typed: what an app on a node wrote, by request, and what comes next."""

import itertools
import json
import re
import signal
import subprocess
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import requests

from silverlining.playbook import ROOT
from silverlining.remote import connections
from silverlining.remote.connections import Connection
from tests.support.commands import Done, must, silver
from tests.support.node import eventually

LOCATION = "logs.test"
APP = """
import logging, os, subprocess, sys, time
logging.basicConfig(level=logging.INFO, format="%(levelname)s %(message)s")
log = logging.getLogger(__name__)
print("imported")

def application(environ, start_response):
    path, word = environ["PATH_INFO"], environ["QUERY_STRING"]
    if path == "/everything":
        print("to stdout", word)
        print("to stderr", file=sys.stderr)
        print("to wsgi.errors", file=environ["wsgi.errors"])
        log.info("to logging")
        sys.stdout.buffer.write(b"as bytes\\n")
        os.write(2, b"from a library in C\\n")
        subprocess.run(["echo", "from another program"])
    elif path == "/fails":
        print("before", word)
        fail()
    elif path == "/breaks-off":
        start_response("200 OK", [("Content-Type", "text/plain")])
        return parts()
    elif path == "/crashes":
        print("last words", word)
        os.kill(os.getpid(), 11)
        time.sleep(5)
    elif path == "/slow":
        for step in range(4):
            print("step", step, word)
            time.sleep(1.2)
    elif path == "/mixed":
        for step in range(5):
            print(word, end=" ")
            time.sleep(0.05)
            print(step)
    elif path == "/count":
        print("count", word)
    elif path == "/escape":
        print("\\x1b]0;evil\\x07")
    start_response("200 OK", [("Content-Type", "text/plain"), ("Cache-Control", "no-store")])
    return [b"done"]

def fail():
    raise LookupError("nothing there")

def parts():
    yield b"x" * 100000
    fail()
"""
LATE = 1.0
"""Seconds within which a block is to be seen."""


@dataclass(frozen=True)
class Site:
    """The app on the node.

    Attributes:
        node: the node's name.
        way: the way to it.
        tree: the app's directory.
    """

    node: str
    way: Connection
    tree: Path

    def ask(self, path: str) -> int:
        """Visit a path with a word of its own, and return the status."""
        headers = {"Host": LOCATION}
        return requests.get(
            f"http://{self.way.host}{path}", headers=headers, timeout=60
        ).status_code

    def logs(self, *arguments: str) -> Done:
        return silver("logs", LOCATION, "--node", self.node, *arguments)

    def blocks(self, *arguments: str, word: str = "") -> list[dict[str, Any]]:
        """The blocks of the requests with a word."""
        printed = must("logs", LOCATION, "--node", self.node, "--json", *arguments).out
        found: list[dict[str, Any]] = [json.loads(line) for line in printed.splitlines()]
        return [each for each in found if not word or word in (each["path"] or "").split("?")]

    def root(self, *program: str) -> str:
        """Run a program as root on the node; what it printed."""
        done = subprocess.run(
            self.way.command(program), capture_output=True, text=True, check=False
        )
        return done.stdout

    def running(self) -> str:
        """The processes of this command on the node."""
        return self.root("/usr/bin/pgrep", "-af", "silver-node log[s]")


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory, node: str) -> Site:
    tree = tmp_path_factory.mktemp("logs") / "logged"
    (tree / "src").mkdir(parents=True)
    (tree / "app.ini").write_text("[production]\napp_name = logged\nrunner = src/app.py\n")
    (tree / "src/app.py").write_text(APP)
    must("update", tree, LOCATION, "--node", node, "--no-etc-hosts")
    return Site(node, connections.to_node(node), tree)


@pytest.fixture
def word(request: pytest.FixtureRequest) -> str:
    """A word that no other test uses."""
    return f"{request.node.name.encode().hex()[-12:]}-{time.monotonic_ns()}"


@pytest.fixture
def following(site: Site, tmp_path: Path) -> Iterator["Following"]:
    output = tmp_path / "followed"
    command = [str(ROOT / "silver"), "logs", LOCATION, "--node", site.node, "-f", "-n", "1"]
    with output.open("w") as file:
        process = subprocess.Popen(command, stdout=file, stderr=subprocess.STDOUT)
    followed = Following(process, output)
    eventually(lambda: _is_true(followed.text))
    yield followed
    if process.poll() is None:
        process.terminate()
        process.wait()


@dataclass(frozen=True)
class Following:
    """A command that follows the log."""

    process: subprocess.Popen[bytes]
    output: Path

    @property
    def text(self) -> str:
        return self.output.read_text()

    def sees(self, text: str) -> float:
        """Wait for a text, and return after how many seconds it was there."""
        return eventually(lambda: _is_true(text in self.text), pause=0.02)


def _is_true(value: object) -> None:
    assert value


def lines(block: dict[str, Any], stream: str = "") -> list[str]:
    return [each["text"] for each in block["lines"] if stream in ("", each["stream"])]


def test_all_that_a_request_writes_is_one_block(site: Site, word: str) -> None:
    site.ask(f"/everything?{word}")
    (block,) = site.blocks(word=word)
    assert block.items() >= {"method": "GET", "status": 200, "location": LOCATION}.items()
    assert 0 < block["seconds"] < 10
    assert lines(block, "stdout") == [f"to stdout {word}", "as bytes"]
    assert lines(block, "stderr") == ["to stderr", "to wsgi.errors", "INFO to logging"]
    printed = site.logs().out
    head = rf"\d{{4}}-\d\d-\d\d \d\d:\d\d:\d\d GET /everything\?{word} → 200 in [\d.]+ ms"
    assert re.search(
        rf"^{head} \(logged\.\d{{8}}_\d{{3}}, logs\.test\)\n  to stdout", printed, re.M
    )


def test_what_is_written_outside_of_python_and_requests_is_there(site: Site, word: str) -> None:
    site.ask(f"/everything?{word}")
    outside = [line for block in site.blocks() if not block["request"] for line in lines(block)]
    for text in ("imported", "from a library in C", "from another program"):
        assert text in outside


@pytest.mark.parametrize(("path", "status"), [("/fails", 500), ("/breaks-off", 200)])
def test_a_traceback_is_there_whole_and_once(site: Site, word: str, path: str, status: int) -> None:
    assert site.ask(f"{path}?{word}") == status
    (block,) = site.blocks("--errors", word=word)
    assert (block["status"], block["failed"]) == (status, True)
    traceback = lines(block, "error")
    assert traceback[0] == "Traceback (most recent call last):"
    assert traceback[1].startswith('  File "/var/www/logged.')
    assert traceback[-1] == "LookupError: nothing there"
    assert site.logs("-n", "1").out.count("Traceback") == 1


def test_a_crash_is_told_with_what_was_written_before(site: Site, word: str) -> None:
    assert site.ask(f"/crashes?{word}") == 500
    (block,) = site.blocks("--errors", word=word)
    assert lines(block, "stdout") == [f"last words {word}"]
    assert any("Truncated" in text for text in lines(block, "apache"))
    assert block["status"] == 500


def test_errors_leave_the_rest_out(site: Site, word: str) -> None:
    site.ask(f"/everything?{word}")
    assert site.blocks("--errors", word=word) == []


def test_requests_at_the_same_time_are_not_mixed(site: Site, word: str) -> None:
    words = [f"{word}{letter}" for letter in "abcd"]
    visitors = [threading.Thread(target=site.ask, args=(f"/mixed?{each}",)) for each in words]
    for visitor in visitors:
        visitor.start()
    for visitor in visitors:
        visitor.join()
    for each in words:
        (block,) = site.blocks(word=each)
        assert lines(block) == [f"{each} {step}" for step in range(5)]


def test_every_request_is_in_the_access_log(site: Site, word: str) -> None:
    site.ask(f"/quiet?{word}")
    assert site.blocks(word=word) == []
    (block,) = site.blocks("--access", word=word)
    assert block["status"] == 200
    assert block["bytes"] == 4
    printed = site.logs("--access", "-n", "1").out
    assert re.search(
        rf"GET /quiet\?{word} → 200 in .* 4 bytes to [\d.]+, \"python-requests", printed
    )


def test_time_and_number_limit_what_is_shown(site: Site, word: str) -> None:
    for i in range(3):
        site.ask(f"/count?{word}{i}")
    assert [each["path"][-1] for each in site.blocks("-n", "2")] == ["1", "2"]
    assert len(site.blocks("--since", "1h")) >= 3
    time.sleep(1.1)
    done = site.logs("--since", "1s")
    assert (done.status, done.out) == (0, "")
    assert "nothing was written at logs.test" in done.err


def test_times_are_those_of_the_one_who_asks(site: Site, word: str) -> None:
    site.ask(f"/count?{word}")
    (began,) = {each["time"] for each in site.blocks(word=word)}
    for zone, hours in (("XXX-5", 5), ("UTC0", 0)):
        printed = silver("logs", LOCATION, "--node", site.node, "-n", "1", TZ=zone).out
        shown = time.strftime("%Y-%m-%d %H:%M:%S", time.gmtime(began + 3600 * hours))
        assert printed.startswith(f"{shown} GET /count?{word}")


def test_nothing_reaches_the_terminal_but_text(site: Site) -> None:
    site.ask("/escape")
    printed = site.logs("-n", "1").out
    assert r"\x1b]0;evil\x07" in printed
    assert "\x1b" not in printed


def test_a_new_block_is_seen_at_once(site: Site, following: Following, word: str) -> None:
    site.ask(f"/count?{word}")
    assert following.sees(f"count {word}") < LATE
    assert f"GET /count?{word} → 200" in following.text


def test_a_request_that_takes_long_is_seen_as_far_as_it_got(
    site: Site, following: Following, word: str
) -> None:
    site.ask(f"/slow?{word}")
    assert following.sees(f"step 3 {word}") < LATE
    first, second = re.findall(rf"/slow\?{word} → (.*?) .*?((?:\n  .*)+)", following.text)
    assert first[0] == "still"
    assert second[0] == "200"
    steps = re.findall(r"step (\d)", first[1] + second[1])
    assert steps == ["0", "1", "2", "3"]


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_it_ends_at_once_and_leaves_nothing(
    site: Site, following: Following, number: signal.Signals
) -> None:
    assert site.running()
    began = time.monotonic()
    following.process.send_signal(number)
    assert following.process.wait(10) == 128 + number
    assert time.monotonic() - began < LATE
    assert "Traceback" not in following.text
    eventually(lambda: _is_true(not site.running()), 5)


def test_no_line_is_lost_while_logs_are_rotated(
    site: Site, following: Following, word: str
) -> None:
    done, asked = threading.Event(), itertools.count()
    sent: list[int] = []

    def visit() -> None:
        while not done.is_set():
            number = next(asked)
            if site.ask(f"/count?{word}&{number}") == 200:
                sent.append(number)

    visitors = [threading.Thread(target=visit) for _ in range(4)]
    for visitor in visitors:
        visitor.start()
    for _ in range(3):
        time.sleep(0.3)
        site.root("/usr/sbin/logrotate", "--force", "/etc/logrotate.d/silver-logged")
    done.set()
    for visitor in visitors:
        visitor.join()
    rotated = site.root("/bin/sh", "-c", "ls /var/log/silverlining/logged/app.jsonl.*").split()
    assert any(name.endswith(".gz") for name in rotated), rotated
    paths = [each["path"] for each in site.blocks("-n", "100000") if word in (each["path"] or "")]
    assert sorted(paths) == sorted(f"/count?{word}&{number}" for number in sent)
    following.sees(f"/count?{word}&{max(sent)} ")
    for number in sent:
        assert following.text.count(f"/count?{word}&{number} →") == 1


def test_following_goes_on_with_the_next_instance(
    site: Site, following: Following, word: str
) -> None:
    (site.tree / "src/app.py").write_text(f"{APP}\n# {word}\n")
    must("update", site.tree, LOCATION, "--node", site.node, "--no-etc-hosts")
    site.ask(f"/count?{word}")
    following.sees(f"count {word}")
    last = site.blocks(word=word)[0]["instance"]
    assert f"outside of requests ({last})\n  imported" in following.text
    assert f"({last}, logs.test)\n  count {word}" in following.text
    assert last not in site.logs().out.partition(word)[0].partition("\n")[0]
    before = silver("logs", f"prev.{LOCATION}", "--node", site.node)
    assert before.status == 0
    assert before.out
    assert last not in before.out


def test_a_failing_update_shows_what_the_app_wrote(site: Site, tmp_path: Path) -> None:
    (tmp_path / "src").mkdir()
    (tmp_path / "app.ini").write_text(
        "[production]\napp_name = logged\nrunner = src/app.py\ncheck_url = /fails\n"
    )
    (tmp_path / "src/app.py").write_text(APP)
    done = silver("update", tmp_path, LOCATION, "--node", site.node, "--no-etc-hosts")
    assert done.status != 0
    for text in ("GET /fails → 500 in", "before", "LookupError: nothing there"):
        assert text in done.out + done.err, str(done)


def test_an_unknown_location_names_the_near_ones(site: Site) -> None:
    done = silver("logs", "log.test", "--node", site.node)
    assert done.status != 0
    assert LOCATION in done.err
    assert done.out == ""


def test_a_static_site_says_that_nothing_runs_in_it(site: Site, tmp_path: Path) -> None:
    (tmp_path / "static").mkdir()
    (tmp_path / "static/index.html").write_text("<h1>Hello</h1>")
    (tmp_path / "app.ini").write_text("[production]\napp_name = logs_static\n")
    must("update", tmp_path, "static.logs.test", "--node", site.node, "--no-etc-hosts")
    done = silver("logs", "static.logs.test", "--node", site.node)
    assert (done.status, done.out) == (0, "")
    assert "is a static site" in done.err


def test_logs_are_looked_at_often(site: Site) -> None:
    timer = site.root("/usr/bin/systemctl", "show", "logrotate.timer", "--property=TimersCalendar")
    assert "*:0/10" in timer or "*-*-* *:00/10:00" in timer
    assert site.root("/usr/bin/which", "logrotate").endswith("/logrotate\n")
