"""The set is given another server: a primary, its replica, and an administrator, no superuser.

The database node becomes the primary, and the node that is not of the set its replica. As managed
servers do, both let the administrator make the extension PostGIS.
"""

import json
import os
import shlex
import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from silverlining.nodes import engine

ROOT = Path(__file__).parents[3]
WEB = ("molecule-pg-web1", "molecule-pg-web2")
PRIMARY, REPLICA = "molecule-pg-db1", "molecule-pg-other"
PASSWORD = "of the operator's: 'quoted'"
DIRECTORY = "/etc/silverlining/postgis"
RECOVERY = 45  # seconds, of which the last 10 are TCP's and 5 for the first host each

MAKE_PRIMARY = rf"""
set -eu
echo 'trusted = true' >> /usr/share/postgresql/$(ls /etc/postgresql)/extension/postgis.control
cat >> {DIRECTORY}/pg_hba.conf <<END
hostssl all operator samenet scram-sha-256
hostssl replication copier samenet scram-sha-256
END
runuser -u postgres -- psql -XAtq -v ON_ERROR_STOP=1 <<'END'
CREATE ROLE operator LOGIN CREATEDB CREATEROLE PASSWORD {"'" + PASSWORD.replace("'", "''") + "'"};
CREATE ROLE copier LOGIN REPLICATION PASSWORD 'copier';
SELECT pg_reload_conf();
END
"""
MAKE_REPLICA = r"""
set -eu
version=$(ls /etc/postgresql)
echo 'trusted = true' >> /usr/share/postgresql/$version/extension/postgis.control
chown -R postgres {directory}
chmod 0600 {directory}/server.key
cat > /etc/postgresql/$version/main/conf.d/zz-replica.conf <<END
listen_addresses = '*'
hba_file = '{directory}/pg_hba.conf'
ssl_cert_file = '{directory}/server.crt'
ssl_key_file = '{directory}/server.key'
END
systemctl stop postgresql
rm -rf /var/lib/postgresql/$version/main
PGPASSWORD=copier runuser -u postgres -- pg_basebackup -h {address} -U copier --checkpoint=fast -R \
    -D /var/lib/postgresql/$version/main
systemctl start postgresql
"""
# What is acknowledged to a visitor is on both.
SYNCHRONOUS = "ALTER SYSTEM SET synchronous_standby_names = '*'"

TRAFFIC = """
import os, time
from places.connections import ConnectionPool, DatabaseError, connector
from places.geography import Place, Point
from places.store import PostgisStore
from places.tables import create
create(connector(os.environ))
store = PostgisStore(ConnectionPool(connector(os.environ)))
for number in range(100_000):
    try:
        store.add(Place(f"number {number}", Point(0, 0)))
        print(number, "kept", time.time(), flush=True)
    except DatabaseError as error:
        print(number, "lost", time.time(), error.args[0].splitlines()[0], flush=True)
    time.sleep(0.1)
"""


@dataclass(frozen=True)
class Set:
    """The web nodes with that server."""

    first: Any
    second: Any
    replica: Any
    variables: dict[str, Any]


def address(node: Any) -> str:
    found: str = node.check_output("hostname --all-ip-addresses").split()[0]
    return found


def as_postgres(node: Any, sql: str, database: str = "postgres") -> str:
    command = ["runuser", "-u", "postgres", "--", "psql", "-XAtqc", sql, database]
    shown: str = node.check_output(shlex.join(command))
    return shown


def put(node: Any, path: str, text: str) -> None:
    node.check_output(f"mkdir -p {Path(path).parent} && printf %s {shlex.quote(text)} > {path}")


