"""How root and an app's role reach the database server of a node."""

import json
from pathlib import Path

import pytest

from silvernode.data import database_server
from silvernode.data.postgresql import VARIABLES
from silvernode.errors import NodeError
from silvernode.layout import Layout

LOGIN = {
    "connection": {"PGHOST": "192.0.2.1", "PGSSLMODE": "verify-ca", "PGSSLROOTCERT": ""},
    "user": "silver_admin",
    "password": "root's",
    "database": "postgres",
    "template": "silver-template",
    "shared": True,
}


def write(layout: Layout, text: str) -> None:
    path = layout.etc / "postgis/server.json"
    path.parent.mkdir(parents=True)
    path.write_text(text)


def test_a_node_by_itself_knows_its_users(tmp_path: Path) -> None:
    server = database_server.find(Layout(tmp_path))
    assert (server.is_remote, server.shared, server.template) == (False, False, "template0")
    assert [server.user(role) for role in ("postgres", "silver-polls")] == [
        "postgres",
        "silver-polls",
    ]
    assert server.variables("silver-polls") == VARIABLES


def test_on_a_server_elsewhere_each_role_has_its_password(tmp_path: Path) -> None:
    write(Layout(tmp_path), json.dumps(LOGIN))
    server = database_server.find(Layout(tmp_path))
    assert (server.is_remote, server.shared, server.template) == (True, True, "silver-template")
    assert server.user("silver_admin") == "root"
    assert server.user("silver-polls") == "silver-polls"
    common = {**VARIABLES, "PGHOST": "192.0.2.1", "PGSSLMODE": "verify-ca"}
    own = {"PGUSER": "silver_admin", "PGPASSWORD": "root's"}
    assert server.variables("silver_admin", "polls'") == common | own
    own = {"PGUSER": "silver-polls", "PGPASSWORD": "polls'"}
    assert server.variables("silver-polls", "polls'") == common | own


def test_no_password_is_shown(tmp_path: Path) -> None:
    write(Layout(tmp_path), json.dumps(LOGIN))
    assert "root's" not in repr(database_server.find(Layout(tmp_path)))


@pytest.mark.parametrize("text", ["", "[]", "{}"])
def test_a_damaged_file_is_named(tmp_path: Path, text: str) -> None:
    write(Layout(tmp_path), text)
    with pytest.raises(NodeError, match=r"postgis/server\.json is damaged; set up this node again"):
        database_server.find(Layout(tmp_path))


@pytest.mark.parametrize(
    ("text", "expected"), [("PGUSER=a\nPGPASSWORD=f00\n", "f00"), ("PGUSER=a\n", "")]
)
def test_an_apps_password_is_in_its_environment(tmp_path: Path, text: str, expected: str) -> None:
    layout = Layout(tmp_path)
    path = layout.service_env("polls", "postgis")
    path.parent.mkdir(parents=True)
    path.write_text(text)
    assert database_server.app_password(layout, "polls") == expected
