"""Backup, restore and clear while something is going on: writes, a kill, a disk that is full."""

import json
import re
import statistics
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
import requests

from silverlining.remote import connections
from tests.commands.test_backup import KEPT
from tests.support import apps
from tests.support.commands import Done, must, silver

HOST = "backup-accounts.test"
RATE = 1000
"""Transfers per second that are asked for; at least 500 have to be done."""

FILL = """
DROP TABLE IF EXISTS accounts, entries, filler;
CREATE TABLE accounts (id int PRIMARY KEY, balance bigint NOT NULL, moves bigint NOT NULL);
INSERT INTO accounts SELECT n, 0, 0 FROM generate_series(1, 100) AS n;
CREATE TABLE entries (account int, amount bigint);
CREATE TABLE filler AS SELECT n, md5(n::text) AS text FROM generate_series(1, 300000) AS n;
"""
# Money only moves, so the sum of all balances is 0 at any one moment. An account that is read a
# moment later than another makes it another number; so does a table than another table.
TRANSFER = """
\\set a random(1, 100)
\\set b random(1, 100)
\\set low least(:a, :b)
\\set high greatest(:a, :b)
\\set amount random(1, 1000)
BEGIN;
UPDATE accounts SET balance = balance - :amount, moves = moves + 1 WHERE id = :low;
UPDATE accounts SET balance = balance + :amount, moves = moves + 1 WHERE id = :high;
INSERT INTO entries VALUES (:low, - :amount), (:high, :amount);
COMMIT;
"""
LOAD = """
printf '%s' '{transfer}' > /tmp/transfer.sql
cd / && exec runuser -u silver-accounts -- env PGOPTIONS='-c synchronous_commit=off' \\
  /usr/lib/postgresql/*/bin/pgbench -n -c 4 -j 1 -R {rate} -T {seconds} -P 1 -f /tmp/transfer.sql \\
  -h /var/run/postgresql accounts 2>&1
"""
LEDGER = """
SELECT json_build_object(
  'sum', (SELECT sum(balance) FROM accounts),
  'moves', (SELECT sum(moves) FROM accounts),
  'entries', (SELECT count(*) FROM entries),
  'wrong', (SELECT count(*) FROM accounts AS a
            WHERE balance <> (SELECT coalesce(sum(amount), 0) FROM entries WHERE account = a.id)))
"""
STATE = """
runuser -u postgres -- psql -AtXc "SELECT oid FROM pg_database WHERE datname = 'accounts'"
stat -c '%i %a %U' /var/lib/silverlining/files/accounts /var/lib/silverlining/writable-root/accounts
sha256sum /var/lib/silverlining/secret/accounts
find /var/lib/silverlining/files/accounts /var/lib/silverlining/config/accounts
systemctl is-active 'silver-accounts@*'
"""
LEFT = """
ls -A /var/lib/silverlining/backup/work /var/lib/silverlining/backup/pending | grep accounts
ls -dA /var/lib/silverlining/*/.accounts* 2>/dev/null
runuser -u postgres -- psql -AtXc "SELECT datname FROM pg_database WHERE datname LIKE 'accounts_%'"
true
"""


@dataclass(frozen=True)
class Site:
    """The app, on its node.

    Attributes:
        node: the node's name.
        connection: the way to it.
    """

    node: str
    connection: connections.Connection

    def type(self, command: str, *arguments: object) -> Done:
        return silver(command, *arguments, "--node", self.node)

    def start(self, script: str) -> "subprocess.Popen[str]":
        """Start a script of the shell as root on the node."""
        command = self.connection.command(["/bin/sh", "-c", script])
        return subprocess.Popen(command, stdout=subprocess.PIPE, text=True)

    def sh(self, script: str) -> str:
        """Run a script of the shell as root on the node; what it prints."""
        with self.start(script) as process:
            out, _ = process.communicate()
        assert process.returncode == 0, out
        return out

    def psql(self, sql: str) -> str:
        """Do something in the app's database, as the app."""
        program = "runuser -u silver-accounts -- psql -qAtX -v ON_ERROR_STOP=1"
        return self.sh(f"cd / && {program} -h /var/run/postgresql accounts <<'SQL'\n{sql}\nSQL\n")

    def ledger(self) -> dict[str, int]:
        return dict(json.loads(self.psql(LEDGER)))

    def state(self) -> tuple[str, dict[str, int]]:
        """Return what a restore that fails leaves as it was; and check that nothing is left."""
        assert self.sh(LEFT) == ""
        return self.sh(STATE), self.ledger()

    def page(self) -> requests.Response:
        url = f"http://{self.connection.host}/"
        return requests.get(url, headers={"Host": HOST}, timeout=30)


