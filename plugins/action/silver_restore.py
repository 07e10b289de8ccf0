"""Action plugin; documented in plugins/modules/silver_restore.py."""

import os
from pathlib import Path
from typing import Any

from ansible import constants
from ansible.module_utils.parsing.convert_bool import boolean
from ansible.plugins.action import ActionBase

from silverbackup.destinations import Destination
from silverlining.backup import keys, nodes, reading
from silverlining.backup.restoring import Restore
from silverlining.backup.sources import SITE, Archive, Site, Source
from silverlining.deploy import interruption
from silverlining.remote import action_connections
from silversupport.errors import SilverError


class ActionModule(ActionBase):
    """Looks at what is to be restored, or sends it to the node."""

    _supports_check_mode = True
    _VALID_ARGS = frozenset({"source", "location", "storage", "identity", "verified", "archive"})

    def run(
        self, tmp: str | None = None, task_vars: dict[str, Any] | None = None
    ) -> dict[str, Any]:
        """Return what the node needs for the archive, or that it was restored."""
        super().run(tmp, task_vars)
        archive = self._task.args.get("archive")
        if archive and self._task.check_mode:
            return {**archive, "changed": True}
        try:
            with interruption.raised():
                result = self._do(self._restore(task_vars or {}), archive)
        except SilverError as error:
            return {"failed": True, "msg": f"{self._task.args['location']}: {error}"}
        except KeyboardInterrupt:
            interruption.end_children()
            # Nobody reads a result any more, and to send one could wait for ever.
            os._exit(os.EX_TEMPFAIL)
        if archive and constants.DEFAULT_STDOUT_CALLBACK == "default":  # which shows no messages
            self._display.display(result["msg"])
        return result

    def _do(self, restore: Restore, archive: dict[str, Any] | None) -> dict[str, Any]:
        if archive:
            return restore.run(archive["app"], interruption.tell)
        verified = bool(boolean(self._task.args.get("verified", False)))
        return restore.look(verify=not verified, check=self._task.check_mode)

    def _restore(self, variables: dict[str, Any]) -> Restore:
        return Restore(
            source=self._source(variables),
            location=self._task.args["location"],
            node=action_connections.of_action(self, variables),
            show=lambda line: self._display.display(line, newline=False, screen_only=True),
        )

    def _source(self, variables: dict[str, Any]) -> Source:
        given = self._task.args
        if given["source"].startswith(SITE):
            location, _, node = given["source"].removeprefix(SITE).partition("@")
            return Site(location, nodes.of_location(self, variables, location, node or None))
        place = Destination.parse(given["source"], given.get("storage"))
        identity = given.get("identity")
        key = keys.for_reading(Path(identity).expanduser() if identity else None)
        return Archive(place, reading.name_in(place, given["source"]), key)
