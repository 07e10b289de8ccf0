"""`silver activate` and `silver deactivate`, typed, while visitors ask."""

import subprocess
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import pytest
import requests

from silverlining.remote import connections
from silverlining.remote.connections import Connection
from tests.support import apps
from tests.support.commands import Done, must, silver
from tests.support.load import Load

APP = "activated"
HOST = "activate.test"
OTHER = "activate-other.test"
FURTHER = "www2.activate.test"
SWITCHES = 20
DEAD = "/var/www/{}/dead"
RUNNER = """
import os
import pathlib

if pathlib.Path(__file__, "../../dead").resolve().exists():
    raise RuntimeError("the fish is dead")


def application(environ, start_response):
    names = "SILVER_INSTANCE_NAME", "SILVER_CANONICAL_HOSTNAME", "STATIC_URL"
    start_response("200 OK", [("Content-Type", "text/plain")])
    return [" ".join(os.environ[name] for name in names).encode()]
"""


@dataclass(frozen=True)
class Site:
    """The site under test.

    Attributes:
        node: the name of its node.
        connection: the way to the node.
        app: the app's directory.
    """

    node: str
    connection: Connection
    app: Path

    def update(self, host: str = HOST) -> str:
        """Deploy a version that differs from every other; its instance."""
        apps.change(self.app, "static/version.txt", str(time.time_ns()))
        must("update", self.app, host, "--node", self.node, "--no-etc-hosts")
        return self.page(host)[0]

    def activate(self, *arguments: object) -> Done:
        """Type `silver activate`."""
        return silver("activate", *arguments, "--node", self.node)

    def visit(self, host: str, path: str = "/") -> requests.Response:
        """Ask the node as a visitor does."""
        url = f"http://{self.connection.host}{path}"
        return requests.get(url, headers={"Host": host}, timeout=20)

    def page(self, host: str = HOST, path: str = "/") -> list[str]:
        """Return the instance that a visitor is served by, and what that was told of its place."""
        answer = self.visit(host, path)
        assert answer.status_code == 200, answer.text
        return answer.text.split()

    def sh(self, script: str) -> str:
        """Run a script of the shell as root on the node; what it prints."""
        command = self.connection.command(["/bin/sh", "-c", script])
        return subprocess.run(command, check=True, capture_output=True, text=True).stdout


@pytest.fixture(scope="module")
def site(node: str, tmp_path_factory: pytest.TempPathFactory) -> Site:
    """The site, to which two versions were deployed, and another location of the app."""
    app = tmp_path_factory.mktemp("apps") / APP
    apps.change(app, "src/app.py", RUNNER)
    apps.change(
        app, "app.ini", f"[production]\napp_name = {APP}\nrunner = src/app.py\nupdate_fetch = /\n"
    )
    site = Site(node, connections.to_node(node), app)
    site.update(OTHER)
    site.update()
    site.update()
    return site


def active(site: Site, host: str = HOST) -> tuple[str, str]:
    """The active and the previous instance, as visitors see them."""
    return site.page(host)[0], site.page(f"prev.{host}")[0]


