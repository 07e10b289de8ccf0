"""Which PostgreSQL an application uses in development. psql is a script that answers from files."""

import json
import os
import stat
from pathlib import Path
from pwd import getpwuid

import pytest

from silversupport import service
from silversupport.service import ServiceError, postgis

ME = getpwuid(os.geteuid()).pw_name
PSQL = """#!/bin/sh
cd "$(dirname "$0")"
input=$(cat)
printf '%s\\n' "$*" "$input" >> asked
env | grep ^PG | sort > settings
case "$input" in
    *json_build_object*) step=look ;;
    *"CREATE DATABASE"*) step=create ;;
    *"CREATE EXTENSION"*) step=extend ;;
    *) step=select ;;
esac
[ ! -f "$step.refused" ] || { cat "$step.refused" >&2; exit 2; }
cat "$step" 2>/dev/null || true
"""
SERVER = {
    "host": "/run/pg",
    "port": "5433",
    "user": "ian",
    "owner": None,
    "may_create": True,
    "has_postgis": True,
}


class Psql:
    """The script, its answers and what it was asked."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        (directory / "psql").write_text(PSQL)
        (directory / "psql").chmod(0o755)
        self.found()

    def found(self, **server: object) -> None:
        """Let there be a server about which this is found."""
        (self.directory / "look").write_text(json.dumps(SERVER | server))

    def refuses(self, step: str, words: str) -> None:
        """Let it fail in a step: look, create, extend or select."""
        (self.directory / f"{step}.refused").write_text(words)

    def asked(self) -> str:
        """Return its arguments and input so far."""
        file = self.directory / "asked"
        return file.read_text() if file.exists() else ""

    def settings(self) -> list[str]:
        """Return the variables of PostgreSQL's that it had when it was called last."""
        return (self.directory / "settings").read_text().splitlines()


