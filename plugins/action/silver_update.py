"""Action plugin; documented in plugins/modules/silver_update.py."""

import os
import signal
from pathlib import Path
from typing import Any

from ansible import constants
from ansible.module_utils.parsing.convert_bool import boolean
from ansible.plugins.action import ActionBase

from silverlining.app import application, compiled
from silverlining.deploy import interruption, node_program, site_names
from silverlining.deploy.node_program import NodeProgramError
from silverlining.deploy.update import Node, Update
from silversupport.errors import SilverError

SETTLE_SECONDS = 20
"""That an interrupted update takes at most to ask the node what became of it."""


class ActionModule(ActionBase):
    """Uploads what has changed of an application, and switches its location to it."""

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
            interruption.tell(self._settle())
            # Nobody reads a result any more, and to send one could wait for ever.
            os._exit(os.EX_TEMPFAIL)
        if constants.DEFAULT_STDOUT_CALLBACK == "default":  # which shows no messages
            self._display.display(result["msg"])
        return result

    def _planned(self) -> Update:
        app = self._app
        return Update(
            directory=Path(app["directory"]),
            config=Path(app["config"]) if app["config"] else None,
            plan=app["plan"],
            location=app["location"],
            needs=self._task.args["needs"],
            node=self._to_node(),
            check=self._task.check_mode,
            leader=self._variables["inventory_hostname"]
            == self._variables["ansible_play_hosts_all"][0],
        )

    def _to_node(self) -> Node:
        """Return the way to the node that this action's own connection takes.

        The connection builds ssh's command from some twenty options; building it a second time
        would be a second place to get it wrong, and would miss the connection that is open.
        """
        name, connection = self._variables["inventory_hostname"], self._connection
        if connection.transport != "ssh":
            raise SilverError(f"{name}: updates go over ssh, not over {connection.transport}")
        ssh = connection._build_command(connection.get_option("ssh_executable"), "ssh")
        return Node(
            name=name,
            host=connection.get_option("host"),
            ssh=[part.decode() for part in ssh],
            sudo=bool(connection.become) and connection.get_option("remote_user") != "root",
            call=lambda command, request: node_program.call(self, command, request, name),
        )

    def _name_site(self, update: Update, result: dict[str, Any]) -> None:
        """Make the site's names open in the browser of who deploys it, if that is wanted."""
        nodes = self._variables["ansible_play_hosts_all"]
        if update.check or not self._flag("etc_hosts") or update.node.name != nodes[0]:
            return
        host = update.location.partition("/")[0]
        hostvars = self._variables["hostvars"]
        others = [hostvars[each].get("ansible_host", each) for each in nodes[1:]]
        report = site_names.provide(host, update.node.name, [update.node.host, *others])
        result["msg"] = "\n".join([result["msg"], *report.lines])
        result["warnings"] = [*result.get("warnings", []), *report.warnings]

    def _flag(self, name: str) -> bool:
        return bool(boolean(self._task.args.get(name, False)))

    def _settle(self) -> str:
        """Tidy up after Ctrl-C, and tell what was and what was not done."""
        interruption.end_children()
        signal.signal(signal.SIGALRM, _give_up)
        signal.alarm(SETTLE_SECONDS)
        try:
            return self._planned().settle()
        except SilverError as error:
            return (
                f"{self._app['location']}: the node could not be asked what became of the update"
                f" ({error}); an unfinished one undoes itself (see: silver query)"
            )

    def _failure(self, error: SilverError) -> str:
        changed = isinstance(error, NodeProgramError) and error.data_changed
        how = "is served as before, but its data has changed" if changed else "stays as it was"
        parts = [*self._unloadable(), f"{self._app['location']} {how}: {error}"]
        if isinstance(error, NodeProgramError) and error.output:
            parts += ["", error.output]
        return "\n".join(parts)

    def _unloadable(self) -> list[str]:
        needs = self._task.args["needs"]
        modules = application.load(
            Path(self._app["directory"]), self._app["plan"]["services"]
        ).modules
        return compiled.unloadable(modules, needs["python"], needs["machine"], tuple(needs["libc"]))


def _give_up(_number: int, _frame: object) -> None:
    raise SilverError(f"no answer within {SETTLE_SECONDS} s")
