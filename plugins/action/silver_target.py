"""Action plugin; documented in plugins/modules/silver_target.py."""

from collections.abc import Sequence
from typing import Any

from ansible.plugins.action import ActionBase

from silverlining.nodes import targets
from silversupport.errors import SilverError


class ActionModule(ActionBase):
    """Finds the nodes that a playbook is about: those that applications run on."""

    _supports_check_mode = True
    _requires_connection = False
    _VALID_ARGS = frozenset({"required", "example", "locations", "node"})

    def run(
        self, tmp: str | None = None, task_vars: dict[str, Any] | None = None
    ) -> dict[str, Any]:
        """Return the nodes, or what is wrong with the playbook's variables."""
        super().run(tmp, task_vars)
        try:
            return self._find(task_vars or {})
        except SilverError as error:
            return {"failed": True, "msg": str(error)}

    def _find(self, variables: dict[str, Any]) -> dict[str, Any]:
        arguments = self._task.args
        missing = [name for name, value in (arguments.get("required") or {}).items() if not value]
        if missing:
            raise SilverError(f"say {' and '.join(missing)}, such as: {arguments['example']}")
        groups, hostvars = variables["groups"], variables["hostvars"]
        addresses = {host: hostvars[host].get("ansible_host", host) for host in groups["all"]}
        host = _host(arguments.get("locations") or [])
        target = targets.choose(arguments.get("node"), host, groups, addresses)
        hosts = targets.web_nodes(target, groups)
        targets.check_running({name: targets.state_of(hostvars[name]) for name in hosts})
        return {"changed": False, "target": target, "hosts": hosts}


def _host(locations: Sequence[str] | str) -> str:
    """Return the host of the first location, which may be at `prev.`, or have wildcards."""
    first = locations if isinstance(locations, str) else next(iter(locations), "")
    return first.removeprefix("prev.").partition("/")[0]
