"""Ansible's inventory, asked in this process: starting `ansible-inventory` takes twice as long.

Importing this module is cheap; Ansible is imported when an inventory is made.
"""

import os
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from silverlining import playbook
from silverlining.nodes import targets
from silversupport.errors import SilverError


class InventoryError(SilverError):
    """The inventory does not say how to reach a node."""


@dataclass(frozen=True)
class Login:
    """How Ansible logs in on a node.

    Attributes:
        host: the node's address.
        ssh: the command that connects, without the address.
        user: whom ssh logs in as; None leaves it to ssh.
    """

    host: str
    ssh: list[str]
    user: str | None


class Inventory:
    """Ansible's inventory.

    Raises:
        InventoryError: it cannot be read, or a cloud cannot be asked.
    """

    def __init__(self) -> None:
        # Ansible reads its configuration when it is imported.
        os.environ.update(playbook.environment())
        from ansible import constants
        from ansible.errors import AnsibleError
        from ansible.inventory.manager import InventoryManager
        from ansible.parsing.dataloader import DataLoader
        from ansible.plugins.loader import init_plugin_loader
        from ansible.vars.manager import VariableManager

        init_plugin_loader()
        self._loader = DataLoader()
        # Beside a playbook Ansible looks for group_vars; by default, where `silver` is typed.
        self._loader.set_basedir(str(playbook.PLAYBOOKS))
        try:
            if constants.DEFAULT_VAULT_PASSWORD_FILE or constants.DEFAULT_VAULT_IDENTITY_LIST:
                _open_vaults(self._loader)
            self._hosts = InventoryManager(self._loader, constants.DEFAULT_HOST_LIST)
        except AnsibleError as error:
            raise InventoryError(f"the inventory cannot be read: {error}") from error
        self._manager = VariableManager(self._loader, self._hosts)

    def groups(self) -> dict[str, list[str]]:
        """Return the names of the hosts of each group."""
        groups: dict[str, list[str]] = self._hosts.get_groups_dict()
        return groups

    def addresses(self, names: Sequence[str]) -> dict[str, str]:
        """Return the address of each host."""
        return {name: str(self._variable(name, "ansible_host", name)) for name in names}

    def login(self, name: str) -> Login:
        """Return how Ansible's own ssh connection logs in on a host."""
        from ansible.playbook.play_context import PlayContext
        from ansible.plugins.loader import connection_loader

        targets.check_running({name: targets.state_of(self._variables(name)[0])})
        ssh = connection_loader.get("ssh", PlayContext())
        variables, templar = self._variables(name)
        ssh.set_options(var_options=ssh._resolve_option_variables(variables, templar))
        # Some twenty options: building it a second time would be a second place to get it wrong.
        built = ssh._build_command(ssh.get_option("ssh_executable"), "ssh")
        return Login(
            host=str(ssh.get_option("host")),
            ssh=[part.decode() for part in built],
            user=ssh.get_option("remote_user"),
        )

    def _variable(self, name: str, variable: str, default: str) -> str:
        variables, templar = self._variables(name)
        return str(templar.template(variables.get(variable, default)))

    def _variables(self, name: str) -> tuple[dict[str, Any], Any]:
        """Return a host's variables as they are written, and what renders their templates."""
        from ansible.errors import AnsibleError
        from ansible.template import Templar

        try:
            variables = self._manager.get_vars(host=self._hosts.get_host(name))
        except AnsibleError as error:
            raise InventoryError(f"the variables of {name} cannot be read: {error}") from error
        return variables, Templar(self._loader, variables)


def _open_vaults(loader: Any) -> None:
    """Have a loader read encrypted variables as Ansible's programs do, but ask nobody."""
    from ansible import constants
    from ansible.cli import CLI
    from ansible.parsing.vault import VaultSecretsContext

    # For single values that are encrypted; it may be set once in a process.
    is_first = VaultSecretsContext.current(optional=True) is None
    identities = list(constants.DEFAULT_VAULT_IDENTITY_LIST)
    loader.set_vault_secrets(
        CLI.setup_vault_secrets(loader, identities, auto_prompt=False, initialize_context=is_first)
    )
