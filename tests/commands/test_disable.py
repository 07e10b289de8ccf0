"""`silver disable` and `silver enable`, typed, as visitors and the operator see it."""

import json
import subprocess
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
import requests

from silverlining.remote import connections
from silverlining.remote.connections import Connection
from tests.support import apps
from tests.support.commands import Done, must, silver

APP, PAGE = "disabledsite", "disabledpage"
HOST, OTHER, PATTERN = "disable.test", "disable-other.test", "*.disable.test"
RUNNER = """
import os


def application(environ, start_response):
    start_response("200 OK", [("Content-Type", "text/plain"), ("Cache-Control", "max-age=300")])
    return [f"{os.environ['SILVER_INSTANCE_NAME']} {environ['HTTP_HOST']}".encode()]
"""
FILES = {
    "app.ini": f"[production]\napp_name = {APP}\nversion = 1\nrunner = src/app.py\n",
    "src/app.py": RUNNER,
    "bin/hello.py": "#!/usr/bin/env python3\nprint('hello from the script')\n",
}
PAGE_FILES = {
    "app.ini": f"[production]\napp_name = {PAGE}\nversion = 1\n",
    "static/index.html": '<link rel="stylesheet" href="/page.css"><h1>We are painting</h1>\n',
    "static/page.css": "h1 { color: green }\n",
}
ASK = """python3 -c 'from urllib.request import Request, urlopen
print(urlopen(Request("http://{address}/", headers=dict(Host="{host}"))).read().decode())'"""
"""Asks on the node itself."""

RESTART = """
systemctl restart varnish
for i in $(seq 300); do varnishadm status 2>&1 | grep -q running && exit 0; sleep 0.2; done; exit 1
"""
"""Does to Varnish what a reboot does."""

REQUESTS = 300
"""That visitors make while the site is disabled and enabled."""


@dataclass(frozen=True)
class Site:
    """The site under test.

    Attributes:
        node: the name of its node.
        connection: the way to the node.
        app: its directory.
    """

    node: str
    connection: Connection
    app: Path

    def update(self, app: Path, location: str) -> str:
        """Deploy an app; what was printed."""
        return must("update", app, location, "--node", self.node, "--no-etc-hosts").out

    def type(self, command: str, *arguments: str) -> Done:
        """Type a command that is to succeed."""
        return must(command, *arguments, "--node", self.node)

    def visit(self, host: str = HOST, path: str = "/", method: str = "GET") -> requests.Response:
        """Ask as a visitor does."""
        return requests.request(
            method,
            f"http://{self.connection.host}{path}",
            headers={"Host": host},
            timeout=20,
            allow_redirects=False,
        )

    def sh(self, script: str) -> str:
        """Run a script of the shell as root on the node; what it prints."""
        command = self.connection.command(["/bin/sh", "-c", script])
        return subprocess.run(command, check=True, capture_output=True, text=True).stdout

    def disabled(self) -> dict[str, bool]:
        """Return what `silver query` says of each of the app's locations."""
        (node,) = json.loads(must("query", self.node, APP, "--json").out)["nodes"]
        return {each["location"]: each["disabled"] for each in node["locations"]}


def check_closed(answer: requests.Response, text: str = "Down for maintenance") -> None:
    """Check that a visitor was shown the page, and told to come back."""
    assert answer.status_code == requests.codes.unavailable, answer.text
    assert answer.headers["Cache-Control"] == "no-store"
    assert int(answer.headers["Retry-After"]) > 0
    assert text in answer.text


