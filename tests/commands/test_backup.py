"""`silver backup`, `restore`, `list-backups` and `clear`, typed: what is kept comes back."""

import json
import os
import re
import subprocess
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

import pexpect
import pytest
import requests

from silverlining import paths, playbook
from silverlining.playbook import ROOT
from silverlining.remote import connections
from silverlining.remote.connections import Connection
from tests.support import apps, object_store
from tests.support.commands import NODE, Done, must, silver
from tests.support.object_store import Store

KEPT = Path(__file__).parent / "apps/kept"
HOST = "backup-kept.test"
OTHER_HOST = "backup-other.test"
LOST = f"{NODE}-lost"
"""A node of this module's own, which is destroyed and made anew. With `SILVER_TEST_NODE` it has to
be there, set up."""

MEGABYTES = 60
"""Of files that say nothing when they are compressed: so that one can press Ctrl-C in time."""

FILL = """
set -e
cd /var/lib/silverlining/files/kept
find . -mindepth 1 -delete
umask 022
mkdir -p 'a/b c' empty
printf 'one' > a/one; printf '\\001\\000\\377' > 'a/b c/two'; : > a/nothing
ln -s ../a/one a/link; ln a/one a/again
printf 'x' > "$(printf 'na\\303\\257ve \\377')"
head -c {bytes} /dev/urandom > big
chown -hR silver-kept:silver-kept .
chmod 640 a/one; chmod 4755 'a/b c/two'; chmod 700 empty
find . -exec touch -h -d '2020-02-02 02:02:02.123456789' {{}} +
mkdir -p /var/lib/silverlining/writable-root/kept/{host}
echo 'kept page' > /var/lib/silverlining/writable-root/kept/{host}/page.html
chown -R silver-kept:silver-kept /var/lib/silverlining/writable-root/kept
runuser -u silver-kept -- psql -qX -v ON_ERROR_STOP=1 -h /var/run/postgresql kept <<'SQL'
TRUNCATE people, places, notes RESTART IDENTITY;
INSERT INTO people (name, picture)
  SELECT 'name ' || n, sha256(n::text::bytea) FROM generate_series(1, 500) AS n;
INSERT INTO places (name, at)
  VALUES ('Málaga', ST_SetSRID(ST_MakePoint(-4.42, 36.72), 4326)), (NULL, NULL);
INSERT INTO notes (person) SELECT id FROM people WHERE id % 7 = 0;
SQL
"""
FILES = """
cd /var/lib/silverlining
for kind in files writable-root; do
  find $kind/kept -printf '%P\\t%y\\t%m\\t%u\\t%g\\t%T@\\t%n\\t%l\\n' | sort
  find $kind/kept -type f -exec sha256sum {} + | sort
done
"""
TRACES = """
find /var/lib/silverlining/backup/work /var/lib/silverlining/backup/pending -mindepth 1 2>/dev/null
find /var/lib/silverlining -mindepth 2 -maxdepth 2 -name '.*'
runuser -u postgres -- psql -AtXc "SELECT datname FROM pg_database WHERE datname LIKE 'kept_%'"
pgrep -fa '[s]ilver-node (backup|restore|clear)'
true
"""


to_node = cache(connections.to_node)
"""Asking Ansible takes longer than most of what is done on a node here."""