def test_back_and_forth_under_load_loses_no_request(site: Site) -> None:
    now, before = active(site)
    seen = []
    with Load(site.connection.host, HOST, APP) as load:
        for _ in range(SWITCHES):
            done = site.activate(HOST, "prev")
            assert done.status == 0, str(done)
            seen.append(active(site))
    assert seen == [(before, now), (now, before)] * (SWITCHES // 2)
    assert not load.lost, load.lost[:5]
    assert len(load.answers) > SWITCHES * 10, "hardly anybody asked"
    assert {answer.instance for answer in load.answers} == {now, before}


def test_it_says_what_is_served_now(site: Site) -> None:
    now, before = active(site)
    done = site.activate(HOST, before)
    assert f"{HOST} is served by {before}, prev.{HOST} by {now}" in done.out
    again = site.activate(HOST, before)
    assert again.status == 0
    assert "already; nothing has changed" in again.out
    assert active(site) == (before, now)


def test_a_stopped_instance_is_started_first_and_no_request_is_lost(site: Site) -> None:
    now, before = active(site)
    site.sh(f"systemctl stop silver-{before.replace('.', '@')}.service")
    with Load(site.connection.host, HOST, APP) as load:
        done = site.activate(HOST, "prev")
    assert done.status == 0, str(done)
    assert active(site) == (before, now)
    assert not load.lost, load.lost[:5]


@pytest.fixture
def dead(site: Site) -> Callable[[str], None]:
    """Breaks an instance, which is not running then, on the node."""

    def kill(instance: str) -> None:
        unit = f"silver-{instance.replace('.', '@')}.service"
        site.sh(f"touch {DEAD.format(instance)}; systemctl stop {unit}")

    return kill


def test_a_broken_instance_is_refused_with_its_own_output(
    site: Site, dead: Callable[[str], None]
) -> None:
    now, before = active(site)
    dead(before)
    try:
        with Load(site.connection.host, HOST, APP) as load:
            done = site.activate(HOST, "prev")
        assert done.status != 0
        assert f"{HOST} stays as it was: " in done.out + done.err
        assert "RuntimeError: the fish is dead" in done.out + done.err
        assert site.page()[0] == now
        assert not load.lost, load.lost[:5]
        assert {answer.instance for answer in load.answers} == {now}
    finally:
        site.sh(f"rm {DEAD.format(before)}")
    assert site.activate(HOST, "prev").status == 0
    assert active(site) == (before, now)


def test_all_locations_are_switched_together_or_none(
    site: Site, dead: Callable[[str], None]
) -> None:
    site.update(OTHER)
    main, other = active(site), active(site, OTHER)
    done = site.activate("activate*.test", "prev")
    assert done.status == 0, str(done)
    assert (active(site), active(site, OTHER)) == (main[::-1], other[::-1])
    dead(other[0])
    try:
        assert site.activate(HOST, OTHER, "prev").status != 0
        assert (active(site), site.page(OTHER)[0]) == (main[::-1], other[1])
    finally:
        site.sh(f"rm {DEAD.format(other[0])}")


def test_a_further_location_comes_and_goes(site: Site) -> None:
    now, before = active(site)
    assert site.visit(FURTHER).status_code == 404
    assert site.activate(FURTHER, now).status == 0
    assert site.page(FURTHER) == [now, HOST, "/"], "it was started for the shorter host"
    done = silver("deactivate", FURTHER, "--node", site.node)
    assert done.status == 0, str(done)
    assert f"{FURTHER} is not served any more" in done.out
    assert site.visit(FURTHER).status_code == 404
    assert active(site) == (now, before)


def test_another_path_needs_an_instance_of_its_own(site: Site) -> None:
    now, _ = active(site)
    done = site.activate(f"{HOST}/blog", now)
    assert done.status != 0
    assert f"silver update DIR {HOST}/blog" in done.out + done.err


def test_deactivating_several_asks_first(site: Site) -> None:
    now, _ = active(site)
    for host in ("a.activate-many.test", "b.activate-many.test"):
        assert site.activate(host, now).status == 0
    unsure = silver("deactivate", "*.activate-many.test", "--node", site.node)
    assert unsure.status != 0
    assert "2 locations are meant: a.activate-many.test, b.activate-many.test" in unsure.err
    assert site.page("a.activate-many.test")[0] == now
    done = silver("deactivate", "*.activate-many.test", "--node", site.node, "--yes")
    assert done.status == 0, str(done)
    assert site.visit("a.activate-many.test").status_code == 404
    site.sh("silver-node rebuild")
    assert site.visit("b.activate-many.test").status_code == 404, "a rebuild brought it back"
    assert site.page()[0] == now


def test_mistakes_are_errors_that_name_what_there_is(site: Site) -> None:
    for words, message in (
        (("activated.test", "prev"), f"nothing is served at activated.test .* {HOST}"),
        ((HOST, f"{APP}.20200101_001"), f"there is no instance {APP}.20200101_001"),
    ):
        done = site.activate(*words)
        assert done.status != 0
        assert message.partition(" .* ")[0] in done.out + done.err
        assert "Traceback" not in done.out + done.err


def test_the_node_command_that_is_killed_at_its_start_changes_nothing(site: Site) -> None:
    """Ctrl-C of the laptop ends the node's command as well, with the site as it was."""
    now, before = active(site)
    site.sh(f"systemctl stop silver-{before.replace('.', '@')}.service")
    process = subprocess.Popen(
        ["./silver", "activate", HOST, "prev", "--node", site.node],
        cwd=Path(__file__).parents[2],
        start_new_session=True,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    site.sh("for i in $(seq 300); do pgrep -f '[s]ilver-node activate' && exit; sleep .05; done")
    site.sh("pkill -KILL -f '[s]ilver-node activate'")
    assert process.wait(timeout=60) != 0
    assert site.page()[0] == now
    assert site.activate(HOST, before).status == 0
    assert active(site) == (before, now)


def test_after_a_reboot(site: Site) -> None:
    now, before = active(site)
    # As docker restart: what systemd does when the machine boots.
    subprocess.run(["docker", "restart", "--time=20", site.node], check=True, capture_output=True)
    # A node that was made meanwhile may have its address.
    site = replace(site, connection=connections.to_node(site.node))
    deadline = time.monotonic() + 90
    while True:
        try:
            assert site.page()[0] == now
            break
        except (OSError, AssertionError):
            assert time.monotonic() < deadline, "the site did not come back"
            time.sleep(0.5)
    assert site.visit(f"prev.{HOST}").status_code == 503
    with Load(site.connection.host, HOST, APP) as load:
        done = site.activate(HOST, "prev")
    assert done.status == 0, str(done)
    assert active(site) == (before, now)
    assert not load.lost, load.lost[:5]