@pytest.fixture(scope="module")
def site(node: str, tmp_path_factory: pytest.TempPathFactory) -> Site:
    """The app, with a ledger in its database and some files."""
    app = apps.copy(KEPT, tmp_path_factory.mktemp("apps") / "accounts")
    apps.set_key(app, "app_name", "accounts")
    config = tmp_path_factory.mktemp("config")
    apps.change(config, "settings.ini", "password = open-sesame\n")
    must("update", app, HOST, "--node", node, "--no-etc-hosts", "--config", config)
    site = Site(node, connections.to_node(node))
    site.psql(FILL)
    site.sh("cd /var/lib/silverlining/files/accounts && for i in $(seq 200); do echo $i > $i; done")
    return site


@dataclass(frozen=True)
class Backup:
    """A backup that was made under load.

    Attributes:
        archive: where it is.
        rates: transfers per second while it was made.
        after: what the ledger had when the load was over.
    """

    archive: Path
    rates: list[float]
    after: dict[str, int]


@pytest.fixture(scope="module")
def backup(site: Site, tmp_path_factory: pytest.TempPathFactory) -> Backup:
    directory = tmp_path_factory.mktemp("backups")
    with site.start(LOAD.format(transfer=TRANSFER, rate=RATE, seconds=90)) as load:
        rates = _rates(load)
        assert next(rates) > 0
        must("backup", HOST, f"{directory}/", "--node", site.node)
        site.sh("pkill -INT pgbench || true")
        meanwhile = list(rates)
    (archive,) = directory.iterdir()
    return Backup(archive, meanwhile, site.ledger())


def _rates(load: "subprocess.Popen[str]") -> Iterator[float]:
    """Yield how many transfers were done in each second."""
    for line in load.stdout or ():
        if told := re.search(r"progress: .* s, ([\d.]+) tps", line):
            yield float(told[1])


def test_a_backup_during_500_writes_per_second_is_of_one_moment(site: Site, backup: Backup) -> None:
    assert statistics.mean(backup.rates) >= 500, backup.rates
    done = site.type("restore", backup.archive, HOST, "--yes")
    assert done.status == 0, str(done)
    found = site.ledger()
    assert 1000 < found["entries"] < backup.after["entries"], "it is not of a moment in the load"
    assert found["moves"] == found["entries"]
    assert found["sum"] == 0
    assert found["wrong"] == 0
    assert site.page().status_code == 200
    assert site.sh(LEFT) == ""


CONDITIONS = {
    "while the archive arrives": "ls -d /var/lib/silverlining/backup/work/accounts.restore",
    "while it is restored on the side": (
        "runuser -u postgres -- psql -AtXc"
        " \"SELECT 1 FROM pg_database WHERE datname = 'accounts.restore'\" | grep 1"
    ),
    "before anything is exchanged": (
        "grep 'begun.*true' /var/lib/silverlining/backup/pending/accounts.json"
    ),
    "when the database is exchanged": (
        "runuser -u postgres -- psql -AtXc"
        " \"SELECT oid FROM pg_database WHERE datname = 'accounts'\" | grep -vx {oid}"
    ),
    "while the app starts": (
        "test $(stat -c %i /var/lib/silverlining/files/accounts) != {inode}"
        " && systemctl is-active 'silver-accounts@*'"
    ),
}
KILL = """
for i in $(seq 1500); do
  if {condition} >/dev/null 2>&1; then
    kill -KILL $(pgrep -f '[s]ilver-node restore') && echo killed
    exit
  fi
  sleep 0.02
done
"""
MENDED = """
for i in $(seq 300); do
  systemctl list-units --plain --no-legend 'silverlining-mend-accounts-*' | grep -q . || exit 0
  sleep 0.1
done
exit 1
"""


