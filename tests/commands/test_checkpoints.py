"""Updates whose migration fails: what becomes of the database, with visitors and without."""

import re
import subprocess
import threading
import time
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
import requests

from silverlining.remote import connections
from silverlining.remote.connections import Connection
from tests.support import apps
from tests.support.commands import Done, silver

SAMPLE = Path(__file__).parent / "apps/ledger"
APP, HOST = "ledger", "checkpoint-ledger.test"
HALF = """\
CREATE TABLE half (id serial PRIMARY KEY)
INSERT INTO half SELECT FROM generate_series(1, 10)
ALTER TABLE entries ADD COLUMN amount integer DEFAULT 7
DELETE FROM entries WHERE id = 1"""
RESET = """
DROP TABLE IF EXISTS half, more, entries;
CREATE TABLE entries (id serial PRIMARY KEY, note text NOT NULL)"""
DUMP = "runuser -u postgres -- pg_dump ledger | sed '/^[\\\\]\\(un\\)\\?restrict /d' | sha256sum"
TRACES = """
ls -d /var/lib/silverlining/checkpoints/ledger/update.json /run/silver/ledger.*.update \
  /var/lib/silverlining/checkpoints/ledger/.* /run/silverlining/closed-ledger 2>/dev/null |
  grep -v '/[.]*$'
runuser -u postgres -- psql -Atc "SELECT datname FROM pg_database WHERE datname LIKE 'ledger.%'"
runuser -u postgres -- psql -Atc "SELECT setconfig FROM pg_db_role_setting JOIN pg_database AS d
  ON d.oid = setdatabase WHERE datname = 'ledger'"
"""
NO_TRAFFIC = "the data is as it was before: its checkpoint was put back"


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

    def update(self, plan: str = "", mode: str = "") -> Done:
        """Deploy a version with a migration, which differs from every other."""
        apps.change(self.app, "bin/plan", plan.strip())
        apps.change(self.app, "static/version.txt", str(time.time_ns()))
        text = (SAMPLE / "app.ini").read_text()
        apps.change(self.app, "app.ini", text + (f"update_mode = {mode}\n" if mode else ""))
        return silver("update", self.app, HOST, "--node", self.node, "--no-etc-hosts")

    def updated(self, plan: str = "", mode: str = "") -> str:
        """Deploy, which is to succeed; the instance."""
        done = self.update(plan, mode)
        assert done.status == 0, str(done)
        found = re.search(rf"is served by ({APP}\.\d+_\d+)", done.out)
        assert found, str(done)
        return found[1]

    def visit(self, path: str = "/", method: str = "GET") -> requests.Response:
        """Ask the node as a visitor does."""
        url = f"http://{self.connection.host}{path}"
        return requests.request(method, url, headers={"Host": HOST}, timeout=30)

    def write(self, note: str = "visitor") -> requests.Response:
        """Add an entry, as a visitor."""
        return self.visit(f"/?{note}", "POST")

    def sh(self, script: str) -> str:
        """Run a script of the shell as root on the node; what it prints."""
        command = self.connection.command(["/bin/sh", "-c", script])
        done = subprocess.run(command, check=False, capture_output=True, text=True)
        return done.stdout.strip() + done.stderr

    def ask(self, sql: str) -> str:
        """Ask the database, as its superuser."""
        return self.sh(f'runuser -u postgres -- psql -XAtc "{sql}" {APP}')

    def dump(self) -> str:
        """The checksum of the database's dump as a text."""
        return self.sh(DUMP)

    def checkpoints(self) -> list[str]:
        """The checkpoints, as INSTANCE/STAMP."""
        found = self.sh(f"cd /var/lib/silverlining/checkpoints/{APP} && ls -d */* | sort")
        return found.split()

    def check_clean(self) -> None:
        """Check that nothing is left of what an update does meanwhile."""
        assert self.sh(TRACES) == ""

    @contextmanager
    def updating(self, plan: str, mode: str = "") -> Iterator[Future[Done]]:
        """Deploy, and give a moment at which the migration waits at its `wait for go`."""
        waiting = f"/var/lib/silverlining/tmp/{APP}/go"
        self.sh(f"rm -f {waiting} {waiting}.waiting")
        with ThreadPoolExecutor(1) as pool:
            done = pool.submit(self.update, plan, mode)
            deadline = time.monotonic() + 60
            while not self.sh(f"ls {waiting}.waiting 2>/dev/null"):
                assert time.monotonic() < deadline
                assert not done.done(), str(done.result())
                time.sleep(0.2)
            try:
                yield done
            finally:
                self.sh(f"touch {waiting}")


