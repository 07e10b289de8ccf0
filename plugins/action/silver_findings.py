"""Action plugin; documented in plugins/modules/silver_findings.py."""

from typing import Any

from ansible.plugins.action import ActionBase

from silverlining.remote import diagnosis


class ActionModule(ActionBase):
    """Tells what is wrong with a node, and with its set."""

    _supports_check_mode = True
    _requires_connection = False
    _VALID_ARGS = frozenset({"address", "findings", "served"})

    def run(
        self, tmp: str | None = None, task_vars: dict[str, Any] | None = None
    ) -> dict[str, Any]:
        """Return all that was found; fail if anything is wrong."""
        super().run(tmp, task_vars)
        arguments, node = self._task.args, (task_vars or {})["inventory_hostname"]
        served = {name: each for name, each in arguments["served"].items() if each is not None}
        findings = [*arguments["findings"], *diagnosis.differences(node, served)]
        problems = diagnosis.problems(findings)
        return {
            "changed": False,
            "address": arguments["address"],
            "findings": findings,
            "failed": bool(problems),
            "msg": "\n".join(problems),
        }
