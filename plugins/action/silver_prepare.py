"""Action plugin; documented in plugins/modules/silver_prepare.py."""

from pathlib import Path
from typing import Any

from ansible.plugins.action import ActionBase

from silverlining.deploy import node_program
from silverlining.deploy.node_program import NodeProgramError
from silverlining.develop import app_environment


class ActionModule(ActionBase):
    """Asks a node what an update of an application needs."""

    _supports_check_mode = True
    _VALID_ARGS = frozenset({"application"})

    def run(
        self, tmp: str | None = None, task_vars: dict[str, Any] | None = None
    ) -> dict[str, Any]:
        """Return what the node answers."""
        super().run(tmp, task_vars)
        application = self._task.args["application"]
        request = {
            "plan": application["plan"],
            "location": application["location"],
            "config": bool(application["config"]),
            "nodes": application["nodes"],
            "check": self._task.check_mode,
        }
        node = (task_vars or {})["inventory_hostname"]
        try:
            answer = node_program.call(self, "prepare", request, node)
        except NodeProgramError as error:
            return {"failed": True, "msg": f"{error}\n{error.output}".strip()}
        warnings = app_environment.difference(Path(application["directory"]), answer["python"])
        told = {**answer, "warnings": [*warnings, *answer["warnings"]]}
        return {"changed": False, "node": node, **told}