@pytest.fixture(scope="module")
def deployed(node: str, tmp_path_factory: pytest.TempPathFactory) -> Site:
    """The site."""
    app = apps.copy(SAMPLE, tmp_path_factory.mktemp("apps") / APP)
    site = Site(node, connections.to_node(node), app)
    site.updated()
    return site


@pytest.fixture
def site(deployed: Site) -> Site:
    """The site, with two entries."""
    said = deployed.sh(f"runuser -u silver-{APP} -- psql -q -v ON_ERROR_STOP=1 -c '{RESET}' {APP}")
    assert "ERROR" not in said, said
    assert deployed.write("one").status_code == 201
    assert deployed.write("two").status_code == 201
    return deployed


@pytest.mark.parametrize("mode", ["", "maintenance", "read-only"])
def test_a_migration_that_fails_half_way_leaves_the_database_as_its_dump_was(
    site: Site, mode: str
) -> None:
    before, entries, kept = site.dump(), site.visit().text, site.checkpoints()
    done = site.update(f"{HALF}\nfail here", mode)
    assert done.status != 0
    assert "fail here" in done.out + done.err
    assert NO_TRAFFIC in done.out + done.err, str(done)
    assert site.dump() == before
    assert site.visit().text == entries
    assert site.write().status_code == 201, "the site does not write any more"
    assert site.checkpoints() == kept
    site.check_clean()


def test_a_migration_that_was_rolled_back_leaves_nothing_to_put_back(site: Site) -> None:
    before = site.dump()
    with site.updating("BEGIN\nDELETE FROM entries\nROLLBACK\nwait for go\nfail here") as done:
        assert site.visit().status_code == 200
    assert done.result().status != 0
    said = done.result().out + done.result().err
    assert f"{HOST} stays as it was" in said
    assert "put back" not in said, said
    assert site.dump() == before
    site.check_clean()


def test_a_write_of_a_visitor_meanwhile_is_kept_and_the_checkpoint_is_named(site: Site) -> None:
    with site.updating(f"{HALF}\nwait for go\nfail here") as done:
        assert site.write("meanwhile").status_code == 201
    assert done.result().status != 0
    said = " ".join((done.result().out + done.result().err).split())
    assert site.ask("SELECT count(*) FROM entries WHERE note = 'meanwhile'") == "1"
    assert site.ask("SELECT count(*) FROM half") == "10", "the migration was taken back"
    found = re.search(r"silver activate \S+ (\S+) --checkpoint (\S+)", said)
    assert found, said
    assert f"{HOST} is served as before, but its data has changed" in said
    assert f"{found[1]}/{found[2]}" in site.checkpoints()
    site.check_clean()
    check_put_back(site, found[1], found[2])


def check_put_back(site: Site, instance: str, stamp: str) -> None:
    """Check that the command that was named puts the data back, and asks before."""
    arguments = ["activate", HOST, instance, "--checkpoint", stamp, "--node", site.node]
    asked = silver(*arguments)
    assert asked.status != 0, "nobody was asked"
    assert "say --yes" in asked.err + asked.out
    assert site.ask("SELECT count(*) FROM half") == "10"
    done = silver(*arguments, "--yes")
    assert done.status == 0, str(done)
    assert "does not exist" in site.ask("SELECT count(*) FROM half")
    assert site.ask("SELECT count(*) FROM entries WHERE note = 'meanwhile'") == "0"
    assert site.write("later").status_code == 201
    site.check_clean()