@pytest.fixture
def psql(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Psql:
    """A psql that is the first on PATH."""
    directory = tmp_path / "bin"
    directory.mkdir()
    monkeypatch.setenv("PATH", f"{directory}:{os.environ['PATH']}")
    return Psql(directory)


@pytest.fixture
def no_psql(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A machine without psql."""
    monkeypatch.setenv("PATH", str(tmp_path / "nothing"))


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """The directory of the data of "polls"."""
    return tmp_path / "polls"


def environment(
    data: Path, given: dict[str, str] | None = None, provide: bool = True
) -> dict[str, str]:
    """Return the variables of the service for "polls"."""
    return service.environment("postgis", "polls", str(data), given or {}, provide)


LOCAL = {
    "CONFIG_PG_DBNAME": "polls",
    "CONFIG_PG_USER": "ian",
    "CONFIG_PG_PASSWORD": "",
    "CONFIG_PG_HOST": "/run/pg",
    "CONFIG_PG_PORT": "5433",
    "CONFIG_PG_SQLALCHEMY": "postgresql+psycopg2://ian@/polls?host=/run/pg&port=5433",
    "PGDATABASE": "polls",
    "PGUSER": "ian",
    "PGHOST": "/run/pg",
    "PGPORT": "5433",
}


def test_the_server_of_this_machine_gets_a_database_with_postgis(psql: Psql, data: Path) -> None:
    assert environment(data) == LOCAL
    assert "CREATE DATABASE" in psql.asked()
    assert "CREATE EXTENSION IF NOT EXISTS postgis" in psql.asked()


def test_it_is_reached_by_the_default_socket_whatever_is_set(
    psql: Psql, data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PGHOST", "db.example.com")
    monkeypatch.setenv("PGSERVICE", "live")
    environment(data)
    assert psql.settings() == ["PGCONNECT_TIMEOUT=5"]


def test_what_was_found_is_remembered_without_asking_again(
    psql: Psql, data: Path, no_psql: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", f"{psql.directory}:/usr/bin:/bin")
    environment(data)
    (psql.directory / "asked").unlink()
    assert environment(data, provide=False) == LOCAL
    assert psql.asked() == ""
    assert stat.S_IMODE((data / "postgis.json").stat().st_mode) == 0o600


def test_a_database_that_is_there_is_used(psql: Psql, data: Path) -> None:
    psql.found(owner="ian", may_create=False, has_postgis=False)
    psql.refuses("create", "it must not try")
    assert environment(data) == LOCAL


def test_a_database_that_another_process_made_meanwhile_is_used(psql: Psql, data: Path) -> None:
    psql.refuses("create", 'ERROR:  database "polls" already exists')
    found = json.dumps(SERVER | {"owner": "ian"})
    psql.directory.joinpath("psql").write_text(
        PSQL.replace('cat "$step.refused"', f"echo '{found}' > look; cat \"$step.refused\"")
    )
    assert environment(data) == LOCAL


@pytest.mark.parametrize(
    ("server", "message"),
    [
        (
            {"owner": "anna"},
            r"the database polls .* belongs to anna, not to ian. .* CONFIG_PG_DBNAME = polls under "
            r"\[devel:polls\] in ~/\.silverlining\.conf",
        ),
        ({"has_postgis": False}, "has no PostGIS. Type: sudo apt-get install postgresql-postgis"),
        (
            {"may_create": False},
            "ian may not .* Type: sudo -u postgres createdb --owner=ian polls && "
            "sudo -u postgres psql polls -c 'CREATE EXTENSION postgis'",
        ),
    ],
)
def test_what_is_not_allowed_is_said_before_anything_is_changed(
    psql: Psql, data: Path, server: dict[str, object], message: str
) -> None:
    psql.found(**server)
    with pytest.raises(ServiceError, match=message):
        environment(data)
    assert "CREATE" not in psql.asked()
    assert not data.exists()


@pytest.mark.parametrize(
    ("step", "words", "message"),
    [
        (
            "look",
            "psql: error: connection to server on socket failed: No such file\n\tIs the server up?",
            r"no PostgreSQL can .* socket: connection to server on socket failed: No such file\.$",
        ),
        ("look", "", r"no PostgreSQL can be .*: psql failed without a word\.$"),
        ("create", "psql:<stdin>:1: ERROR:  disk full\n", r"^ERROR:  disk full\.$"),
        (
            "extend",
            "psql:<stdin>:1: ERROR:  permission denied\n",
            "cannot be added to the database polls: ERROR:  permission denied. Type: sudo -u post",
        ),
    ],
)
def test_what_psql_says_is_passed_on(
    psql: Psql, data: Path, step: str, words: str, message: str
) -> None:
    psql.refuses(step, words)
    with pytest.raises(ServiceError, match=message):
        environment(data)
    assert not data.exists()


def test_without_psql_no_server_is_looked_for(no_psql: None, data: Path) -> None:
    with pytest.raises(ServiceError, match="there is no psql here"):
        environment(data)


def test_data_do_not_move_when_their_server_is_down(psql: Psql, data: Path) -> None:
    environment(data)
    psql.refuses("look", "psql: error: refused")
    with pytest.raises(ServiceError, match=r"polls has its data in this .* refused.*postgis.json"):
        environment(data)


def test_a_database_on_another_server_is_left_to_those_who_run_it(psql: Psql, data: Path) -> None:
    settings = {"CONFIG_PG_HOST": "172.17.0.2", "CONFIG_PG_USER": "silver-polls"}
    settings["CONFIG_PG_PASSWORD"] = "s3cret"
    postgis.record(str(data), "node", settings)
    found = environment(data)
    assert psql.asked() == ""
    assert found["CONFIG_PG_SQLALCHEMY"] == (
        "postgresql+psycopg2://silver-polls:s3cret@172.17.0.2:5432/polls"
    )
    assert (found["PGHOST"], found["PGPASSWORD"]) == ("172.17.0.2", "s3cret")
    assert postgis.recorded(str(data)) == ("node", settings)


def test_before_anything_was_provided_the_default_socket_is_named(psql: Psql, data: Path) -> None:
    found = environment(data, provide=False)
    assert found["CONFIG_PG_SQLALCHEMY"] == (
        f"postgresql+psycopg2://{ME}@/polls?host=/var/run/postgresql"
    )
    assert found["CONFIG_PG_USER"] == ME
    assert psql.asked() == ""


@pytest.mark.parametrize(
    ("given", "url"),
    [
        ({"HOST": "db"}, f"{ME}@db:5432/polls"),
        ({"DBNAME": "other", "PORT": "5433"}, f"{ME}@/other?host=/var/run/postgresql&port=5433"),
        ({"HOST": "/tmp/my pg", "USER": "ian"}, "ian@/polls?host=/tmp/my%20pg"),
        (
            {"HOST": "::1", "USER": "a@b", "PASSWORD": "p:/?#@ ü%"},
            "a%40b:p%3A%2F%3F%23%40%20%C3%BC%25@[::1]:5432/polls",
        ),
        ({"HOST": "", "PASSWORD": ""}, f"{ME}@/polls?host=/var/run/postgresql"),
    ],
)
def test_what_the_user_sets_is_completed(data: Path, given: dict[str, str], url: str) -> None:
    settings = {f"CONFIG_PG_{name}": value for name, value in given.items()}
    found = environment(data, settings, provide=False)
    assert found["CONFIG_PG_SQLALCHEMY"] == f"postgresql+psycopg2://{url}"
    assert not data.exists()


def test_a_url_that_the_user_sets_is_taken_as_it_is(psql: Psql, data: Path) -> None:
    psql.refuses("select", "it must not ask: where would that be?")
    found = environment(data, {"CONFIG_PG_SQLALCHEMY": "postgresql://x"})
    assert found["CONFIG_PG_SQLALCHEMY"] == "postgresql://x"
    assert found["CONFIG_PG_DBNAME"] == "polls"


def test_what_the_user_sets_wins_and_is_only_checked(psql: Psql, data: Path) -> None:
    postgis.record(str(data), postgis.LOCAL, {"CONFIG_PG_HOST": "/run/pg"})
    found = environment(data, {"CONFIG_PG_HOST": "db", "CONFIG_PG_PASSWORD": "s3cret"})
    assert found["CONFIG_PG_HOST"] == "db"
    assert "CREATE" not in psql.asked()
    assert psql.settings() == [
        "PGCONNECT_TIMEOUT=5",
        "PGDATABASE=polls",
        "PGHOST=db",
        "PGPASSWORD=s3cret",
        "PGPORT=5432",
        f"PGUSER={ME}",
    ]


def test_a_server_of_the_users_that_does_not_answer_is_said(psql: Psql, data: Path) -> None:
    psql.refuses("select", "psql: error: no such host\n")
    with pytest.raises(ServiceError, match=r"~/\.silverlining\.conf names .*: no such host\.$"):
        environment(data, {"CONFIG_PG_HOST": "db"})


def test_without_psql_a_server_of_the_users_is_believed(no_psql: None, data: Path) -> None:
    assert environment(data, {"CONFIG_PG_HOST": "db"})["CONFIG_PG_HOST"] == "db"


@pytest.mark.parametrize("content", ["", "{", "[]", '{"server": "node"}'])
def test_a_damaged_record_is_one_clear_line(data: Path, content: str) -> None:
    data.mkdir()
    (data / "postgis.json").write_text(content)
    with pytest.raises(ServiceError, match=rf"^{data}/postgis.json cannot be used .*remove it\.$"):
        environment(data, provide=False)
