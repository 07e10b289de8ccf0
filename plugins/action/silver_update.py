"""Action plugin; documented in plugins/modules/silver_update.py."""

from pathlib import Path, PurePosixPath
from typing import Any

from ansible.plugins.action import ActionBase

from silverlining import application, compiled, node_program
from silverlining.node_program import NodeProgramError
from silverlining.transfer import Change, Transfer
from silversupport.errors import SilverError


class ActionModule(ActionBase):
    """Uploads what has changed of an application, and switches its location to it."""

    _supports_check_mode = True
    _VALID_ARGS = frozenset({"directory", "plan", "location", "needs"})

    def run(
        self, tmp: str | None = None, task_vars: dict[str, Any] | None = None
    ) -> dict[str, Any]:
        """Return the new instance, or that nothing has changed."""
        super().run(tmp, task_vars)
        self._node = (task_vars or {})["inventory_hostname"]
        try:
            result = self._update()
            self._display.display(result["msg"])
            return result
        except SilverError as error:
            return {"failed": True, "msg": self._failure(error)}

    def _update(self) -> dict[str, Any]:
        needs, location = self._task.args["needs"], self._task.args["location"]
        transfer = self._transfer()
        changes = transfer.compare(needs["base"] or needs["staging"])
        result = {"changed": True, "location": location, "instance": needs["active"]}
        result["diff"] = _diff(changes)
        if needs["active"] and not (changes or needs["outdated"] or needs["services"]):
            return {
                **result,
                "changed": False,
                "msg": self._served(needs["active"], "; nothing has changed"),
            }
        _check_room(changes, needs["free_bytes"])
        if self._task.check_mode:
            return {**result, "msg": f"{location} would be updated"}
        answer = self._upload_and_switch(transfer)
        previous = f", prev.{location} by {answer['previous']}" if answer["previous"] else ""
        return {**result, **answer, "msg": self._served(answer["instance"], previous)}

    def _served(self, instance: str, more: str) -> str:
        location, address = self._task.args["location"], self._connection.get_option("host")
        return f"http://{location}/ is served by {instance}{more} ({self._node}, {address})"

    def _upload_and_switch(self, transfer: Transfer) -> dict[str, Any]:
        needs = self._task.args["needs"]
        staging = PurePosixPath(needs["staging"]).name
        request = {
            "plan": self._task.args["plan"],
            "location": self._task.args["location"],
            "staging": staging,
            "expected": needs["active"],
        }
        try:
            transfer.upload(needs["staging"], needs["base"])
        except BaseException:
            node_program.call(self, f"abandon {staging}", {}, self._node)
            raise
        return node_program.call(self, "switch", request, self._node)

    def _transfer(self) -> Transfer:
        """Return the way to the node that this action's own connection takes.

        The connection builds ssh's command from some twenty options; building it a second time
        would be a second place to get it wrong, and would miss the connection that is open.
        """
        connection = self._connection
        if connection.transport != "ssh":
            raise SilverError(f"{self._node}: updates go over ssh, not over {connection.transport}")
        ssh = connection._build_command(connection.get_option("ssh_executable"), "ssh")
        return Transfer(
            directory=Path(self._task.args["directory"]),
            ssh=[part.decode() for part in ssh],
            host=connection.get_option("host"),
            sudo=bool(connection.become) and connection.get_option("remote_user") != "root",
            group=f"silver-{self._task.args['plan']['name']}" if self._may_own() else "root",
        )

    def _may_own(self) -> bool:
        """Tell whether the app's group is there: a first update in check mode makes none."""
        return bool(self._task.args["needs"]["base"]) or not self._task.check_mode

    def _failure(self, error: SilverError) -> str:
        parts = [*self._unloadable(), f"{self._task.args['location']} stays as it was: {error}"]
        if isinstance(error, NodeProgramError) and error.output:
            parts += ["", error.output]
        return "\n".join(parts)

    def _unloadable(self) -> list[str]:
        needs = self._task.args["needs"]
        modules = application.load(
            Path(self._task.args["directory"]), self._task.args["plan"]["services"]
        ).modules
        return compiled.unloadable(modules, needs["python"], needs["machine"], tuple(needs["libc"]))


def _check_room(changes: list[Change], free_bytes: int) -> None:
    """Refuse an upload that would fill the node's disk."""
    needed = sum(change.upload_bytes for change in changes)
    if needed > free_bytes:
        raise SilverError(
            f"the upload takes {needed / 2**20:.0f} MB, but the node has only"
            f" {free_bytes / 2**20:.0f} MB left beside its reserve (role variable"
            " app_disk_reserve_mb); make room first"
        )


def _diff(changes: list[Change]) -> list[dict[str, str]]:
    lines = "".join(f"{change.word:8} {change.path}\n" for change in changes)
    return [{"prepared": lines}] if lines else []
