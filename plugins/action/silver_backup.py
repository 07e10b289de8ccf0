"""Action plugin; documented in plugins/modules/silver_backup.py."""

import os
from pathlib import Path
from typing import Any

from ansible import constants
from ansible.module_utils.parsing.convert_bool import boolean
from ansible.plugins.action import ActionBase

from silverbackup.destinations import Destination
from silverlining.backup import keys
from silverlining.backup.making import Backup
from silverlining.deploy import interruption
from silverlining.remote import action_connections
from silversupport.errors import SilverError


class ActionModule(ActionBase):
    """Has the node send an archive of an app's data, stores it, and reads it back."""

    _supports_check_mode = False
    _VALID_ARGS = frozenset(
        {"location", "destination", "storage", "recipients", "identity", "verify"}
    )

    def run(
        self, tmp: str | None = None, task_vars: dict[str, Any] | None = None
    ) -> dict[str, Any]:
        """Return where the archive is and what is in it, or why there is none."""
        super().run(tmp, task_vars)
        try:
            with interruption.raised():
                result = self._backup(task_vars or {}).run(interruption.tell)
        except SilverError as error:
            return {"failed": True, "msg": str(error)}
        except KeyboardInterrupt:
            interruption.end_children()
            # Nobody reads a result any more, and to send one could wait for ever.
            os._exit(os.EX_TEMPFAIL)
        if constants.DEFAULT_STDOUT_CALLBACK == "default":  # which shows no messages
            self._display.display(result["msg"])
        return result

    def _backup(self, variables: dict[str, Any]) -> Backup:
        given = self._task.args
        identity = given.get("identity")
        return Backup(
            location=given["location"],
            destination=Destination.parse(given["destination"], given.get("storage")),
            keys=keys.for_writing(
                given.get("recipients") or [], Path(identity).expanduser() if identity else None
            ),
            node=action_connections.of_action(self, variables),
            verify=bool(boolean(given.get("verify", True))),
            show=lambda line: self._display.display(line, newline=False, screen_only=True),
        )
