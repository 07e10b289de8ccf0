"""`silver diff`, typed: what an update would change, and what was changed on the server."""

import json
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from silverlining.playbook import ROOT, environment
from silverlining.remote import connections
from silverlining.remote.connections import Connection
from tests.support import apps
from tests.support.commands import must, silver

HOST = "diff-site.test"
CODE = """\
def application(environ, start_response):
    start_response("200 OK", [("Content-Type", "text/plain")])
    return [b"one"]
"""
FILES = {
    "app.ini": "[production]\napp_name = differs\nrunner = src/runner.py\n",
    "src/runner.py": CODE,
    "static/gone.txt": "gone\n",
    "static/edited.txt": "as it was\n",
    "static/long.txt": "x" * 100_000,
}


@dataclass(frozen=True)
class Site:
    """A site that was deployed, then changed here and on its server.

    Attributes:
        app: the directory.
        connection: the way to the node.
    """

    app: Path
    connection: Connection

    def sh(self, script: str) -> str:
        """Run a script of the shell as root on the node; what it prints."""
        command = self.connection.command(["/bin/sh", "-c", script])
        return subprocess.run(command, check=True, capture_output=True, text=True).stdout

    def diff(self, *arguments: str) -> str:
        """Ask what an update would change."""
        return must("diff", self.app, HOST, "--node", self.connection.node, *arguments).out

    def state(self) -> str:
        """Return all that the node has of the app, with its times."""
        everything = "/var/www /etc/silverlining /var/lib/silverlining /etc/varnish/silver"
        return self.sh(f"find {everything} -path '*differs*' -printf '%p %s %T@ %i\\n' | sort")


@pytest.fixture(scope="module")
def site(node: str, tmp_path_factory: pytest.TempPathFactory) -> Site:
    """The site, with something changed in every way."""
    app = tmp_path_factory.mktemp("apps") / "differs"
    for path, content in FILES.items():
        apps.change(app, path, content)
    (app / "static/image").write_bytes(b"\0one")
    must("update", app, HOST, "--node", node, "--no-etc-hosts")
    site = Site(app, connections.to_node(node))
    instance = instance_of(site)
    site.sh(f"cd /var/www/{instance}/static && echo 'as edited' > edited.txt && echo > made.txt")
    apps.change(app, "src/runner.py", CODE.replace("one", "two"))
    apps.change(app, "static/new.txt", "new\n")
    apps.change(app, "static/long.txt", "y" * 100_001)
    (app / "static/image").write_bytes(b"\0two")
    (app / "static/gone.txt").unlink()
    return site


def instance_of(site: Site) -> str:
    answer: dict[str, Any] = json.loads(site.sh("silver-node query"))
    return str(answer["locations"][HOST]["instance"])


def lists_all(said: str, instance: str) -> None:
    for line in (
        "changed  src/runner.py",
        "added    static/new.txt",
        "removed  static/gone.txt",
        "changed  static/edited.txt",
        "changed  static/long.txt (binary, or big)",
        "changed  static/image (binary, or big)",
        '-    return [b"one"]',
        '+    return [b"two"]',
        "-as edited",
        "+as it was",
    ):
        assert f"{line}\n" in said
    _, _, on_server = said.partition(f"Changed on the server since {instance} was uploaded:\n")
    assert on_server.splitlines()[:2] == ["changed  static/edited.txt", "added    static/made.txt"]


def test_every_difference_is_shown_and_nothing_is_changed(site: Site) -> None:
    before = site.state()
    said = site.diff()
    lists_all(said, instance_of(site))
    assert f"{HOST} would be updated (files: 4 changed, 1 added, 2 removed)" in said
    assert "nothing was changed" in said
    assert "gone\n" not in said.replace("gone.txt", ""), "of a file that goes only the name"
    assert site.state() == before


def test_ansible_alone_shows_the_same(site: Site) -> None:
    extra = [f"-eapp={site.app}", f"-elocation={HOST}", f"-enode={site.connection.node}"]
    done = subprocess.run(
        ["ansible-playbook", "deploy.yml", *extra, "--check", "--diff"],
        cwd=ROOT,
        env=environment(),
        capture_output=True,
        text=True,
        check=True,
    )
    lists_all(done.stdout, instance_of(site))


def test_differences_are_data_for_programs(site: Site) -> None:
    (found,) = json.loads(site.diff("--json"))
    assert found["location"] == HOST
    assert found["active"] == instance_of(site)
    assert found["added"] == ["static/new.txt"]
    assert sorted(found["removed"]) == ["static/gone.txt", "static/made.txt"]
    assert found["on_server"] == {
        "changed": ["static/edited.txt"],
        "added": ["static/made.txt"],
        "removed": [],
    }
    assert set(found["texts"]) == {"src/runner.py", "static/edited.txt"}
    assert '+    return [b"two"]' in found["texts"]["src/runner.py"]


def test_a_place_where_nothing_is_served_yet(site: Site) -> None:
    said = must("diff", site.app, f"new.{HOST}", "--node", site.connection.node).out
    assert f"new.{HOST} would be updated" in said
    assert "added    static/new.txt" in said


def test_what_cannot_be_compared_is_an_error(site: Site, tmp_path: Path) -> None:
    done = silver("diff", tmp_path, HOST, "--node", site.connection.node, "--json")
    assert done.status != 0
    assert "there is no such file" in done.err
    assert done.out == ""


def test_after_an_update_there_is_no_difference(site: Site) -> None:
    must("update", site.app, HOST, "--node", site.connection.node, "--no-etc-hosts")
    assert f"{HOST}: an update would change nothing" in site.diff()
    (found,) = json.loads(site.diff("--json"))
    assert (found["changed"], found["on_server"]["changed"]) == ([], [])