@pytest.fixture(scope="module")
def made(node: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """The site, twice deployed to one location and once to others."""
    directory = tmp_path_factory.mktemp("apps")
    for name, files in ((APP, FILES), (PAGE, PAGE_FILES)):
        for path, text in files.items():
            apps.change(directory / name, path, text)
    site = Site(node, connections.to_node(node), directory / APP)
    for location in (HOST, OTHER, PATTERN):
        site.update(site.app, location)
    apps.change(site.app, "static/new.txt", "")
    site.update(site.app, HOST)
    yield site
    # They are not this test's alone.
    for location in ("disabled", "not-found", "default"):
        silver("deactivate", location, "--node", node, "--yes")
    silver("deactivate", f"*{HOST}", OTHER, "--node", node, "--yes")


@pytest.fixture
def site(made: Site) -> Iterator[Site]:
    """The site, open before and after the test."""
    yield made
    made.type("enable", "--by-name", APP)


def test_a_disabled_app_is_closed_to_visitors_only(site: Site) -> None:
    assert site.visit().status_code == site.visit().status_code == requests.codes.ok
    done = site.type("disable", "--by-name", APP)
    assert f"{HOST}: visitors get status 503" in done.out
    for host in (HOST, f"prev.{HOST}", OTHER, "ann.disable.test"):
        for method in ("GET", "POST"):
            check_closed(site.visit(host, "/any/thing", method))
        check_closed(site.visit(host))
    assert site.disabled() == {HOST: True, OTHER: True, PATTERN: True}
    assert f"{HOST} (disabled)" in must("query", site.node).out

    for address in ("127.0.0.1", site.connection.host):
        assert site.sh(ASK.format(address=address, host=HOST)).endswith(f" {HOST}\n")
    said = must("run", "--node", site.node, HOST, "hello.py").out
    assert "hello from the script" in said

    again = site.type("disable", "--by-name", APP)
    assert f"{HOST} was disabled already" in again.out
    site.type("enable", "--by-name", APP)
    assert site.visit().text.endswith(f" {HOST}")
    assert set(site.disabled().values()) == {False}


def test_a_location_is_disabled_by_itself_and_stays_so(site: Site) -> None:
    site.type("disable", "--by-location", HOST)
    check_closed(site.visit())
    assert site.visit(OTHER).status_code == requests.codes.ok
    apps.change(site.app, "static/new.txt", str(time.time_ns()))
    site.update(site.app, HOST)
    check_closed(site.visit())
    site.sh(RESTART)
    check_closed(site.visit())
    assert site.visit(OTHER).status_code == requests.codes.ok
    site.type("enable", "--by-location", HOST)
    assert site.visit().status_code == requests.codes.ok


def test_the_page_is_an_app_of_ones_own(site: Site) -> None:
    site.update(site.app.parent / PAGE, "disabled")
    done = site.type("disable", "--by-name", APP)
    assert f"the page of {PAGE}" in done.out
    for host, path in ((HOST, "/"), (HOST, "/any/thing"), ("ann.disable.test", "/x.json")):
        check_closed(site.visit(host, path), "We are painting")
    style = site.visit(path="/page.css")
    assert (style.status_code, style.text) == (requests.codes.ok, PAGE_FILES["static/page.css"])
    assert style.headers["Cache-Control"] == "no-store"
    must("deactivate", "disabled", "--node", site.node, "--yes")
    check_closed(site.visit())


def test_each_visitor_gets_the_site_or_the_page(site: Site) -> None:
    odd: list[str] = []
    seen = {requests.codes.ok: 0, requests.codes.unavailable: 0}
    end = threading.Event()

    def visit() -> None:
        while not end.wait(0.05):
            answer = site.visit(path=f"/{time.time_ns()}")
            seen[answer.status_code] = seen.get(answer.status_code, 0) + 1
            if answer.status_code == requests.codes.ok:
                odd.extend([] if answer.text.startswith(f"{APP}.") else [answer.text])
            else:
                try:
                    check_closed(answer)
                except AssertionError as error:
                    odd.append(f"{answer.status_code} {answer.headers} {error}")

    visitors = [threading.Thread(target=visit) for _ in range(6)]
    for each in visitors:
        each.start()
    while sum(seen.values()) < REQUESTS or min(seen.values()) < REQUESTS / 10:
        site.type("disable", "--by-name", APP)
        check_closed(site.visit())
        site.type("enable", "--by-name", APP)
        assert site.visit().status_code == requests.codes.ok
    end.set()
    for each in visitors:
        each.join()
    assert odd == []
    assert set(seen) == {requests.codes.ok, requests.codes.unavailable}


def test_hosts_that_nothing_serves(site: Site) -> None:
    unknown = "disable-unknown.test"
    assert "No site here" in site.visit(unknown).text
    site.update(site.app.parent / PAGE, "not-found")
    for path in ("/", "/any/thing"):
        answer = site.visit(unknown, path)
        assert (answer.status_code, "We are painting" in answer.text) == (404, True)
    assert site.visit(unknown, "/page.css").status_code == requests.codes.ok
    site.update(site.app, "default")
    answer = site.visit(unknown)
    assert (answer.status_code, answer.text.endswith(f" {unknown}")) == (requests.codes.ok, True)
    site.type("disable", "--by-location", "default")
    check_closed(site.visit(unknown))
    assert site.visit().status_code == requests.codes.ok
    must("deactivate", "default", "--node", site.node, "--yes")
    must("deactivate", "not-found", "--node", site.node, "--yes")
    assert "No site here" in site.visit(unknown).text


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((), "say what: --by-name APP or --by-location LOCATION"),
        (("--by-name", "disabledsight"), "no app named disabledsight is served on this node"),
        (("--by-location", "disabel.test"), "nothing is served at disabel.test on this node"),
    ],
)
def test_what_is_not_there_is_refused(site: Site, arguments: tuple[str, ...], message: str) -> None:
    for command in ("disable", "enable"):
        done = silver(command, *arguments, "--node", site.node)
        assert done.status != 0
        assert message in done.out + done.err
        assert "Traceback" not in done.out + done.err
