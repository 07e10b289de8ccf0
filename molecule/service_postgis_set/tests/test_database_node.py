"""The apps of a set have their databases on its database node, and nobody else gets in."""

import json
import shlex
from collections.abc import Mapping
from typing import Any

import pytest

WEB = ("molecule-pg-web1", "molecule-pg-web2")
DATABASE = "molecule-pg-db1"
OTHER = "molecule-pg-other"
PLACE = "INSERT INTO place VALUES (ST_MakePoint(13.4, 52.5)::geography)"
FAR = "SELECT round(ST_Distance(at, ST_MakePoint(2.35, 48.86)::geography) / 1000) FROM place"


def environment(node: Any, app: str) -> dict[str, str]:
    lines = node.file(f"/etc/silverlining/apps/{app}/postgis.env").content_string.splitlines()
    return dict(line.split("=", 1) for line in lines if not line.startswith("#"))


def query(node: Any, variables: Mapping[str, str], sql: str) -> Any:
    """Run SQL as an app's Unix user, who finds the database by libpq's variables."""
    pg = [f"{name}={value}" for name, value in variables.items() if name.startswith("PG")]
    command = ["runuser", "-u", variables["PGUSER"], "--", "env", *pg, "psql", "-Atqc", sql]
    return node.run(shlex.join(command))


@pytest.mark.parametrize("name", WEB)
def test_an_app_measures_distances_over_tls(connect: Any, name: str) -> None:
    node = connect(name)
    sql = f"CREATE TEMPORARY TABLE place (at geography); {PLACE}; {FAR};"
    sql += "SELECT version FROM pg_stat_ssl WHERE pid = pg_backend_pid()"
    result = query(node, environment(node, "polls"), sql)
    assert result.stdout.split() == ["878", "TLSv1.3"], result.stderr


def test_what_one_node_writes_the_other_reads(connect: Any) -> None:
    first, second = map(connect, WEB)
    sql = "CREATE TABLE IF NOT EXISTS kept (at geometry); SELECT 1"
    assert query(first, environment(first, "polls"), sql).stdout.strip() == "1"
    sql = "SELECT tableowner FROM pg_tables WHERE tablename = 'kept'"
    assert query(second, environment(second, "polls"), sql).stdout.strip() == "silver-polls"


def test_the_sqlalchemy_url_leads_to_the_database(connect: Any) -> None:
    node = connect(WEB[0])
    variables = environment(node, "polls")
    url = variables["CONFIG_PG_SQLALCHEMY"].replace("+psycopg2", "")
    code = f"import psycopg2; print(psycopg2.connect('{url}').info.dbname)"
    tls = [f"{name}={variables[name]}" for name in ("PGSSLMODE", "PGSSLROOTCERT")]
    command = ["runuser", "-u", "silver-polls", "--", "env", *tls, "python3", "-c", code]
    assert node.check_output(shlex.join(command)) == "polls"


def test_all_web_nodes_have_the_same_password_and_each_app_another(connect: Any) -> None:
    found = {
        (name, app): environment(connect(name), app)["PGPASSWORD"]
        for name in WEB
        for app in ("polls", "poll_results")
    }
    assert len(set(found.values())) == 2
    assert found[WEB[0], "polls"] == found[WEB[1], "polls"]


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"PGDATABASE": "poll_results"}, 'permission denied for database "poll_results"'),
        ({"PGDATABASE": "silver-template"}, 'permission denied for database "silver-template"'),
        ({"PGUSER": "silver-poll_results"}, "password authentication failed"),
        ({"PGUSER": "postgres"}, "password authentication failed"),
        ({"PGSSLMODE": "disable"}, "no pg_hba.conf entry"),
        ({"PGSSLROOTCERT": "/etc/ssl/certs/ca-certificates.crt"}, "certificate verify failed"),
    ],
    ids=[
        "another's database",
        "the template",
        "another's role",
        "the superuser",
        "no TLS",
        "another server",
    ],
)
def test_an_app_does_not_get_in(connect: Any, changed: dict[str, str], message: str) -> None:
    node = connect(WEB[0])
    variables = environment(node, "polls") | changed
    pg = [f"{name}={value}" for name, value in variables.items() if name.startswith("PG")]
    command = ["runuser", "-u", "silver-polls", "--", "env", *pg, "psql", "-Atqc", "SELECT 1"]
    result = node.run(shlex.join(command))
    assert result.rc != 0
    assert message in result.stderr


