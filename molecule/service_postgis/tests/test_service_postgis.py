"""Each app has a PostGIS database of its own, reached over the Unix socket without a password."""

import json
import shlex
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest

TEMPLATE = Path(__file__).parents[3] / "roles/service_postgis/templates/env.j2"
APPS = ("polls", "poll_results")
PLACE = "INSERT INTO place VALUES (ST_MakePoint(13.4, 52.5)::geography)"
FAR = "SELECT round(ST_Distance(at, ST_MakePoint(2.35, 48.86)::geography) / 1000) FROM place"


def environment(node: Any, app: str) -> dict[str, str]:
    lines = node.file(f"/etc/silverlining/apps/{app}/postgis.env").content_string.splitlines()
    return dict(line.split("=", 1) for line in lines if not line.startswith("#"))


def query(node: Any, app: str, sql: str, **changed: str) -> Any:
    """Run SQL as an app's Unix user, with the connection that its environment describes."""
    pg = environment(node, app) | changed
    connection = f"host={pg['CONFIG_PG_HOST']} port={pg['CONFIG_PG_PORT']} "
    connection += f"user={pg['CONFIG_PG_USER']} dbname={pg['CONFIG_PG_DBNAME']}"
    command = ["runuser", "-u", f"silver-{app}", "--", "psql", "-Atqc", sql, connection]
    return node.run(shlex.join(command))


@pytest.mark.parametrize("app", APPS)
def test_an_app_measures_distances_in_its_own_tables(node: Any, app: str) -> None:
    sql = f"CREATE TEMPORARY TABLE place (at geography); {PLACE}; {FAR}"
    result = query(node, app, sql)
    assert result.stdout.strip() == "878", result.stderr


@pytest.mark.parametrize("app", APPS)
def test_an_app_creates_tables_that_stay(node: Any, app: str) -> None:
    sql = "CREATE TABLE IF NOT EXISTS kept (at geometry); SELECT tableowner FROM pg_tables"
    result = query(node, app, f"{sql} WHERE tablename = 'kept'")
    assert result.stdout.strip() == f"silver-{app}", result.stderr


def test_psql_finds_the_database_by_itself(node: Any) -> None:
    pg = [f"{k}={v}" for k, v in environment(node, "polls").items() if k.startswith("PG")]
    sql = "SELECT current_database()"
    command = ["runuser", "-u", "silver-polls", "--", "env", *pg, "psql", "-Atqc", sql]
    assert node.check_output(shlex.join(command)) == "polls"


def test_the_sqlalchemy_url_leads_to_the_database(node: Any) -> None:
    url = environment(node, "polls")["CONFIG_PG_SQLALCHEMY"].replace("+psycopg2", "")
    code = f"import psycopg2; print(psycopg2.connect('{url}').info.dbname)"
    command = shlex.join(["runuser", "-u", "silver-polls", "--", "python3", "-c", code])
    assert node.check_output(command) == "polls"


@pytest.mark.parametrize(("app", "other"), [APPS, APPS[::-1]])
def test_an_app_cannot_connect_to_anothers_database(node: Any, app: str, other: str) -> None:
    result = query(node, app, "SELECT 1", CONFIG_PG_DBNAME=other)
    assert result.rc != 0
    assert f'permission denied for database "{other}"' in result.stderr


def test_an_app_cannot_pass_for_another(node: Any) -> None:
    result = query(
        node,
        "polls",
        "SELECT 1",
        CONFIG_PG_USER="silver-poll_results",
        CONFIG_PG_DBNAME="poll_results",
    )
    assert result.rc != 0
    assert "Peer authentication failed" in result.stderr


def test_the_text_is_utf8(node: Any) -> None:
    assert query(node, "polls", "SHOW server_encoding").stdout.strip() == "UTF8"


def test_postgresql_is_not_on_the_network(node: Any) -> None:
    assert not node.socket("tcp://5432").is_listening


def test_an_apps_environment_is_closed_to_others(node: Any) -> None:
    file = node.file("/etc/silverlining/apps/polls/postgis.env")
    assert (file.user, file.group, file.mode) == ("root", "silver-polls", 0o640)
    assert file.content_string.splitlines()[0] == "# silver 0123abcd"


def test_the_settings_of_the_service_are_recorded(node: Any) -> None:
    settings = json.loads(node.file("/etc/silverlining/services/postgis.json").content_string)
    template = sha256(TEMPLATE.read_text().rstrip("\n").encode()).hexdigest()
    assert settings == {"port": 5432, "socket": "/var/run/postgresql", "template": template}


def test_a_setting_that_postgresql_refuses_is_not_installed(node: Any, provision: Any) -> None:
    name = node.backend.get_pytest_id().removeprefix("ssh://")
    result = provision(name, "--tags", "services", "-e", "service_postgis_shared_buffers=lots")
    assert result.returncode != 0
    assert 'invalid value for parameter "shared_buffers": "lots"' in result.stdout + result.stderr
    assert query(node, "polls", "SHOW shared_buffers").stdout.strip() == "128MB"


def test_postgresql_comes_back_from_a_restart(node: Any) -> None:
    node.check_output("systemctl restart postgresql")
    assert node.service("postgresql").is_enabled
    assert query(node, "polls", "SELECT 1").stdout.strip() == "1"