@pytest.mark.parametrize("when", CONDITIONS)
def test_a_restore_that_is_killed_changes_nothing(site: Site, backup: Backup, when: str) -> None:
    site.psql("INSERT INTO entries VALUES (0, 1)")
    before = site.state()
    oid, inode = before[0].split()[:2]
    script = KILL.format(condition=CONDITIONS[when].format(oid=oid, inode=inode))
    with site.start(script) as killer:
        done = site.type("restore", backup.archive, HOST, "--yes")
        said, _ = killer.communicate()
    assert "killed" in said, str(done)
    assert done.status != 0, str(done)
    site.sh(MENDED)
    assert site.state() == before
    assert site.page().status_code == 200


def test_data_with_which_the_app_does_not_work_is_put_back(site: Site, tmp_path: Path) -> None:
    site.psql("ALTER DATABASE accounts SET search_path TO nowhere")
    must("backup", HOST, tmp_path / "broken.tar.age", "--node", site.node)
    site.psql("ALTER DATABASE accounts RESET search_path; INSERT INTO public.entries VALUES (0, 2)")
    before = site.state()
    done = site.type("restore", tmp_path / "broken.tar.age", HOST, "--yes")
    assert done.status != 0, str(done)
    assert "does not work with this data, so everything was put back" in done.out + done.err
    assert 'relation "accounts" does not exist' in done.out + done.err
    assert site.state() == before
    assert site.page().status_code == 200


def test_a_disk_without_room_changes_nothing(site: Site, backup: Backup) -> None:
    """The node believes that nearly all of its disk has to stay free."""
    before = site.state()
    settings = "/etc/silverlining/settings.json"
    kept = site.sh(f"cp {settings} {settings}.kept; cat {settings}")
    free = int(site.sh("df --output=avail -m /var/lib | tail -n 1"))
    told = json.dumps({**json.loads(kept), "disk_reserve_mb": free - 10})
    try:
        site.sh(f"printf '%s' '{told}' > {settings}")
        for command in (("restore", backup.archive, HOST, "--yes"), ("backup", HOST, "/tmp")):
            done = site.type(*command)
            assert done.status != 0, str(done)
            assert "make room" in done.out + done.err
    finally:
        site.sh(f"mv {settings}.kept {settings}")
    assert site.state() == before


def test_an_update_with_clear_begins_anew(site: Site, backup: Backup) -> None:
    entries = site.ledger()["entries"]
    done = site.type("clear", HOST, "--yes")
    assert done.status == 0, str(done)
    assert site.sh("ls -A /var/lib/silverlining/files/accounts") == ""
    assert site.psql("SELECT to_regclass('entries') IS NULL") == "t\n"
    assert site.page().status_code == 200
    done = site.type("restore", backup.archive, HOST, "--yes")
    assert done.status == 0, str(done)
    assert entries != site.ledger()["entries"] > 0
    assert len(site.sh("ls -A /var/lib/silverlining/files/accounts").split()) == 200