def test_a_node_that_is_not_of_the_set_does_not_get_in(connect: Any) -> None:
    variables = environment(connect(WEB[0]), "polls") | {"PGSSLMODE": "require"}
    given = ("PGHOST", "PGPORT", "PGUSER", "PGPASSWORD", "PGDATABASE", "PGSSLMODE")
    pg = [f"{name}={variables[name]}" for name in given]
    result = connect(OTHER).run(shlex.join(["env", *pg, "psql", "-Atqc", "SELECT 1"]))
    assert result.rc != 0
    assert "no pg_hba.conf entry for host" in result.stderr


def test_an_app_cannot_read_the_logins_of_others(connect: Any) -> None:
    node = connect(WEB[0])
    for path in ("postgis/server.json", "apps/poll_results/postgis.env"):
        assert node.run(f"runuser -u silver-polls -- cat /etc/silverlining/{path}").rc == 1


def test_the_web_nodes_have_no_superuser(connect: Any) -> None:
    sql = "SELECT rolname FROM pg_roles WHERE rolsuper"
    shown = connect(DATABASE).check_output(f'runuser -u postgres -- psql -XAtqc "{sql}"')
    assert shown == "postgres"


def data(node: Any, code: str) -> Any:
    """Run Python on the data of an app as root does, with `service` and an empty `directory`."""
    begin = """
import sys, tempfile
from pathlib import Path
sys.path += ["/usr/local/lib/silverlining", "/usr/local/share/silverlining"]
from silvernode.data import services
from silvernode.layout import Layout
service = services.load(Layout(), "postgis")(Layout(), "polls")
directory = Path(tempfile.mkdtemp())
"""
    return node.run(f"python3 -c {shlex.quote(begin + code)}")


def test_a_backup_is_restored_on_another_web_node(connect: Any) -> None:
    first, second = map(connect, WEB)
    variables = environment(first, "polls")
    sql = "DROP TABLE IF EXISTS vote; CREATE TABLE vote AS SELECT generate_series(1, 500) AS number"
    assert query(first, variables, sql).rc == 0
    code = """
import json
print(repr(service.obstacle()), service.is_shared, service.units)
facts = service.backup(directory)
assert facts["tables"]["public.vote"] == 500, facts
service._ask("DELETE FROM vote", "polls", "silver-polls", variables={"PGOPTIONS": ""})
service.stage(directory); service.check(facts); service.swap(); service.discard()
"""
    result = data(second, code)
    assert result.rc == 0, result.stderr
    assert result.stdout.strip() == "'' True ()"
    shown = query(
        first,
        variables,
        "SELECT count(*), min(tableowner) FROM vote, pg_tables WHERE tablename = 'vote'",
    )
    assert shown.stdout.strip() == "500|silver-polls", shown.stderr


def test_an_app_that_is_cleared_has_postgis(connect: Any) -> None:
    result = data(connect(WEB[0]), "service.stage(None); service.swap(); service.discard()")
    assert result.rc == 0, result.stderr
    node = connect(WEB[1])
    shown = query(
        node,
        environment(node, "polls"),
        "SELECT count(*) FROM pg_extension WHERE extname = 'postgis'",
    )
    assert shown.stdout.strip() == "1", shown.stderr


def test_what_the_app_may_not_read_is_told_before_a_checkpoint(connect: Any) -> None:
    node = connect(WEB[0])
    admin = "runuser -u postgres -- psql -XAtqc '{}' polls"
    connect(DATABASE).check_output(admin.format("CREATE TABLE secret ()"))
    try:
        shown = data(node, "print(service.obstacle())").stdout
    finally:
        connect(DATABASE).check_output(admin.format("DROP TABLE secret"))
    assert shown.strip() == "silver-polls may not read public.secret, and makes its dump by itself"


def test_the_settings_of_the_service_tell_no_password(connect: Any) -> None:
    node = connect(WEB[0])
    settings = json.loads(node.file("/etc/silverlining/services/postgis.json").content_string)
    assert settings["connection"]["PGSSLMODE"] == "verify-ca"
    login = json.loads(node.file("/etc/silverlining/postgis/server.json").content_string)
    assert not {login["password"], login["secret"]} & set(map(str, settings.values()))


def test_two_database_nodes_are_refused(provision: Any) -> None:
    nodes = json.dumps({"service_postgis_db_nodes": [DATABASE, OTHER]})
    result = provision(WEB[0], "--tags", "services", "-e", nodes)
    assert result.returncode != 0
    assert f"the set has 2 database nodes ({DATABASE}, {OTHER})" in " ".join(result.stdout.split())
