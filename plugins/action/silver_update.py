"""Action plugin; documented in plugins/modules/silver_update.py."""

import os
from dataclasses import replace
from pathlib import Path
from typing import Any

from ansible import constants
from ansible.module_utils.parsing.convert_bool import boolean
from ansible.plugins.action import ActionBase

from silverlining.app import application, compiled
from silverlining.deploy import interruption, site_names
from silverlining.deploy.node_program import NodeProgramError
from silverlining.deploy.node_update import Node, NodeUpdate, Release
from silverlining.deploy.update import Update
from silverlining.remote import action_connections
from silverlining.remote.connections import Connection
from silversupport.errors import SilverError


class ActionModule(ActionBase):
    """Uploads what has changed of an application to its nodes, and switches its location to it."""

    _supports_check_mode = True
    _VALID_ARGS = frozenset({"application", "needs", "etc_hosts", "clear"})

    def run(
        self, tmp: str | None = None, task_vars: dict[str, Any] | None = None
    ) -> dict[str, Any]:
        """Return the new instance, or that nothing has changed."""
        super().run(tmp, task_vars)
        self._variables = task_vars or {}
        self._app = self._task.args["application"]
        try:
            with interruption.raised():
                update = self._planned()
                result = update.run(force=self._flag("clear"))
                self._name_site(update, result)
        except SilverError as error:
            return {"failed": True, "msg": self._failure(error)}
        except KeyboardInterrupt:
            interruption.end_children()
            interruption.tell(self._planned().settle())
            # Nobody reads a result any more, and to send one could wait for ever.
            os._exit(os.EX_TEMPFAIL)
        if constants.DEFAULT_STDOUT_CALLBACK == "default":  # which shows no messages
            self._display.display(result["msg"])
        return result

    def _planned(self) -> Update:
        app, needs = self._app, self._task.args["needs"]
        release = Release(
            directory=Path(app["directory"]),
            config=Path(app["config"]) if app["config"] else None,
            plan=app["plan"],
            location=app["location"],
            nodes=app["nodes"],
        )
        nodes = [
            NodeUpdate(release, Node(self._connect(each["node"])), each, leader=number == 0)
            for number, each in enumerate(needs)
        ]
        return Update(release, nodes, check=self._task.check_mode)

    def _connect(self, name: str) -> Connection:
        if name == self._variables["inventory_hostname"]:
            way = action_connections.of_action(self, self._variables)
        else:
            way = action_connections.of_host(self, self._variables, name)
        # Of an option given twice, ssh takes the first. It uses the connection that is open, and
        # leaves none open: a process in the background would hold the pipes of this one.
        program, *options = way.ssh
        return replace(way, ssh=(program, "-o", "ControlMaster=no", *options))

    def _name_site(self, update: Update, result: dict[str, Any]) -> None:
        """Make the site's names open in the browser of who deploys it, if that is wanted."""
        if update.check or not self._flag("etc_hosts"):
            return
        hostvars = self._variables["hostvars"]
        balancers = hostvars[update.nodes[0].name].get("silver_balancer_nodes", [])
        doors = [*balancers, *self._app["hosts"]]
        addresses = [hostvars[each].get("ansible_host", each) for each in doors]
        host = update.release.location.partition("/")[0]
        report = site_names.provide(host, doors[0], addresses)
        result["msg"] = "\n".join([result["msg"], *report.lines])
        result["warnings"] = [*result.get("warnings", []), *report.warnings]

    def _flag(self, name: str) -> bool:
        return bool(boolean(self._task.args.get(name, False)))

    def _failure(self, error: SilverError) -> str:
        changed = isinstance(error, NodeProgramError) and error.data_changed
        how = "is served as before, but its data has changed" if changed else "stays as it was"
        parts = [*self._unloadable(), f"{self._app['location']} {how}: {error}"]
        if isinstance(error, NodeProgramError) and error.output:
            parts += ["", error.output]
        return "\n".join(parts)

    def _unloadable(self) -> list[str]:
        """Return the compiled modules that a node cannot load, which may be why it failed."""
        directory, services = Path(self._app["directory"]), self._app["plan"]["services"]
        modules = application.load(directory, services).modules
        lines = [
            line
            for each in self._task.args["needs"]
            for line in compiled.unloadable(
                modules, each["python"], each["machine"], tuple(each["libc"])
            )
        ]
        return list(dict.fromkeys(lines))
