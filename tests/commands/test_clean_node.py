"""`silver clean-node` and `silver query --disk`, typed."""

import json
import os
import re
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from silverlining.remote import connections
from silverlining.remote.connections import Connection
from tests.support import apps
from tests.support.commands import Done, must, silver

APP = "cleaned"
HOST = "clean.test"
PAYLOAD = 3_000_000
RUNNER = """
import os


def application(environ, start_response):
    start_response("200 OK", [("Content-Type", "text/plain")])
    return [os.environ["SILVER_INSTANCE_NAME"].encode()]
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

    def update(self) -> Done:
        """Deploy a version with three megabytes of its own, beside three that never change."""
        (self.app / "static/own").write_bytes(os.urandom(PAYLOAD))
        return must("update", self.app, HOST, "--node", self.node, "--no-etc-hosts")

    def disk(self) -> dict[str, Any]:
        """Return what the node tells of its disk."""
        told = json.loads(must("query", self.node, "--disk", "--json").out)
        disk: dict[str, Any] = told["nodes"][0]["disk"]
        return disk

    def own(self) -> dict[str, Any]:
        """Return what it tells of the app."""
        return next(app for app in self.disk()["apps"] if app["app"] == APP)

    def instances(self) -> list[str]:
        """Return the app's instances that are on the node."""
        return self.sh(f"ls /var/www | grep '^{APP}[.]'").split()

    def sh(self, script: str) -> str:
        """Run a script of the shell as root on the node; what it prints."""
        command = self.connection.command(["/bin/sh", "-c", script])
        return subprocess.run(command, check=True, capture_output=True, text=True).stdout


@pytest.fixture(scope="module")
def site(node: str, tmp_path_factory: pytest.TempPathFactory) -> Site:
    """The site, with five versions of which one was pruned by then, and data in its files."""
    app = tmp_path_factory.mktemp("apps") / APP
    apps.change(app, "src/app.py", RUNNER)
    ini = f"[production]\napp_name = {APP}\nrunner = src/app.py\nservice.files =\n"
    apps.change(app, "app.ini", ini)
    (app / "static").mkdir()
    (app / "static/shared").write_bytes(os.urandom(PAYLOAD))
    site = Site(node, connections.to_node(node), app)
    for _ in range(4):
        site.update()
    site.sh(f"head -c {PAYLOAD} /dev/urandom > /var/lib/silverlining/files/{APP}/data")
    return site


def test_an_update_says_what_it_pruned_and_freed(site: Site) -> None:
    oldest = site.instances()[0]
    done = site.update()
    assert re.search(rf"removed {oldest}: 3\.\d MB freed", done.out), str(done)
    assert oldest not in site.instances()
    assert len(site.instances()) == 4


def test_query_tells_what_takes_the_room(site: Site) -> None:
    own = site.own()
    assert own["instances"] == 4
    assert own["instances_bytes"] == pytest.approx(5 * PAYLOAD, rel=0.05), "4 own, 1 shared"
    assert own["services"]["files"] == pytest.approx(PAYLOAD, rel=0.05)
    shown = must("query", site.node, "--disk").out
    assert re.search(rf"{APP} +15\.\d MB \(4\) +files 3\.\d MB", shown), shown
    disk = site.disk()
    room = os.statvfs("/")  # A local node shares the disk with this machine.
    assert disk["total_bytes"] == pytest.approx(room.f_blocks * room.f_frsize, rel=0.2)


def test_a_dry_run_tells_and_the_real_one_frees_just_that(site: Site) -> None:
    before = site.instances()
    told = silver("clean-node", site.node, "-n")
    assert told.status == 0, str(told)
    assert "nothing was changed" in told.out
    assert site.instances() == before
    used = site.own()["instances_bytes"]
    done = silver("clean-node", site.node)
    assert done.status == 0, str(done)
    assert site.instances() == before[2:]
    for instance in before[:2]:
        assert re.search(rf"would remove {instance}, 3\.\d MB", told.out), str(told)
        assert re.search(rf"removed {instance}, 3\.\d MB", done.out), str(done)
    assert used - site.own()["instances_bytes"] == pytest.approx(2 * PAYLOAD, rel=0.05)
    assert "there is nothing to remove" in silver("clean-node", site.node).out


def test_what_is_left_of_an_app_that_is_not_served_any_more_goes_too(site: Site) -> None:
    must("deactivate", HOST, "--node", site.node)
    assert len(site.instances()) == 2
    kept = site.instances()[-1]
    must("clean-node", site.node, "--keep", 1)
    assert site.instances() == [kept]
    must("activate", HOST, kept, "--node", site.node)
    must("deactivate", HOST, "--node", site.node)
    must("clean-node", site.node)
    assert site.sh(f"ls /var/www | grep '^{APP}[.]' || true") == ""
    again = site.update()
    assert kept not in again.out, "a name was given twice"
