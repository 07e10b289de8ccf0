"""Action plugin; documented in plugins/modules/silver_script.py."""

import shlex
from typing import Any

from ansible.plugins.action import ActionBase

from silverlining.app.locations import Location
from silverlining.nodes import targets
from silverlining.remote.running import Run
from silversupport.errors import SilverError

EXAMPLE = (
    "ansible-playbook playbooks/run.yml -e location=polls.test"
    """ -e "script='manage.py migrate --noinput'\""""
)


class ActionModule(ActionBase):
    """Finds the node that runs a script of an application, and what it is asked."""

    _supports_check_mode = True
    _requires_connection = False
    _VALID_ARGS = frozenset({"location", "script", "cron", "node"})

    def run(
        self, tmp: str | None = None, task_vars: dict[str, Any] | None = None
    ) -> dict[str, Any]:
        """Return the node and the request, or what is wrong."""
        super().run(tmp, task_vars)
        try:
            return self._find(task_vars or {})
        except (SilverError, ValueError) as error:
            return {"failed": True, "msg": f"{error}; such as: {EXAMPLE}"}

    def _find(self, variables: dict[str, Any]) -> dict[str, Any]:
        location, node = str(self._task.args.get("location") or ""), self._task.args.get("node")
        command = shlex.split(str(self._task.args.get("script") or ""))
        cron = str(self._task.args.get("cron") or "")
        if not location or bool(command) == bool(cron):
            raise SilverError("say where and what with the variables location and script, or cron")
        # Ansible ends the value of -e script=… at the first blank that is not quoted.
        if "_raw_params" in variables:
            raise SilverError(f"quote it once more: the script was cut off at {command[0]!r}")
        host = Location.parse(location.removeprefix("prev.")).host
        groups, hostvars = variables["groups"], variables["hostvars"]
        addresses = {name: hostvars[name].get("ansible_host", name) for name in groups["all"]}
        target = targets.choose(node, host, groups, addresses)
        name = targets.web_nodes(target, groups)[0]
        targets.check_running({name: targets.state_of(hostvars[name])})
        script, *arguments = command or [""]
        request = Run(location, script, arguments, cron=cron).request(name)
        return {"changed": False, "target": name, "request": request}