@dataclass(frozen=True)
class Site:
    """An app under test: as its operator types, as a visitor and as the node's root see it.

    Attributes:
        node: the name of its node.
        host: where it is served.
        variables: of the environment in which commands are typed.
    """

    node: str
    host: str = HOST
    variables: dict[str, Any] = field(default_factory=dict)

    @property
    def connection(self) -> Connection:
        """The way to the node."""
        return to_node(self.node)

    def type(self, command: str, *arguments: object, **variables: str) -> Done:
        """Type a command for the node."""
        return silver(command, *arguments, "--node", self.node, **(self.variables | variables))

    def done(self, command: str, *arguments: object, **variables: str) -> str:
        """Type a command that is to succeed; all that is printed."""
        done = self.type(command, *arguments, **variables)
        assert done.status == 0, str(done)
        return done.out + done.err

    def refused(self, command: str, *arguments: object, **variables: str) -> str:
        """Type a command that is to be refused, with everything as it was; all that is printed."""
        before = self.everything()
        done = self.type(command, *arguments, **variables)
        assert done.status != 0, str(done)
        assert "Traceback" not in done.out + done.err, str(done)
        assert self.everything() == before, str(done)
        assert self.traces() == ""
        return done.out + done.err

    def spawn(self, command: str, *arguments: object, **variables: str) -> "pexpect.spawn[str]":
        """Type a command into a terminal."""
        typed = [command, *map(str, arguments), "--node", self.node]
        environment: Any = {**os.environ, **self.variables, **variables}
        return pexpect.spawn(
            str(ROOT / "silver"), typed, env=environment, encoding="utf-8", timeout=90
        )

    def page(self, path: str = "/") -> requests.Response:
        """Return what a visitor gets, whom Varnish does not spare the app."""
        url = f"http://{self.connection.host}{path}"
        answer = requests.get(url, headers={"Host": self.host}, timeout=30)
        assert answer.status_code == 200, answer.text
        return answer

    def told(self, **query: str) -> dict[str, Any]:
        """Return what the app tells of itself."""
        path = "".join(f"?{name}={value}" for name, value in query.items())
        return dict(self.page(f"/{path}").json())

    def everything(self) -> dict[str, Any]:
        """Return all that the app has: rows, files with modes and times, secret, configuration."""
        told = self.told()
        told.pop("instance")
        del told["valid"]
        return {**told, "files": self.sh(FILES)}

    def traces(self) -> str:
        """Return what a backup or restore has left on the node."""
        return self.sh(TRACES)

    def sh(self, script: str) -> str:
        """Run a script of the shell as root on the node; what it prints."""
        command = self.connection.command(["/bin/sh", "-c", script])
        done = subprocess.run(command, capture_output=True, check=False)
        assert done.returncode == 0, done.stderr.decode()
        return done.stdout.decode(errors="surrogateescape")

    def wait_for(self, condition: str) -> None:
        """Wait until a command of the shell succeeds on the node."""
        self.sh(f"for i in $(seq 600); do {condition} && exit 0; sleep 0.05; done; exit 1")


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data directory that has all but a key for backups."""
    home = tmp_path_factory.mktemp("data")
    (home / "silverlining").mkdir(mode=0o700)
    for path in paths.state_dir().iterdir():
        if not path.name.startswith("backup-identity"):
            (home / "silverlining" / path.name).symlink_to(path)
    return home


@pytest.fixture(scope="module")
def variables(home: Path) -> dict[str, Any]:
    return {"XDG_DATA_HOME": str(home)}


@pytest.fixture(scope="module")
def app(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return apps.copy(KEPT, tmp_path_factory.mktemp("apps") / "kept")


@pytest.fixture(scope="module")
def site(
    app: Path, tmp_path_factory: pytest.TempPathFactory, variables: dict[str, Any]
) -> Iterator[Site]:
    """The app, deployed with a configuration, and full of data, on a node of its own."""
    config = tmp_path_factory.mktemp("config")
    apps.change(config, "settings.ini", "password = open-sesame\n")
    if "SILVER_TEST_NODE" not in os.environ:
        must("create-node", LOST, "--if-not-exists", "--setup-node")
    must("update", app, HOST, "--node", LOST, "--no-etc-hosts", "--config", config)
    site = Site(LOST, variables=variables)
    site.sh(FILL.format(host=HOST, bytes=MEGABYTES * 1_000_000))
    yield site
    if "SILVER_TEST_NODE" not in os.environ:
        must("destroy-node", LOST, "--yes")


@dataclass(frozen=True)
class Backup:
    """A backup of the app.

    Attributes:
        archive: its archive.
        everything: what the app had.
        session: of a visitor who had logged in.
        said: what was printed.
    """

    archive: Path
    everything: dict[str, Any]
    session: str
    said: str


@pytest.fixture(scope="module")
def backup(site: Site, tmp_path_factory: pytest.TempPathFactory) -> Backup:
    """The first backup ever, for which a key is made."""
    directory = tmp_path_factory.mktemp("backups")
    everything, session = site.everything(), site.told()["session"]
    said = site.done("backup", HOST, f"{directory}/")
    (archive,) = directory.iterdir()
    return Backup(archive, everything, session, said)


def test_a_backup_says_what_it_has_and_where_its_key_is(
    site: Site, backup: Backup, home: Path
) -> None:
    said, key = backup.said, home / "silverlining/backup-identity"
    assert re.fullmatch(r"kept-\d{8}T\d{6}Z\.tar\.age", backup.archive.name)
    assert f"{HOST} is in {backup.archive}" in said
    assert "read back, every checksum is right" in said
    assert re.search(r"postgis: \d tables, [\d,]+ rows", said)
    assert f"Made a key for backups: {key}" in said
    assert "Keep a copy of it elsewhere" in said
    assert key.stat().st_mode & 0o777 == 0o600
    assert "SECRET-KEY" in key.read_text()
    assert "SECRET-KEY" not in said
    assert site.traces() == ""
    assert site.everything() == backup.everything


def test_an_archive_can_be_read_with_the_key_only(backup: Backup) -> None:
    data = backup.archive.read_bytes()
    assert data.startswith(b"age-encryption.org/v1\n")
    assert b"manifest.json" not in data
    assert b"open-sesame" not in data


def test_archives_are_listed_and_tell_what_they_have(
    backup: Backup, variables: dict[str, Any]
) -> None:
    listed = must("list-backups", backup.archive.parent, **variables).out.splitlines()
    assert listed[0].split() == ["app", "made", "size", "archive"]
    assert listed[1].startswith("kept ")
    assert listed[1].rstrip().endswith(str(backup.archive))
    (found,) = json.loads(must("list-backups", backup.archive.parent, "--json", **variables).out)[
        "archives"
    ]
    assert (found["app"], found["bytes"]) == ("kept", backup.archive.stat().st_size)

    shown = must("list-backups", backup.archive, **variables)
    assert f"{HOST} on {LOST}" in shown.out
    manifest = json.loads(must("list-backups", backup.archive, "--json", **variables).out)[
        "manifest"
    ]
    rows = backup.everything["rows"]
    tables = manifest["services"]["postgis"]["facts"]["tables"]
    assert {name: tables[f"public.{name}"] for name in rows} == {
        name: len(each) for name, each in rows.items()
    }
    assert "open-sesame" not in shown.out + json.dumps(manifest)


def cut(data: bytes) -> bytes:
    return data[: len(data) * 2 // 3]


def cut_by_a_byte(data: bytes) -> bytes:
    return data[:-1]


def tampered(data: bytes) -> bytes:
    middle = len(data) // 2
    return data[:middle] + bytes([data[middle] ^ 1]) + data[middle + 1 :]


def tampered_at_the_end(data: bytes) -> bytes:
    return data[:-20] + bytes([data[-20] ^ 1]) + data[-19:]


def not_encrypted(_data: bytes) -> bytes:
    return b"some text\n" * 100


BROKEN: dict[Callable[[bytes], bytes], str] = {
    cut: "it is damaged, or cut off",
    cut_by_a_byte: "it is damaged, or cut off",
    tampered: "it is damaged, or cut off",
    tampered_at_the_end: "it is damaged, or cut off",
    not_encrypted: "it is none, or its beginning is damaged",
}


@pytest.mark.parametrize("broken", BROKEN, ids=lambda broken: broken.__name__)
def test_a_broken_archive_changes_nothing(
    site: Site, backup: Backup, tmp_path: Path, broken: Callable[[bytes], bytes]
) -> None:
    archive = tmp_path / backup.archive.name
    archive.write_bytes(broken(backup.archive.read_bytes()))
    assert BROKEN[broken] in site.refused("restore", archive, HOST, "--yes")


def test_an_archive_for_another_key_changes_nothing(
    site: Site, backup: Backup, tmp_path: Path
) -> None:
    subprocess.run(["age-keygen", "-o", tmp_path / "key"], check=True, capture_output=True)
    said = site.refused("restore", backup.archive, HOST, "--yes", "--identity", tmp_path / "key")
    assert "it is encrypted for other keys than this one" in said


def test_what_is_missing_changes_nothing(site: Site, backup: Backup, tmp_path: Path) -> None:
    said = site.refused("restore", tmp_path / "gone.tar.age", HOST, "--yes")
    assert f"{tmp_path}/gone.tar.age: no such file" in said
    said = site.refused("restore", backup.archive.parent, HOST, "--yes")
    assert f"say which of these archives:\n  {backup.archive}" in said
    said = site.refused("restore", backup.archive, HOST, "--yes", XDG_DATA_HOME=str(tmp_path))
    assert "there is no key for backups here" in said or "Permission denied" in said


def test_without_a_terminal_one_has_to_say_yes(site: Site, backup: Backup) -> None:
    assert "say --yes" in site.refused("restore", backup.archive, HOST)
    assert "say --yes" in site.refused("clear", HOST)


def test_a_backup_that_cannot_be_stored(site: Site, backup: Backup, tmp_path: Path) -> None:
    assert "there is no such directory" in site.refused("backup", HOST, f"{tmp_path}/gone/x")
    assert "is there already, and stays" in site.refused("backup", HOST, backup.archive)
    said = site.refused("backup", "backup-nobody.test", f"{tmp_path}/")
    assert f"nothing is served at backup-nobody.test on {LOST}" in said
    assert list(tmp_path.iterdir()) == []


CHANGE = """
cd /var/lib/silverlining/files/kept; rm -r a; echo new > new
runuser -u silver-kept -- psql -qX -h /var/run/postgresql kept \
  -c 'DELETE FROM notes; DROP TABLE places'