ODD = """
DROP SCHEMA IF EXISTS "Odd schema" CASCADE;
CREATE SCHEMA "Odd schema";
SET search_path TO "Odd schema", public;
CREATE EXTENSION IF NOT EXISTS pg_trgm SCHEMA "Odd schema";
CREATE FUNCTION positive(int) RETURNS bool LANGUAGE plpgsql AS $$ BEGIN RETURN $1 > 0; END $$;
CREATE TABLE "a ""quoted"" näme" (x int CHECK ("Odd schema".positive(x)), y text DEFAULT 'it''s');
INSERT INTO "a ""quoted"" näme" VALUES (1), (2);
COMMENT ON TABLE "a ""quoted"" näme" IS 'odd; with "quotes"';
CREATE TABLE place (id serial PRIMARY KEY, at geography(point));
INSERT INTO place (at) SELECT ST_MakePoint(n, n)::geography FROM generate_series(1, 90) AS n;
CREATE INDEX ON place USING gist (at);
ALTER TABLE place ENABLE ROW LEVEL SECURITY;
CREATE POLICY high ON place USING (id > 50);
CREATE MATERIALIZED VIEW counted AS SELECT count(*) AS n FROM place;
CREATE TABLE parent (k int, v text) PARTITION BY RANGE (k);
CREATE TABLE part PARTITION OF parent FOR VALUES FROM (0) TO (10);
INSERT INTO parent VALUES (1, 'a');
CREATE UNLOGGED TABLE quick (x int);
INSERT INTO quick VALUES (1);
CREATE TABLE nothing ();
CREATE SEQUENCE numbers START 42;
SELECT nextval('numbers');
SELECT lo_from_bytea(0, 'large');
GRANT SELECT ON place TO reporting;
GRANT CONNECT ON DATABASE accounts TO reporting;
ALTER DATABASE accounts SET timezone TO 'Europe/Berlin';
ALTER ROLE "silver-accounts" IN DATABASE accounts SET lock_timeout TO '7s';
COMMENT ON DATABASE accounts IS 'mine: it''s';
"""
# The key in \\restrict is another one in each dump.
DUMPS = """
cd / && for what in --schema-only '--data-only --inserts'; do
  runuser -u postgres -- pg_dump $what accounts | grep -v '^.\\(un\\)\\?restrict '
done
runuser -u postgres -- psql -AtX accounts <<'SQL'
  SELECT datacl, shobj_description(oid, 'pg_database') FROM pg_database WHERE datname = 'accounts';
  SELECT setconfig FROM pg_db_role_setting JOIN pg_database AS d ON d.oid = setdatabase
  WHERE datname = 'accounts' ORDER BY setrole;
  SELECT lo_get(oid) FROM pg_largeobject_metadata;
  SELECT n FROM "Odd schema".counted;
SQL
"""


def test_whatever_an_app_can_make_in_a_database_comes_back(site: Site, tmp_path: Path) -> None:
    site.sh("cd /; runuser -u postgres -- psql -qXc 'CREATE ROLE reporting' 2>/dev/null || true")
    site.psql("DROP TABLE IF EXISTS filler, big, entries, accounts")
    site.psql("SELECT lo_unlink(oid) FROM pg_largeobject_metadata")
    site.psql(ODD)
    before = site.sh(DUMPS)
    must("backup", HOST, tmp_path / "odd.tar.age", "--node", site.node)
    must("clear", HOST, "--yes", "--node", site.node)
    assert "numbers" not in site.sh(DUMPS)
    must("restore", tmp_path / "odd.tar.age", HOST, "--yes", "--node", site.node)
    assert site.sh(DUMPS) == before


def test_a_role_that_is_missing_is_named(site: Site, tmp_path: Path) -> None:
    site.sh("cd /; runuser -u postgres -- psql -qXc 'CREATE ROLE guests' 2>/dev/null || true")
    site.psql('GRANT SELECT ON "Odd schema".place TO guests')
    must("backup", HOST, tmp_path / "guests.tar.age", "--node", site.node)
    site.psql('REVOKE ALL ON "Odd schema".place FROM guests')
    site.sh("cd /; runuser -u postgres -- psql -qXc 'DROP ROLE guests'")
    done = site.type("restore", tmp_path / "guests.tar.age", HOST, "--yes")
    assert done.status != 0, str(done)
    assert "sudo -u postgres createuser guests" in done.out + done.err
    assert site.sh(LEFT) == ""
