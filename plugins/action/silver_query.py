"""Action plugin; documented in plugins/modules/silver_query.py."""

from typing import Any

from ansible.errors import AnsibleConnectionFailure
from ansible.module_utils.parsing.convert_bool import boolean
from ansible.plugins.action import ActionBase

from silverlining.deploy import node_program
from silverlining.deploy.node_program import NodeProgramError
from silverlining.nodes import targets
from silverlining.nodes.targets import SET_PREFIX, TargetError
from silversupport import VERSION, versions


class ActionModule(ActionBase):
    """Asks a node what is deployed on it."""

    _supports_check_mode = True
    _VALID_ARGS = frozenset({"disk"})

    def run(
        self, tmp: str | None = None, task_vars: dict[str, Any] | None = None
    ) -> dict[str, Any]:
        """Return what the node answers, or why it does not, shown without -v."""
        super().run(tmp, task_vars)
        variables = task_vars or {}
        groups = variables["group_names"]
        about = {
            "address": variables.get("ansible_host", variables["inventory_hostname"]),
            "sets": [
                name.removeprefix(SET_PREFIX) for name in groups if name.startswith(SET_PREFIX)
            ],
            "_ansible_verbose_always": True,
        }
        disk = bool(boolean(self._task.args.get("disk", False)))
        return about | self._ask(variables, disk=disk)

    def _ask(self, variables: dict[str, Any], *, disk: bool = False) -> dict[str, Any]:
        node = variables["inventory_hostname"]
        try:
            # It would take long to find out by trying.
            targets.check_running({node: targets.state_of(variables)})
            answer = node_program.call(self, "query", {}, node)
            if disk and answer["version"] == VERSION:
                answer["disk"] = node_program.call(self, "disk", {}, node)
        except (TargetError, AnsibleConnectionFailure) as error:
            return {"unreachable": True, "msg": str(error)}
        except NodeProgramError as error:
            return {"failed": True, "msg": f"{error}\n{error.output}".strip()}
        if answer["version"] != VERSION:
            return {"failed": True, "msg": versions.difference(node, answer["version"], VERSION)}
        return {"changed": False, "deployed": answer}
