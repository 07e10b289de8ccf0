"""Backups and restore drills that a node does by its schedule, and what is loud when they fail."""

import io
import json
import re
import socket
import subprocess
import tarfile
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
import requests

from silverbackup import archive, encryption
from silverbackup.errors import BackupError
from silverlining.remote import connections
from tests.support import object_store, runs
from tests.support.commands import Done, must, silver
from tests.support.node import cloud_node, driver, eventually
from tests.support.object_store import KEY, SECRET

LOCATION = "backup-scheduled.test"
APP = "scheduled"
APP_INI = f"""[production]
app_name = {APP}
runner = src/app.py
service.postgis =
service.files =
update_fetch = /write
"""
CODE = """
import os
from pathlib import Path

import psycopg2


def application(environ, start_response):
    with psycopg2.connect("") as connection, connection.cursor() as cursor:
        if environ["PATH_INFO"] == "/write":
            cursor.execute("create table if not exists notes (text text)")
            cursor.execute("insert into notes values ('a'), ('b'), ('c')")
            Path(os.environ["CONFIG_FILES"], "note").write_text("a file" * 1000)
        cursor.execute("select count(*) from notes")
        rows = cursor.fetchone()[0]
    connection.close()
    start_response("200 OK", [("Content-Type", "text/plain"), ("Cache-Control", "no-store")])
    return [str(rows).encode()]
"""

ROOT_DIRECTORY = "/var/backups/silver-test"
KEEP = 2
WORK = "/var/lib/silverlining/backup/work"
STATUS = "/var/lib/silverlining/backup/status"
BIG_MEGABYTES = 150
"""Of a file that makes a backup last long enough to be killed in the middle."""


class Site:
    """The node whose schedule is tried, as its operator and as its root see it."""

    def __init__(self, node: str, operator: Path) -> None:
        self.node, self.operator = node, operator
        self.directory = f"{ROOT_DIRECTORY}/{node}"
        self._given: Mapping[str, object] = {}

    def schedule(self, **variables: object) -> None:
        """Set the node's schedule: never by itself, into a directory, unless it is told."""
        given: Mapping[str, object] = {
            "backup_schedule": "yearly",
            "backup_drill_schedule": "yearly",
            "backup_random_delay": "0",
            "backup_destination": ROOT_DIRECTORY,
            "backup_recipients": [encryption.recipient(self.operator)],
            "backup_keep": KEEP,
            "backup_keep_weekly": 0,
            **variables,
        }
        if given == self._given:
            return
        run = runs.run(
            "provision.yml", {"node": self.node}, "--tags=backup", "-e", json.dumps(given)
        )
        assert run.status == 0, str(run)
        self._given = given

    def sh(self, script: str) -> bytes:
        """Run a script of the shell as root on the node."""
        program = connections.to_node(self.node).command(["/bin/sh", "-euc", script])
        done = subprocess.run(program, capture_output=True, check=False)
        assert done.returncode == 0, f"{script}: {done.stdout.decode()}{done.stderr.decode()}"
        return done.stdout

    def archives(self) -> list[str]:
        """The app's archives in the directory, the oldest first."""
        return self.sh(f"cd {self.directory}; ls {APP}-*").decode().split()

    def told(self) -> dict[str, Any]:
        """What `silver query` tells of the app's last backup and drill."""
        [node] = json.loads(silver("query", self.node, "--json").out)["nodes"]
        assert node["version"], node["problems"]
        found = [each for each in node["backups"] if each["app"] == APP]
        return dict(found[0]) if found else {}

    def complaints(self) -> list[str]:
        """What `silver query` complains about in the app's backups and drills, in plain sight."""
        done = silver("query", self.node)
        lines = [line.strip() for line in done.out.splitlines() if f" of {APP} " in line]
        if lines:
            assert done.status == 1, str(done)
        return lines

    @property
    def address(self) -> str:
        return str(cloud_node(self.node).public_ips[0])

    def rows(self) -> int:
        """How many rows a visitor is told of."""
        answer = requests.get(f"http://{self.address}/", headers={"Host": LOCATION}, timeout=20)
        assert answer.status_code == 200, answer.text
        return int(answer.text)


