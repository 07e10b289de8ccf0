"""Action plugin; documented in plugins/modules/silver_command.py."""

from typing import Any

from ansible import constants
from ansible.plugins.action import ActionBase

from silverlining.deploy import node_program
from silverlining.deploy.node_program import NodeProgramError


class ActionModule(ActionBase):
    """Has a node carry out a command of `silver-node`."""

    _supports_check_mode = False
    _VALID_ARGS = frozenset({"command", "request"})

    def run(
        self, tmp: str | None = None, task_vars: dict[str, Any] | None = None
    ) -> dict[str, Any]:
        """Return what the node answers."""
        super().run(tmp, task_vars)
        node = (task_vars or {})["inventory_hostname"]
        command, request = self._task.args["command"], self._task.args.get("request") or {}
        try:
            answer = node_program.call(self, command, request, node)
        except NodeProgramError as error:
            return {"failed": True, "msg": f"{error}\n{error.output}".strip()}
        if constants.DEFAULT_STDOUT_CALLBACK == "default" and answer.get("msg"):
            self._display.display(answer["msg"])  # which shows no messages
        return {"changed": False, **answer}
