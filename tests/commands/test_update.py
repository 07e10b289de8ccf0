"""`silver update`, typed: what it says, what is served then, and what Ctrl-C leaves."""

import os
import re
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pexpect
import pytest
import requests

from silverlining import playbook
from silverlining.nodes import etc_hosts
from silverlining.playbook import ROOT
from silverlining.remote import connections
from silverlining.remote.connections import Connection
from tests.support import apps
from tests.support.commands import Done, must, silver

SAMPLE = Path(__file__).parent / "apps/updated"
HOST = "update-site.test"
OTHER = "update-other.test"
SLOW = "import time\ntime.sleep(60)\n"
TRACES = """
ls -d /var/www/updated.* /var/www/.staging/updated.* /etc/silverlining/instances/updated.* \
  /var/lib/silverlining/config/updated/* /run/silver/updated.* 2>/dev/null
systemctl list-units --plain --no-legend 'silver-*updated*' | cut -d ' ' -f 1
pgrep -fa '[r]sync --server|[s]ilver-node switch' || true
"""
INTERRUPT_SECONDS = 8
"""That an interrupted update may take to end: 1 s, when the machine has nothing else to do."""


@dataclass(frozen=True)
class Site:
    """The site under test: as its developer, as a visitor, and as the node's root see it.

    Attributes:
        node: the name of its node.
        connection: the way to the node.
    """

    node: str
    connection: Connection

    @property
    def address(self) -> str:
        """The node's address."""
        return self.connection.host

    def update(self, app: Path, *arguments: object) -> Done:
        """Update it."""
        return silver("update", app, HOST, "--node", self.node, "--no-etc-hosts", *arguments)

    def updated(self, app: Path, *arguments: object) -> str:
        """Update it, which is to succeed; all that is printed."""
        done = self.update(app, *arguments)
        assert done.status == 0, str(done)
        return done.out + done.err

    def refused(self, app: Path, *arguments: object) -> str:
        """Update it, which is to fail; all that is printed."""
        done = self.update(app, *arguments)
        assert done.status != 0, str(done)
        assert "Traceback" not in done.out + done.err, str(done)
        return done.out + done.err

    def type_update(self, app: Path, **variables: str) -> "pexpect.spawn[str]":
        """Type an update into a terminal."""
        arguments = ["update", str(app), HOST, "--node", self.node, "--no-etc-hosts"]
        environment: Any = {**os.environ, **variables}
        return pexpect.spawn(
            str(ROOT / "silver"), arguments, env=environment, encoding="utf-8", timeout=60
        )

    def page(self, host: str = HOST) -> dict[str, Any]:
        """Return what the app answers a visitor."""
        answer = requests.get(f"http://{self.address}/", headers={"Host": host}, timeout=20)
        assert answer.status_code == 200, answer.text
        return dict(answer.json())

    def sh(self, script: str) -> str:
        """Run a script of the shell as root on the node; what it prints."""
        command = self.connection.command(["/bin/sh", "-c", script])
        return subprocess.run(command, check=True, capture_output=True, text=True).stdout

    def wait_for(self, condition: str) -> None:
        """Wait until a command of the shell succeeds on the node."""
        self.sh(f"for i in $(seq 300); do {condition} && exit 0; sleep 0.1; done; exit 1")

    def traces(self) -> set[str]:
        """Return all that the node has of the app's uploads and instances."""
        return set(self.sh(TRACES).splitlines())


