"""Action plugin; documented in plugins/modules/silver_doctor.py."""

import shlex
import time
from typing import Any

from ansible.errors import AnsibleConnectionFailure
from ansible.plugins.action import ActionBase

from silverlining.deploy import node_program
from silverlining.deploy.node_program import NodeProgramError
from silverlining.nodes import targets
from silverlining.nodes.targets import TargetError
from silverlining.remote import diagnosis
from silverlining.remote.diagnosis import Finding


class ActionModule(ActionBase):
    """Tells what is wrong with a node."""

    _supports_check_mode = True
    _VALID_ARGS = frozenset({"addresses", "digest"})

    def run(
        self, tmp: str | None = None, task_vars: dict[str, Any] | None = None
    ) -> dict[str, Any]:
        """Return what was found; a node that cannot be asked is a finding, too."""
        super().run(tmp, task_vars)
        variables = task_vars or {}
        address = variables.get("ansible_host", variables["inventory_hostname"])
        findings = self._findings(variables, address)
        problems = diagnosis.problems(findings)
        return {
            "changed": False,
            "address": address,
            "findings": findings,
            "failed": bool(problems),
            "msg": "\n".join(problems),
        }

    def _findings(self, variables: dict[str, Any], address: str) -> list[Finding]:
        node, began = variables["inventory_hostname"], time.time()
        try:
            # It would take long to find out by trying.
            targets.check_running({node: variables.get("libcloud_state", "running")})
            answer = node_program.call(self, f"doctor {shlex.quote(node)}", {}, node)
        except TargetError as error:
            return [diagnosis.unreachable(str(error), "see the message")]
        except AnsibleConnectionFailure as error:
            hint = f"does the server run? ./silver list-nodes; ssh to {address}"
            return [diagnosis.unreachable(f"it cannot be reached: {error}", hint)]
        except NodeProgramError as error:
            return [diagnosis.unreachable(str(error), f"./silver setup-node {node}")]
        return diagnosis.complete(
            answer,
            node=node,
            addresses={address, *self._task.args.get("addresses", ())},
            digest=self._task.args["digest"],
            between=(began, time.time()),
        )