def test_code_and_data_go_back_and_forth_together(site: Site) -> None:
    first = site.updated("sleep 0")
    site.ask("TRUNCATE entries")
    assert site.write("of-the-first").status_code == 201
    second = site.updated("ALTER TABLE entries RENAME COLUMN note TO remark")
    assert site.ask("SELECT remark FROM entries") == "of-the-first"
    site.ask("INSERT INTO entries (remark) VALUES ('of the second')")
    back = silver("activate", HOST, "prev", "--with-data", "--yes", "--node", site.node)
    assert back.status == 0, str(back)
    assert f"is served by {first}" in back.out
    assert site.ask("SELECT note FROM entries") == "of-the-first"
    assert site.write("again").status_code == 201
    forth = silver("activate", HOST, "prev", "--with-data", "--yes", "--node", site.node)
    assert forth.status == 0, str(forth)
    assert f"is served by {second}" in forth.out
    assert site.ask("SELECT remark FROM entries ORDER BY id") == "of-the-first\nof the second"
    site.check_clean()


def test_nobody_writes_during_maintenance_and_nothing_is_lost(site: Site) -> None:
    before = site.dump()
    with site.updating("DROP TABLE entries\nwait for go\nfail here", "maintenance") as done:
        assert [site.visit().status_code, site.write().status_code] == [503, 503]
        assert site.visit().headers["Retry-After"]
    assert done.result().status != 0
    assert site.dump() == before
    assert site.write().status_code == 201


def test_visitors_read_and_cannot_write_during_a_read_only_update(site: Site) -> None:
    before = site.dump()
    with site.updating("CREATE TABLE half ()\nwait for go\nfail here", "read-only") as done:
        assert site.visit().status_code == 200
        assert site.write().status_code == 503
        assert "read-only" in site.visit("/write").text, "a GET wrote"
    assert done.result().status != 0
    assert NO_TRAFFIC in done.result().out + done.result().err, str(done.result())
    assert site.dump() == before
    assert site.visit("/write").status_code == 201


@pytest.mark.parametrize("mode", ["", "maintenance", "read-only"])
def test_a_successful_update_under_load_loses_nothing(site: Site, mode: str) -> None:
    site.ask("TRUNCATE entries")
    written: list[tuple[str, int]] = []
    refused: list[tuple[str, int]] = []
    stop = threading.Event()

    def visitor(number: int) -> None:
        while not stop.is_set():
            note = f"{number}-{len(written)}-{time.time_ns()}"
            status = site.write(note).status_code
            (written if status == 201 else refused).append((note, status))

    threads = [threading.Thread(target=visitor, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    try:
        site.updated("CREATE TABLE IF NOT EXISTS more (id integer)\nsleep 1", mode)
    finally:
        time.sleep(1)
        stop.set()
        for thread in threads:
            thread.join()
    assert {status for _, status in refused} <= ({503} if mode else set()), refused
    there = set(site.ask("SELECT note FROM entries").splitlines())
    assert {note for note, _ in written} == there
    assert len(written) > 20
    site.check_clean()


@pytest.mark.parametrize("mode", ["", "maintenance", "read-only"])
def test_a_killed_update_is_undone_by_the_node_itself(site: Site, mode: str) -> None:
    before = site.dump()
    with site.updating(f"{HALF}\nwait for go\nsleep 600", mode) as done:
        site.sh("pkill -KILL -f '[s]ilver-node switch'")
    assert done.result().status != 0
    deadline = time.monotonic() + 60
    while site.sh(TRACES) or site.dump() != before:
        assert time.monotonic() < deadline, site.sh(TRACES)
        time.sleep(0.5)
    assert site.visit().text == "2"
    assert site.write().status_code == 201
    assert site.sh(f"systemctl list-units --plain --no-legend 'silver-script-{APP}-*'") == ""
    told = site.update("fail at once")
    assert "an update of" in told.out + told.err, str(told)
    site.check_clean()
