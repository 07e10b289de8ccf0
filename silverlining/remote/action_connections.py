"""The way to a node for an action of Ansible that runs programs of its own on it."""

from collections.abc import Mapping
from typing import Any

from ansible.plugins.action import ActionBase

from silverlining.remote.connections import ROOT_USER, Connection
from silversupport.errors import SilverError


def of_action(action: ActionBase, variables: Mapping[str, Any]) -> Connection:
    """Return the way to the node of an action that its own connection takes.

    Raises:
        SilverError: it is not over ssh.
    """
    return _way(action._connection, variables["inventory_hostname"])


def of_host(action: ActionBase, variables: Mapping[str, Any], name: str) -> Connection:
    """Return the way to any node of the inventory.

    Raises:
        SilverError: it is not over ssh.
    """
    ssh = action._shared_loader_obj.connection_loader.get("ssh", action._play_context)
    options = ssh._resolve_option_variables(variables["hostvars"][name], action._templar)
    ssh.set_options(var_options=options)
    return _way(ssh, name)


def _way(connection: Any, name: str) -> Connection:
    """Return the way that a connection of Ansible takes.

    It builds ssh's command from some twenty options; building it a second time would be a second
    place to get it wrong, and would miss the connection that is open.
    """
    if connection.transport != "ssh":
        raise SilverError(f"{name}: this goes over ssh, not over {connection.transport}")
    ssh = connection._build_command(connection.get_option("ssh_executable"), "ssh")
    return Connection(
        name,
        str(connection.get_option("host")),
        tuple(part.decode() for part in ssh),
        sudo=connection.get_option("remote_user") != ROOT_USER,
    )