@pytest.fixture(scope="module")
def app(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The app."""
    return apps.copy(SAMPLE, tmp_path_factory.mktemp("apps") / "updated")


@pytest.fixture(scope="module")
def site(node: str, app: Path) -> Site:
    """The site, to which the app was deployed once."""
    site = Site(node, connections.to_node(node))
    site.updated(app)
    return site


@pytest.fixture
def changed(app: Path, tmp_path: Path) -> Callable[..., Path]:
    """Makes a copy of the app with something changed."""

    def make(files: Mapping[str, str], **keys: str) -> Path:
        copy = apps.copy(app, tmp_path / "app", files)
        for key, value in keys.items():
            apps.set_key(copy, key, value)
        return copy

    return make


def test_what_was_done_is_said(site: Site, changed: Callable[..., Path]) -> None:
    before = site.page()["instance"]
    app = changed({"static/new.txt": "x" * 140_000, "static/site.css": ""})
    said = site.updated(app)
    after = site.page()["instance"]
    assert before < after
    assert site.page(f"prev.{HOST}")["instance"] == before
    assert "uploaded 2 files, 0.1 MB" in said
    where = f"({site.node}, {site.address})"
    assert f"http://{HOST}/ is served by {after}, prev.{HOST} by {before} {where}" in said
    assert f"is served by {after}; nothing has changed {where}" in site.updated(app)


def test_a_configuration_belongs_to_its_instance(
    site: Site, app: Path, changed: Callable[..., Path], tmp_path: Path
) -> None:
    config = tmp_path / "config"
    apps.change(config, "settings.ini", "mail = localhost\npassword = open-sesame\n")
    said = site.updated(app, "--config", config, "-vvvv")
    first = site.page()
    assert first["config"]["settings.ini"].endswith("open-sesame\n")
    assert "nothing has changed" in site.updated(app, "--config", config)

    apps.change(config, "settings.ini", "mail = localhost\npassword = abracadabra\n")
    said += must("diff", app, HOST, "--node", site.node, "--config", config).out
    assert "changed  settings.ini (deployment configuration)" in said
    said += site.updated(app, "--config", config)
    assert site.page()["config"]["settings.ini"].endswith("abracadabra\n")
    assert site.page(f"prev.{HOST}")["config"] == first["config"]
    said += site.updated(changed({"static/other.txt": "other"}))
    assert site.page()["config"]["settings.ini"].endswith("abracadabra\n")
    assert "sesame" not in said
    assert "abracadabra" not in said
    directory = f"/var/lib/silverlining/config/updated/{site.page()['instance']}"
    modes = site.sh(f"stat -c '%a %U %G' {directory} {directory}/settings.ini")
    assert modes == "750 root silver-updated\n640 root silver-updated\n"


def test_the_apps_own_configuration_is_used_where_none_was_given(site: Site, app: Path) -> None:
    must("update", app, OTHER, "--node", site.node, "--no-etc-hosts")
    assert site.page(OTHER)["config"] == {"settings.ini": "mail = localhost\n"}


def test_a_configuration_that_the_app_refuses(site: Site, app: Path, tmp_path: Path) -> None:
    before, kept = site.page(), site.traces()
    apps.change(tmp_path / "config", "settings.ini", "mail = nobody\n")
    said = site.refused(app, "--config", tmp_path / "config")
    assert f"{HOST} stays as it was" in said
    assert "config.checker = script:bin/check.py --strictly" in said
    assert "settings.ini: there is no such mail server" in said
    assert site.page() == before
    assert site.traces() <= kept


def test_a_configuration_that_is_missing(
    site: Site, changed: Callable[..., Path], tmp_path: Path
) -> None:
    app = changed({}, **{"config.required": "true"})
    done = silver("update", app, OTHER, "--node", site.node, "--no-etc-hosts")
    assert done.status != 0
    assert f"none was given for {OTHER} yet; give one with --config DIR" in done.out + done.err
    assert "there is no such directory" in site.refused(app, "--config", tmp_path / "gone")


@pytest.fixture
def hosts(site: Site) -> Iterator[Path]:
    """/etc/hosts, from which the site's names are taken again."""
    path, names = Path("/etc/hosts"), [HOST, f"prev.{HOST}"]
    etc_hosts.update(path, lambda text: etc_hosts.removed(text, site.node, names))
    yield path
    etc_hosts.update(path, lambda text: etc_hosts.removed(text, site.node, names))


def test_names_that_lead_nowhere_are_made_to_open_in_the_browser(
    site: Site, app: Path, hosts: Path
) -> None:
    site.updated(app)
    assert HOST not in hosts.read_text()
    said = must("update", app, HOST, "--node", site.node).out
    lines = [f"{site.address}\t{name}\t# silver {site.node}" for name in (HOST, f"prev.{HOST}")]
    assert [line for line in hosts.read_text().splitlines() if HOST in line] == lines
    for line in lines:
        assert f"/etc/hosts: added {line.expandtabs(1)!r}" in said
    assert requests.get(f"http://prev.{HOST}/", timeout=20).status_code == 200
    assert "/etc/hosts" not in must("update", app, HOST, "--node", site.node).out


def test_edits_on_the_server_that_get_lost_are_told(
    site: Site, app: Path, changed: Callable[..., Path]
) -> None:
    site.updated(app)
    instance = site.page()["instance"]
    site.sh(f"echo '# mended' >> /var/www/{instance}/src/runner.py")
    said = site.updated(changed({"static/mended.txt": ""}))
    assert f"{instance} was edited on the server (src/runner.py)" in " ".join(said.split())


def test_data_can_be_cleared(site: Site, changed: Callable[..., Path]) -> None:
    app = changed({}, **{"service.postgis": ""})
    site.updated(app)
    before = site.page()["instance"]
    files = "/var/lib/silverlining/files/updated"
    site.sh(f"mkdir -p {files}/a && touch {files}/a/b {files}/.c && ln -s /etc/hostname {files}/d")
    assert site.page()["files"] == [".c", "a", "d"]
    # Somebody is connected, as the instance that serves would be.
    psql = "cd / && runuser -u silver-updated -- psql -qAtX -d updated -c"
    site.sh(f"{psql} 'CREATE TABLE votes ()'; ({psql} 'SELECT pg_sleep(60)' >/dev/null 2>&1 &)")
    assert "say --yes" in site.refused(app, "--clear")
    assert site.page()["files"] == [".c", "a", "d"]
    site.updated(app, "--clear", "--yes")
    assert site.page()["files"] == []
    assert site.page()["instance"] > before
    assert site.sh("cat /etc/hostname")
    assert site.sh(
        f"{psql} \"SELECT to_regclass('votes') IS NULL, postgis_lib_version() > ''\""
    ) == ("t|t\n")
    assert "votes" in site.sh(f"{psql} 'CREATE TABLE votes (); SELECT tablename FROM pg_tables'")


def interrupt(child: "pexpect.spawn[str]", times: int = 1) -> str:
    """Press Ctrl-C; all that is printed until the command has ended."""
    began = time.monotonic()
    for _ in range(times):
        child.sendintr()
        time.sleep(0.1)
    child.expect(pexpect.EOF)
    child.close()
    said = re.sub(r"\x1b\[\S*?[mK]|\r", "", str(child.before))
    assert child.exitstatus == playbook.INTERRUPTED, said
    assert time.monotonic() - began < INTERRUPT_SECONDS, said
    assert "Traceback" not in said
    return said


def serves_as_before(said: str, before: Mapping[str, Any]) -> None:
    assert f"silver: {HOST} is served by {before['instance']} as before" in said
    assert "nothing of the upload is left" in said


def mine() -> set[str]:
    """The processes of this machine that have to do with the site."""
    found = subprocess.run(["pgrep", "-fa", HOST], capture_output=True, text=True, check=False)
    return set(found.stdout.splitlines())


def test_ctrl_c_before_anything_was_asked(site: Site, app: Path) -> None:
    before = site.page()
    child = site.type_update(app)
    while not any("ansible_playbook" in line for line in mine()):
        assert child.isalive()
        time.sleep(0.02)
    assert "nothing was uploaded, and nothing switched" in interrupt(child)
    assert site.page() == before
    assert mine() == set()


@pytest.mark.parametrize("times", [1, 3])
def test_ctrl_c_while_it_uploads(
    site: Site, changed: Callable[..., Path], tmp_path: Path, times: int
) -> None:
    before, kept = site.page(), site.traces()
    apps.change(tmp_path, "bin/rsync", '#!/bin/sh\nexec /usr/bin/rsync --bwlimit=500 "$@"\n')
    (tmp_path / "bin/rsync").chmod(0o755)
    app = changed({})
    (app / "static/big").write_bytes(os.urandom(5_000_000))
    child = site.type_update(app, PATH=f"{tmp_path}/bin:{os.environ['PATH']}")
    site.wait_for("ls /var/www/.staging/updated.*/static/.big.* >/dev/null 2>&1")
    serves_as_before(interrupt(child, times), before)
    assert site.traces() <= kept
    assert site.page() == before
    assert mine() == set()


CASES: dict[str, tuple[dict[str, str], dict[str, str], str]] = {
    "imports": (
        {"src/runner.py": f"{SLOW}application = None\n"},
        {},
        "pgrep -f '[s]ilver-node switch' >/dev/null && sleep 1",
    ),
    "carries out update_fetch": (
        {"bin/slow.py": SLOW},
        {"update_fetch": "script:bin/slow.py"},
        "pgrep -f '[p]ython3 .*slow.py' >/dev/null",
    ),
}


@pytest.mark.parametrize("case", CASES)
def test_ctrl_c_while_the_node_tries_the_new_instance(
    site: Site, changed: Callable[..., Path], case: str
) -> None:
    files, keys, condition = CASES[case]
    before, kept = site.page(), site.traces()
    child = site.type_update(changed(files, **keys))
    site.wait_for(condition)
    serves_as_before(interrupt(child), before)
    assert site.traces() <= kept
    assert site.page() == before
    assert mine() == set()
    assert "slow.py" not in site.sh("ps ax")


def test_an_update_works_after_interrupted_ones(site: Site, changed: Callable[..., Path]) -> None:
    before = site.page()["instance"]
    site.updated(changed({"static/after.txt": "after"}))
    assert site.page()["instance"] > before