"""


def test_a_restore_asks_and_then_brings_everything_back(site: Site, backup: Backup) -> None:
    site.sh(CHANGE)
    assert site.everything() != backup.everything
    child = site.spawn("restore", backup.archive, HOST)
    child.expect(r"Replace all data of kept on .*\[y/N\]: ")
    question = " ".join(str(child.after).split())
    assert f"which is served at {HOST}" in question
    assert str(backup.archive) in question
    child.sendline("n")
    child.expect(pexpect.EOF)
    child.close()
    assert child.exitstatus not in (0, None)
    assert site.everything() != backup.everything

    child = site.spawn("restore", backup.archive, HOST)
    child.expect(r"\[y/N\]: ")
    child.sendline("y")
    child.expect(pexpect.EOF)
    child.close()
    assert child.exitstatus == 0, child.before
    assert site.everything() == backup.everything
    assert site.traces() == ""


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    with object_store.running(tmp_path_factory.mktemp("store") / "log") as store:
        store.make("backups")
        yield store


def test_an_object_store_keeps_archives(
    site: Site, backup: Backup, store: Store, variables: dict[str, Any]
) -> None:
    place = "s3://backups/some/apps"
    said = site.done("backup", HOST, place, **store.environ)
    assert "read back, every checksum is right" in said
    (name,) = store.contents("backups")
    assert store.unfinished("backups") == []
    listed = must("list-backups", place, **store.environ, **variables).out
    assert f"s3://backups/{name}" in listed
    site.sh(CHANGE)
    said += site.done("restore", f"s3://backups/{name}", HOST, "--yes", "-vvvv", **store.environ)
    assert site.everything() == backup.everything
    assert object_store.SECRET not in said

    # Only its end, in which nothing would be missed.
    driver = store.driver()
    found = driver.get_object("backups", name)
    data = tampered_at_the_end(b"".join(driver.download_object_as_stream(found)))
    broken = f"some/apps/broken-{name.rpartition('/')[2]}"
    driver.upload_object_via_stream(iter([data]), driver.get_container("backups"), broken)
    said = site.refused("restore", f"s3://backups/{broken}", HOST, "--yes", **store.environ)
    assert "it is damaged, or cut off" in said


def test_a_store_that_cannot_be_used_is_told_in_a_line(
    site: Site, store: Store, variables: dict[str, Any]
) -> None:
    environ = store.environ
    said = site.refused("backup", HOST, "s3://missing/", **environ)
    assert "there is no container missing; make it first" in said
    closed = environ | {"AWS_ENDPOINT_URL": "http://127.0.0.1:1"}
    said += site.refused("backup", HOST, "s3://backups", **closed)
    assert "127.0.0.1 cannot be reached: connection refused" in said
    said += site.refused("restore", "s3://backups/gone.tar.age", HOST, "--yes", **environ)
    assert "s3://backups/gone.tar.age: there is no such archive" in said
    done = silver("list-backups", "s3://missing", **environ, **variables)
    assert done.status == 1
    assert done.err.startswith("silver: s3://missing/: there is no container missing")
    assert object_store.SECRET not in said + done.err


def interrupt(child: "pexpect.spawn[str]") -> str:
    """Press Ctrl-C; all that is printed until the command has ended."""
    child.sendintr()
    child.expect(pexpect.EOF)
    child.close()
    said = re.sub(r"\x1b\[\S*?[mK]|\r", "", str(child.before))
    assert child.exitstatus == playbook.INTERRUPTED, said
    assert "Traceback" not in said
    return said


def test_ctrl_c_in_a_backup_leaves_nothing(site: Site, backup: Backup, tmp_path: Path) -> None:
    child = site.spawn("backup", HOST, f"{tmp_path}/")
    site.wait_for("test -d /var/lib/silverlining/backup/work/kept.backup")
    said = interrupt(child)
    assert f"{HOST}: no archive was made, and nothing of one is left" in said
    assert list(tmp_path.iterdir()) == []
    site.wait_for("! pgrep -f '[s]ilver-node backup'")
    assert site.traces() == ""
    assert site.everything() == backup.everything


def test_ctrl_c_in_a_restore_changes_nothing(site: Site, backup: Backup) -> None:
    child = site.spawn("restore", backup.archive, HOST, "--yes")
    site.wait_for("test -d /var/lib/silverlining/backup/work/kept.restore")
    said = interrupt(child)
    assert f"{HOST} has the data that it had" in said
    site.wait_for("! pgrep -f '[s]ilver-node restore'")
    assert site.everything() == backup.everything
    assert site.traces() == ""


def test_other_keys(site: Site, backup: Backup, tmp_path: Path) -> None:
    key, ssh = tmp_path / "key", tmp_path / "id_ed25519"
    subprocess.run(["age-keygen", "-o", key], check=True, capture_output=True)
    subprocess.run(["ssh-keygen", "-qt", "ed25519", "-N", "", "-f", ssh], check=True)
    public = subprocess.run(
        ["age-keygen", "-y", key], check=True, capture_output=True, text=True
    ).stdout.strip()
    both = ["--recipient", public, "--recipient", f"{ssh}.pub"]
    said = site.done("backup", HOST, tmp_path / "both.tar.age", *both)
    assert "read back, but not decrypted: this machine has no key for it" in said
    for identity in (key, ssh):
        must("list-backups", tmp_path / "both.tar.age", "--identity", identity)
    done = silver("list-backups", tmp_path / "both.tar.age", **site.variables)
    assert done.err.strip().endswith("it is encrypted for other keys than this one")


def test_cleared_data_is_gone_and_the_app_serves(site: Site, backup: Backup) -> None:
    child = site.spawn("clear", HOST)
    child.expect(
        rf"Remove all data of the app at {HOST}, at all of its locations, for good\? \[y/N\]: "
    )
    child.sendline("n")
    child.expect(pexpect.EOF)
    assert site.everything() == backup.everything
    said = site.done("clear", HOST, "--yes")
    assert "the data of kept is cleared" in said
    assert site.told()["rows"] == {}
    assert site.told(session=backup.session)["valid"]
    assert site.sh("ls -A /var/lib/silverlining/files/kept") == ""
    site.done("restore", backup.archive, HOST, "--yes")
    assert site.everything() == backup.everything


@pytest.fixture(scope="module")
def other(node: str, variables: dict[str, Any]) -> Site:
    """Where the app is served on another node, one day."""
    return Site(node, variables=variables)


def test_a_site_is_copied_to_another_node(
    site: Site, other: Site, backup: Backup, app: Path
) -> None:
    other.done("restore", f"site:{HOST}@{LOST}", HOST, "--yes")
    must("update", app, HOST, "--node", other.node, "--no-etc-hosts")
    assert other.everything() == backup.everything
    assert other.told(session=backup.session)["valid"]

    other.sh(CHANGE)
    assert "say --yes" in other.refused("restore", f"site:{HOST}@{LOST}", HOST)
    site.done("backup", HOST, f"site:{HOST}@{other.node}", "--yes")
    assert other.everything() == backup.everything
    assert "name another node" in site.refused("restore", f"site:{HOST}@{LOST}", HOST, "--yes")
    assert site.everything() == backup.everything


def test_an_archive_of_another_app_changes_nothing(
    other: Site, backup: Backup, app: Path, tmp_path: Path
) -> None:
    shop = apps.set_key(apps.copy(app, tmp_path / "shop"), "app_name", "backup_shop")
    apps.set_key(shop, "config.required", "false")
    must("update", shop, OTHER_HOST, "--node", other.node, "--no-etc-hosts")
    said = other.refused("restore", backup.archive, OTHER_HOST, "--yes")
    assert f"{OTHER_HOST} is served by the app backup_shop" in said


def test_a_destroyed_node_is_replaced(site: Site, backup: Backup, app: Path) -> None:
    must("destroy-node", LOST, "--yes")
    must("create-node", LOST, "--setup-node")
    to_node.cache_clear()
    # The app was never deployed here: nothing is asked.
    site.done("restore", backup.archive, HOST)
    must("update", app, HOST, "--node", LOST, "--no-etc-hosts")
    assert site.everything() == backup.everything
    assert site.told(session=backup.session)["valid"]
    assert site.page("/page.html").text == "kept page\n"