@pytest.fixture(scope="module")
def site(node: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """A node that serves an app with a database and files, and the key of its operator."""
    root = tmp_path_factory.mktemp("schedule")
    (root / "app/src").mkdir(parents=True)
    (root / "app/app.ini").write_text(APP_INI)
    (root / "app/src/app.py").write_text(CODE)
    encryption.make_identity(root / "operator")
    site = Site(node, root / "operator")
    must("update", root / "app", LOCATION, "--node", node, "--no-etc-hosts")
    yield site
    # Whoever uses the node next finds it as if there had been no schedule, and no failure.
    site.sh(f"rm -rf {ROOT_DIRECTORY} {STATUS}/*")
    run = runs.run("provision.yml", {"node": node}, "--tags=backup")
    assert run.status == 0, str(run)


@pytest.fixture
def quiet(site: Site) -> Site:
    """The same node, on which nothing happens until it is asked for, with one good backup."""
    site.schedule()
    made(site, "backup")
    return site


def made(site: Site, kind: str) -> Done:
    """Make a round of backups or drills now, in which the app's is to succeed."""
    done = silver(f"{kind}-all", site.node)
    assert re.search(rf"^{APP}: \S+ was ", done.out, re.MULTILINE), str(done)
    assert site.told()[kind]["ok"], site.told()
    return done


def failed(site: Site, kind: str) -> str:
    """Make a round in which the app's fails; why it did."""
    done = silver(f"{kind}-all", site.node)
    assert done.status, str(done)
    assert f"{APP}: the {kind} failed" in done.out + done.err, str(done)
    told = site.told()[kind]
    assert not told["ok"]
    [complaint] = [each for each in site.complaints() if f"the last {kind} of" in each]
    assert told["message"] in complaint
    assert f"./silver {kind}-all {site.node}" in complaint
    return str(told["message"])


def test_the_timers_make_backups_keep_some_and_try_them(site: Site) -> None:
    site.schedule(backup_schedule="*:*:0/5", backup_drill_schedule="*:*:0/7")
    names: set[str] = set()
    drills: set[str] = set()
    deadline = time.monotonic() + 120
    while len(names) < KEEP + 1 or len(drills) < 2:
        assert time.monotonic() < deadline, (names, drills, site.sh("journalctl -u 'silverl*'"))
        assert site.rows() == 3, "the site goes on meanwhile"
        told = site.told()
        names |= {told["backup"]["archive"]} if told.get("backup", {}).get("ok") else set()
        drills |= {told["drill"]["at"]} if told.get("drill", {}).get("ok") else set()
    site.schedule()
    eventually(lambda: site.sh("! systemctl is-active silverlining-backup silverlining-drill"))
    assert site.archives() == sorted(site.archives())[-KEEP:]
    assert len(site.archives()) == KEEP
    told = site.told()
    assert told["backup"]["archive"] == site.archives()[-1]
    assert told["drill"]["ok"], told
    assert site.complaints() == []
    journal = site.sh("journalctl --unit silverlining-drill --output cat").decode()
    assert "restored beside the data and checked: files, postgis" in journal


def test_the_operators_key_reads_what_the_timer_made_and_another_does_not(
    quiet: Site, tmp_path: Path
) -> None:
    sealed = quiet.sh(f"cat {quiet.directory}/{quiet.archives()[-1]}")
    assert sealed.startswith(encryption.MAGIC)
    with encryption.decrypted(io.BytesIO(sealed), quiet.operator) as tar:
        manifest = archive.unpack(tar, tmp_path)
    assert (manifest.app, manifest.location, manifest.node) == (APP, LOCATION, quiet.node)
    assert (tmp_path / "app.ini").read_text() == APP_INI
    with tarfile.open(tmp_path / "services/files/files.tar") as files:
        note = files.extractfile("./note")
        assert note
        assert note.read() == b"a file" * 1000
    assert (tmp_path / "secret").stat().st_size > 20
    encryption.make_identity(tmp_path / "stranger")
    with (
        pytest.raises(BackupError, match="for other keys"),
        encryption.decrypted(io.BytesIO(sealed), tmp_path / "stranger") as tar,
    ):
        archive.read_manifest(tar)


def test_a_damaged_archive_fails_its_drill_and_the_next_backup_mends_it(quiet: Site) -> None:
    made(quiet, "drill")
    assert quiet.complaints() == []
    newest = f"{quiet.directory}/{quiet.archives()[-1]}"
    middle = int(quiet.sh(f"stat -c %s {newest}")) // 2
    quiet.sh(f"printf X | dd of={newest} bs=1 seek={middle} conv=notrunc status=none")
    message = failed(quiet, "drill")
    assert newest in message
    assert quiet.sh(f"ls {WORK}; ls -A /var/lib/silverlining/files | grep drill || true") == b""
    assert quiet.rows() == 3
    time.sleep(1)  # Its name tells the second.
    made(quiet, "backup")
    made(quiet, "drill")
    assert quiet.complaints() == []


LIE = """
import sys
sys.path[:0] = ["/usr/local/lib/silverlining", "/usr/local/share/silverlining"]
from silvernode.data import services
load = services.load
def lying(layout, name):
    class Lying(load(layout, name)):
        def backup(self, target):
            facts = super().backup(target)
            if name == "postgis":
                facts["tables"] = {table: rows + 1 for table, rows in facts["tables"].items()}
            return facts
    return Lying
services.load = lying
sys.argv[1:] = ["backup-all"]
from silvernode.cli import main
main()
"""
"""Makes backups that have a row less in each table than their manifests say."""


def test_a_drill_finds_a_row_that_is_missing_from_the_archive(quiet: Site) -> None:
    before = quiet.archives()
    quiet.sh(f"sleep 1; python3 -I -c '{LIE}'")
    assert quiet.archives() != before
    assert "the restored database is not complete" in (message := failed(quiet, "drill"))
    assert "notes: 3, not 4" in message


def test_a_destination_that_is_gone_fails_the_backup_and_loses_none(quiet: Site) -> None:
    before = quiet.archives()
    quiet.sh(f"mv {quiet.directory} {quiet.directory}.away")
    try:
        assert "there is no such directory" in failed(quiet, "backup")
        assert "no such" in failed(quiet, "drill")
    finally:
        quiet.sh(f"mv {quiet.directory}.away {quiet.directory}")
    assert quiet.archives() == before
    made(quiet, "backup")
    made(quiet, "drill")
    assert quiet.complaints() == []


def test_one_that_is_overdue_is_loud(quiet: Site) -> None:
    quiet.sh(f"sed -i 's/202[0-9]-/2019-/' {STATUS}/{APP}.json")
    assert f"the backup of {APP} is overdue: the last one was 2019-" in quiet.complaints()[0]
    made(quiet, "backup")
    made(quiet, "drill")
    assert quiet.complaints() == []


def test_a_node_that_dies_in_the_middle_of_a_backup_goes_on_with_the_next(quiet: Site) -> None:
    before = quiet.archives()
    big = f"/var/lib/silverlining/files/{APP}/big"
    quiet.sh(f"head -c {BIG_MEGABYTES}M /dev/urandom > {big}")
    time.sleep(1)
    quiet.sh("systemctl start --no-block silverlining-backup")
    eventually(lambda: quiet.sh(f'test -n "$(ls {WORK}/{APP}.backup)"'), seconds=60)
    quiet.sh("systemctl kill --signal=KILL silverlining-backup")
    assert quiet.sh(f"ls {WORK}") == f"{APP}.backup\n".encode()
    driver().reboot_node(cloud_node(quiet.node))
    eventually(lambda: quiet.sh("systemctl is-active silverlining-backup.timer"), seconds=60)
    assert quiet.archives() == before, "what was cut off has no name"
    quiet.sh(f"rm {big}")
    made(quiet, "backup")
    made(quiet, "drill")
    assert quiet.sh(f"ls -A {WORK}; ls -A {quiet.directory} | grep '^[.]' || true") == b""
    eventually(quiet.rows, seconds=60)
    assert quiet.rows() == 3
    assert quiet.complaints() == []


def test_an_object_store_takes_them_and_its_absence_is_loud(site: Site, tmp_path: Path) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as way:
        way.connect((site.address, 9))
        here = way.getsockname()[0]
    with object_store.running(tmp_path / "moto.log", here) as store:
        store.make("backups")
        storage = {"key": KEY, "secret": SECRET, "endpoint": f"http://{here}:{store.port}"}
        site.schedule(backup_destination="s3://backups/silver", backup_storage=storage)
        for _ in range(KEEP + 1):
            made(site, "backup")
            time.sleep(1)  # Its name tells the second.
        mine = [name for name in store.contents("backups") if f"/{APP}-" in name]
        assert len(mine) == KEEP
        assert {name.rpartition("/")[0] for name in mine} == {f"silver/{site.node}"}
        assert mine[-1].endswith(site.told()["backup"]["archive"])
        made(site, "drill")
        assert site.complaints() == []
    message = failed(site, "backup")
    assert "cannot be reached" in message
    assert SECRET not in message
    assert SECRET.encode() not in site.sh("cat /etc/silverlining/backup/settings.json")
    assert site.sh("stat -c %a /etc/silverlining/backup/storage.json") == b"600\n"


@pytest.mark.parametrize(
    ("variables", "messages"),
    [
        ({"backup_destination": "s3://b/x", "backup_recipients": []}, ["nobody could read its"]),
        (
            {
                "backup_destination": "backups",
                "backup_recipients": ["AGE-SECRET-KEY-1X"],
                "backup_schedule": "at times",
            },
            [
                "has to be an absolute path or PROVIDER://",
                "backup_recipients has to list public keys",
                "'at times' is no schedule",
            ],
        ),
    ],
)
def test_what_could_not_work_is_refused_when_it_is_set(
    site: Site, variables: dict[str, object], messages: list[str]
) -> None:
    before = site.sh("cat /etc/silverlining/backup/settings.json")
    options = ["--tags=backup", "-e", json.dumps(variables)]
    run = runs.run("provision.yml", {"node": site.node}, *options)
    assert run.status == 2
    assert [each for each in messages if each not in run.words.replace("''", "'")] == []
    assert "AGE-SECRET" not in run.output
    assert site.sh("cat /etc/silverlining/backup/settings.json") == before


def test_an_empty_schedule_stops_the_timers(site: Site) -> None:
    site.schedule(backup_schedule="")
    states = site.sh("systemctl is-enabled silverlining-backup.timer silverlining-drill.timer || :")
    assert states == b"disabled\ndisabled\n"
    done = silver("backup-all", site.node)
    assert done.status
    assert "set backup_schedule" in done.out + done.err
    assert site.complaints() == []
