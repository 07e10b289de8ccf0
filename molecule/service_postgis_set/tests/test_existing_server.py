"""The set is given another server: the database node, with an administrator that is no superuser.

The other host that it may be on is no server. molecule/cluster has a standby there, and fails over.
"""

import json
import os
import shlex
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.support.existing_server import DIRECTORY, MAKE_PRIMARY, PASSWORD

ROOT = Path(__file__).parents[3]
WEB = ("molecule-pg-web1", "molecule-pg-web2")
SERVER, OTHER = "molecule-pg-db1", "molecule-pg-other"


@dataclass(frozen=True)
class Set:
    """The web nodes with that server."""

    first: Any
    second: Any
    variables: dict[str, Any]


def address(node: Any) -> str:
    found: str = node.check_output("hostname --all-ip-addresses").split()[0]
    return found


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
    """The set, set up with the server; it has the app `places`."""
    server = connect(SERVER)
    server.check_output(MAKE_PRIMARY)
    variables = {
        "service_postgis_hosts": [address(server), address(connect(OTHER))],
        "service_postgis_admin_user": "operator",
        "service_postgis_admin_password": PASSWORD,
        "service_postgis_sslmode": "verify-ca",
        "service_postgis_root_certificate": server.file(f"{DIRECTORY}/server.crt").content_string,
    }
    path = tmp_path_factory.mktemp("variables") / "server.json"
    path.write_text(json.dumps(variables | {"apps": ["places"]}))
    again = [str(ROOT / "provision.yml"), "-e", f"node={','.join(WEB)}", "--tags", "services"]
    run_playbook(*again, "-e", f"@{path}", "--diff")
    run_playbook(str(ROOT / "molecule/service_postgis_set/apps.yml"), "-e", f"@{path}", "--diff")
    return Set(connect(WEB[0]), connect(WEB[1]), variables)


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
