"""Which PostgreSQL the apps of this node have, and how root and an app's own role reach it.

A node that is by itself has its own: over the Unix socket, where PostgreSQL knows users of the node
by their name. Otherwise the role `service_postgis` has left an administrator's login in a file that
only root can read: that of the set's database node, or of a server that the operator brought.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from silvernode.data.postgresql import SUPERUSER, VARIABLES
from silvernode.errors import NodeError
from silvernode.layout import Layout


@dataclass(frozen=True)
class Server:
    """A PostgreSQL server.

    Attributes:
        admin: the role that makes databases: a superuser here, elsewhere one that is a member of
            the apps' roles.
        database: one that is always there.
        template: the database of which an empty one of an app is a copy.
        connection: libpq's variables by which it is reached; empty for the Unix socket.
        password: the administrator's.
        shared: apps on other nodes have the same databases.
    """

    admin: str = SUPERUSER
    database: str = "postgres"
    template: str = "template0"
    connection: Mapping[str, str] = field(default_factory=dict)
    password: str = field(default="", repr=False)
    shared: bool = False

    @property
    def is_remote(self) -> bool:
        """Tell whether it is reached over the network."""
        return bool(self.connection)

    def user(self, role: str) -> str:
        """Return the Unix user who is to connect as a role."""
        return "root" if self.is_remote and role == self.admin else role

    def variables(self, role: str, password: str = "") -> dict[str, str]:
        """Return the environment of every program that connects as a role.

        Args:
            role: the administrator, or an app's.
            password: an app's; that of the administrator is known.
        """
        if not self.is_remote:
            return dict(VARIABLES)
        known = self.password if role == self.admin else password
        given = {name: value for name, value in self.connection.items() if value}
        return {**VARIABLES, **given, "PGUSER": role, "PGPASSWORD": known}


def find(layout: Layout) -> Server:
    """Return the server of this node's apps.

    Raises:
        NodeError: the file that tells of it is damaged.
    """
    path = layout.etc / "postgis/server.json"
    try:
        known: dict[str, Any] = json.loads(path.read_bytes())
        return Server(
            admin=known["user"],
            database=known["database"],
            template=known["template"],
            connection=known["connection"],
            password=known["password"],
            shared=known["shared"],
        )
    except FileNotFoundError:
        return Server()
    except (ValueError, KeyError, TypeError) as error:
        raise NodeError(f"{path} is damaged; set up this node again") from error


def app_password(layout: Layout, app: str) -> str:
    """Return the password of an app's role on a server elsewhere; empty if it has none."""
    prefix = "PGPASSWORD="
    lines = layout.service_env(app, "postgis").read_text().splitlines()
    return next((line.removeprefix(prefix) for line in lines if line.startswith(prefix)), "")