def run_playbook(*arguments: str) -> None:
    inventories = [
        os.environ["MOLECULE_INVENTORY_FILE"],
        str(ROOT / "inventory/local.libcloud.yml"),
    ]
    command = ["ansible-playbook", *(part for each in inventories for part in ("-i", each))]
    environment = os.environ | {"ANSIBLE_CONFIG": str(ROOT / "ansible.cfg")}
    done = subprocess.run(
        [*command, *arguments], env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert PASSWORD not in done.stdout + done.stderr


@pytest.fixture(scope="module")
def given(connect: Any, tmp_path_factory: pytest.TempPathFactory) -> Set:
    """The set, set up with the primary and its replica; it has the app `places`."""
    primary, replica = connect(PRIMARY), connect(REPLICA)
    primary.check_output(MAKE_PRIMARY)
    for name in ("server.crt", "server.key", "pg_hba.conf"):
        path = f"{DIRECTORY}/{name}"
        put(replica, path, primary.file(path).content_string)
    replica.check_output(MAKE_REPLICA.format(address=address(primary), directory=DIRECTORY))
    as_postgres(primary, SYNCHRONOUS)
    as_postgres(primary, "SELECT pg_reload_conf()")
    variables = {
        "service_postgis_hosts": [address(primary), address(replica)],
        "service_postgis_admin_user": "operator",
        "service_postgis_admin_password": PASSWORD,
        "service_postgis_sslmode": "verify-ca",
        "service_postgis_root_certificate": primary.file(f"{DIRECTORY}/server.crt").content_string,
    }
    path = tmp_path_factory.mktemp("variables") / "server.json"
    path.write_text(json.dumps(variables | {"apps": ["places"]}))
    again = [str(ROOT / "provision.yml"), "-e", f"node={','.join(WEB)}", "--tags", "services"]
    run_playbook(*again, "-e", f"@{path}", "--diff")
    run_playbook(str(ROOT / "molecule/service_postgis_set/apps.yml"), "-e", f"@{path}", "--diff")
    return Set(connect(WEB[0]), connect(WEB[1]), replica, variables)


def environment(node: Any) -> dict[str, str]:
    lines = node.file("/etc/silverlining/apps/places/postgis.env").content_string.splitlines()
    return dict(line.split("=", 1) for line in lines if not line.startswith("#"))


def test_an_app_has_its_database_there(given: Set) -> None:
    for node in (given.first, given.second):
        variables = environment(node)
        assert variables["CONFIG_PG_HOST"] == ",".join(given.variables["service_postgis_hosts"])
        assert variables["PGTARGETSESSIONATTRS"] == "read-write"
        pg = [f"{name}={value}" for name, value in variables.items() if name.startswith("PG")]
        sql = "SELECT postgis_version() <> '', pg_get_userbyid(datdba) FROM pg_database"
        sql += " WHERE datname = current_database()"
        command = ["runuser", "-u", "silver-places", "--", "env", *pg, "psql", "-Atqc", sql]
        assert node.check_output(shlex.join(command)) == "t|silver-places"


def test_root_keeps_and_restores_its_data_there(given: Set) -> None:
    code = """
import sys, tempfile
from pathlib import Path
sys.path += ["/usr/local/lib/silverlining", "/usr/local/share/silverlining"]
from silvernode.data import services
from silvernode.layout import Layout
service = services.load(Layout(), "postgis")(Layout(), "places")
directory = Path(tempfile.mkdtemp())
facts = service.backup(directory)
assert service.obstacle() == "", service.obstacle()
service.stage(directory); service.check(facts); service.swap(); service.discard()
"""
    result = given.second.run(f"python3 -c {shlex.quote(code)}")
    assert result.rc == 0, result.stderr


@pytest.fixture
def traffic(given: Set) -> Iterator[Path]:
    """The file of what they get who write ten times a second, as visitors of `places` do."""
    log = Path("/run/traffic")
    variables = environment(given.first) | {"PYTHONPATH": "/srv"}
    names = [f"--setenv={name}={value}" for name, value in variables.items()]
    options = ["--unit=traffic", "--property=User=silver-places", *names]
    options += [f"--property=StandardOutput=file:{log}", f"--property=StandardError=file:{log}"]
    command = ["systemd-run", *options, "python3", "-c", TRAFFIC]
    given.first.check_output(shlex.join(command))
    yield log
    given.first.check_output("systemctl stop traffic")


def lines(node: Any, log: Path) -> list[list[str]]:
    return [line.split(maxsplit=3) for line in node.file(str(log)).content_string.splitlines()]


def wait_for(node: Any, log: Path, since: float, seconds: float) -> float:
    """Return when the first write after a moment was kept."""
    deadline = time.time() + seconds
    while time.time() < deadline:
        kept = [float(each[2]) for each in lines(node, log) if each[1] == "kept"]
        if after := [at for at in kept if at > since]:
            return after[0]
        time.sleep(1)
    pytest.fail(f"nothing was kept within {seconds} s: {lines(node, log)[-5:]}")


def take_away(name: str) -> None:
    """Have a node vanish: nothing answers any more, not even its kernel that a port is closed."""
    client = engine.connect()
    container = client.containers.get(name)
    for network in container.attrs["NetworkSettings"]["Networks"]:
        client.networks.get(network).disconnect(container)


def test_the_site_recovers_by_itself_when_the_primary_is_gone(
    given: Set, traffic: Path, figure: Any
) -> None:
    wait_for(given.first, traffic, 0, 20)
    gone = time.time()
    take_away(PRIMARY)
    as_postgres(given.replica, "ALTER SYSTEM RESET synchronous_standby_names")
    as_postgres(given.replica, "SELECT pg_promote()")
    promoted = time.time()
    back = wait_for(given.first, traffic, promoted, RECOVERY)
    time.sleep(3)
    found = lines(given.first, traffic)
    kept = {f"number {each[0]}" for each in found if each[1] == "kept"}
    there = as_postgres(given.replica, "SELECT name FROM place", "places").splitlines()
    assert kept - set(there) == set()
    assert [each for each in found if float(each[2]) > back and each[1] != "kept"] == []
    lost = sum(each[1] == "lost" for each in found)
    figure(
        f"{back - gone:.1f} s without a write, of {len(found)} {lost} were refused, none was lost"
    )
