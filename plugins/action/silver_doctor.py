"""Action plugin; documented in plugins/modules/silver_doctor.py."""

import shlex
import time
from typing import Any

from ansible.errors import AnsibleConnectionFailure
from ansible.module_utils.parsing.convert_bool import boolean
from ansible.plugins.action import ActionBase

from silverlining.deploy import node_program
from silverlining.deploy.node_program import NodeProgramError
from silverlining.nodes import targets
from silverlining.nodes.targets import TargetError
from silverlining.remote import diagnosis, servers
from silverlining.remote.diagnosis import Finding
from silverlining.remote.servers import ServersError


class ActionModule(ActionBase):
    """Looks for what is wrong with a node."""

    _supports_check_mode = True
    _VALID_ARGS = frozenset({"addresses", "digest", "web", "database", "balancer"})

    def run(
        self, tmp: str | None = None, task_vars: dict[str, Any] | None = None
    ) -> dict[str, Any]:
        """Return what was found; a node that cannot be asked is a finding, too."""
        super().run(tmp, task_vars)
        variables = task_vars or {}
        address = variables.get("ansible_host", variables["inventory_hostname"])
        findings, served = self._findings(variables, address)
        return {"changed": False, "address": address, "findings": findings, "served": served}

    def _findings(
        self, variables: dict[str, Any], address: str
    ) -> tuple[list[Finding], dict[str, str] | None]:
        """Return what was found, and the instance at each location; None if it cannot tell."""
        node, began = variables["inventory_hostname"], time.time()
        try:
            # It would take long to find out by trying.
            targets.check_running({node: targets.state_of(variables)})
            answer = self._ask(node)
        except (TargetError, ServersError) as error:
            return [diagnosis.unreachable(str(error), "see the message")], None
        except AnsibleConnectionFailure as error:
            hint = f"does the server run? ./silver list-nodes; ssh to {address}"
            return [diagnosis.unreachable(f"it cannot be reached: {error}", hint)], None
        except NodeProgramError as error:
            return [diagnosis.unreachable(str(error), f"./silver setup-node {node}")], None
        findings = diagnosis.complete(
            answer,
            node=node,
            addresses={address, *self._task.args.get("addresses", ())},
            digest=self._task.args["digest"],
            between=(began, time.time()),
        )
        return findings, answer.get("served")

    def _ask(self, node: str) -> dict[str, Any]:
        if self._is("web", default=True):
            return node_program.call(self, f"doctor {shlex.quote(node)}", {}, node)
        return servers.examine(
            self._printed, node, database=self._is("database"), balancer=self._is("balancer")
        )

    def _is(self, role: str, *, default: bool = False) -> bool:
        return bool(boolean(self._task.args.get(role, default)))

    def _printed(self, command: str) -> str | None:
        done = self._low_level_execute_command(command)
        return str(done["stdout"]) if done["rc"] == 0 else None
