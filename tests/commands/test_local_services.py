"""Services on the laptop, for real: a local node with PostGIS, and a PostgreSQL of one's own."""

import io
import json
import os
import tarfile
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import psycopg2  # type: ignore[import-untyped]
import pytest

from silverlining.develop import devel_postgis
from silverlining.nodes.docker_driver import DockerNodeDriver
from silverlining.playbook import ROOT
from silversupport import service
from tests.support.commands import POSTGIS, must, silver

LATER_SECONDS = 1
"""What a later start may take more than one of an application without a database."""

ASK = """
import json
from silversupport import devel
from silversupport.errors import SilverError
try:
    print(json.dumps(devel.environment("/srv/silver/polls", provide=True)))
except SilverError as error:
    print(error)
"""

Settings = dict[str, str]


@pytest.fixture(scope="session", autouse=True)
def local_node() -> Iterator[None]:
    """Have the node under a name of our own: a developer's has data in it."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(devel_postgis, "NODE", POSTGIS)
        yield
    if "SILVER_TEST_NODE" not in os.environ:
        must("destroy-node", POSTGIS, "--yes")


@pytest.fixture(scope="session")
def directory(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The data of the applications."""
    return tmp_path_factory.mktemp("devel")


def provided(app: str, directory: Path) -> Settings:
    """Provide PostGIS as `silver serve` does, without the PostgreSQL that may be here."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PATH", os.defpath)
        patch.setattr("silversupport.service._psql.PROGRAM", "no-psql")
        devel_postgis.provide(app, str(directory / app), {}, print)
    return service.environment("postgis", app, str(directory / app), {}, provide=False)


@pytest.fixture
def polls(directory: Path) -> Settings:
    """The variables of the service for an application."""
    return provided("polls", directory)


def ask(settings: Settings, statement: str, **other: str) -> list[tuple[Any, ...]]:
    """Return the rows that a statement gives, if it gives any."""
    login = {
        "dbname": settings["CONFIG_PG_DBNAME"],
        "user": settings["CONFIG_PG_USER"],
        "password": settings["CONFIG_PG_PASSWORD"],
        "host": settings["CONFIG_PG_HOST"],
        "port": settings["CONFIG_PG_PORT"],
    }
    with closing(psycopg2.connect(**login | other)) as connection:
        connection.autocommit = True
        with connection.cursor() as cursor:
            cursor.execute(statement)
            return cursor.fetchall() if cursor.description else []


def in_node(*command: str, user: str = "admin", **environment: str) -> str:
    """Return what a command in the node prints."""
    container = DockerNodeDriver().client.containers.get(POSTGIS)
    done = container.exec_run(list(command), user=user, environment=environment)
    return bytes(done.output).decode()  # type: ignore[arg-type] # not asked to stream


def test_an_application_gets_a_database_with_postgis(polls: Settings) -> None:
    [(found,)] = ask(polls, "SELECT ST_AsText(ST_Point(1, 2))")
    assert found == "POINT(1 2)"


def test_its_tests_can_make_databases_with_postgis(polls: Settings) -> None:
    ask(polls, "DROP DATABASE IF EXISTS test_polls")
    ask(polls, "CREATE DATABASE test_polls")
    try:
        ask(polls, "CREATE EXTENSION IF NOT EXISTS postgis", dbname="test_polls")
    finally:
        ask(polls, "DROP DATABASE test_polls")


def test_another_application_has_another_database(polls: Settings, directory: Path) -> None:
    blog = provided("blog", directory)
    assert ask(blog, "SELECT current_database()") == [("blog",)]
    with pytest.raises(psycopg2.OperationalError, match="permission denied"):
        ask(blog, "SELECT 1", dbname="polls")
    with pytest.raises(psycopg2.OperationalError, match="authentication failed"):
        ask(blog, "SELECT 1", user="silver-polls")


def test_the_next_start_is_quick(polls: Settings, directory: Path) -> None:
    began = time.monotonic()
    assert provided("polls", directory) == polls
    assert time.monotonic() - began < LATER_SECONDS


def test_data_survive_a_node_that_is_killed(polls: Settings, directory: Path) -> None:
    ask(polls, "CREATE TABLE IF NOT EXISTS kept (id int)")
    ask(polls, "INSERT INTO kept VALUES (1)")
    DockerNodeDriver().client.containers.get(POSTGIS).kill()
    again = provided("polls", directory)
    assert (1,) in ask(again, "SELECT id FROM kept")


def test_no_application_is_deployed_there(polls: Settings) -> None:
    rows = {row["name"]: row for row in json.loads(must("list-nodes", "--json").out)}
    assert rows[POSTGIS]["address"] == polls["CONFIG_PG_HOST"]
    done = silver("update", ROOT / "apps" / "hello", "--node", POSTGIS)
    assert done.status != 0
    assert f"no node or set named {POSTGIS}" in done.out + done.err, str(done)


@pytest.fixture
def own_server(polls: Settings) -> Iterator[None]:
    """Files in the node, which is here a laptop with a PostgreSQL that does not know its user."""
    container = DockerNodeDriver().client.containers.get(POSTGIS)
    archive = io.BytesIO()
    with tarfile.open(fileobj=archive, mode="w") as tar:
        tar.add(ROOT / "silversupport", "srv/silver/silversupport", filter=_without_byte_code)
        ini = b"[production]\napp_name = own\nservice.postgis =\n"
        entry = tarfile.TarInfo("srv/silver/polls/app.ini")
        entry.size = len(ini)
        tar.addfile(entry, io.BytesIO(ini))
    container.put_archive("/", archive.getvalue())
    as_postgres = ("psql", "-X", "-c")
    in_node(*as_postgres, "DROP DATABASE IF EXISTS own", user="postgres")
    in_node(*as_postgres, "DROP ROLE IF EXISTS admin", user="postgres")
    yield
    in_node("rm", "-rf", "/srv/silver", "/tmp/devel", user="root")


def _without_byte_code(entry: tarfile.TarInfo) -> tarfile.TarInfo | None:
    return None if "__pycache__" in entry.name else entry


def test_a_postgresql_of_ones_own_is_used_as_soon_as_it_lets_one(own_server: None) -> None:
    home = {"HOME": "/tmp/devel", "XDG_DATA_HOME": "/tmp/devel", "PYTHONPATH": "/srv/silver"}
    refused = in_node("python3", "-c", ASK, **home)
    assert 'role "admin" does not exist' in refused
    in_node("psql", "-X", "-c", "CREATE ROLE admin LOGIN", user="postgres")
    refused = in_node("python3", "-c", ASK, **home)
    by_hand = refused.partition("Type: ")[2].strip().replace("sudo -u postgres ", "")
    in_node("sh", "-c", by_hand, user="postgres")
    assert json.loads(in_node("python3", "-c", ASK, **home))["CONFIG_PG_DBNAME"] == "own"
    in_node("dropdb", "own", user="postgres")
    in_node("psql", "-X", "-c", "ALTER ROLE admin SUPERUSER", user="postgres")
    settings = json.loads(in_node("python3", "-c", ASK, **home))
    assert settings["CONFIG_PG_HOST"] == "/var/run/postgresql"
    statement = "SELECT current_user, extname FROM pg_extension WHERE extname = 'postgis'"
    assert in_node("psql", "-XAtc", statement, **settings) == "admin|postgis\n"
