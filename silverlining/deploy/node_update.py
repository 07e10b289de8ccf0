"""What an update does on one node: compare, upload, try; several nodes may do it side by side."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

from silverlining.app import app_config, uploads
from silverlining.deploy import node_program
from silverlining.deploy.differences import WORDS, Differences
from silverlining.deploy.session import Session
from silverlining.deploy.transfer import Transfer
from silverlining.remote.connections import Connection
from silversupport.errors import SilverError

SETTLE_SECONDS = 20
"""That an interrupted update takes at most to ask a node what became of it."""

LISTED = 3


@dataclass(frozen=True)
class Release:
    """What is going to be served, and where.

    Attributes:
        directory: the application's root.
        config: the directory of its deployment configuration; None leaves the one that is there.
        plan: what its `app.ini` says.
        location: where it is served.
        nodes: how many nodes run it.
    """

    directory: Path
    config: Path | None
    plan: Mapping[str, Any]
    location: str
    nodes: int = 1


@dataclass(frozen=True)
class Node:
    """A node, and the way to it."""

    connection: Connection

    def ask(
        self, command: str, request: Mapping[str, Any], limit: float | None = None
    ) -> dict[str, Any]:
        """Have it carry out a command of `silver-node`; see `node_program.ask`."""
        return node_program.ask(self.connection, command, request, limit)

    def switch(self, request: Mapping[str, Any]) -> Session:
        """Have it begin to switch."""
        return Session(self.connection, request)


@dataclass(frozen=True)
class NodeUpdate:
    """An update of an application on one node.

    Attributes:
        release: what is going to be served.
        node: the node.
        needs: what it said that an update needs, see `silvernode.deploy.preparation`.
        leader: whether it is the first of its set, which carries out `update_fetch`.
        overlay: a directory of files that are uploaded in the place of those of the same path.
        check: look only.
    """

    release: Release
    node: Node
    needs: Mapping[str, Any]
    leader: bool = True
    overlay: Path | None = None
    check: bool = False

    @property
    def name(self) -> str:
        """The node's name."""
        return self.node.connection.node

    @property
    def active(self) -> str:
        """The instance that is active at the location; empty if there is none."""
        return str(self.needs["active"])

    def compare(self, *, force: bool) -> Differences:
        """Return what an update would change on the node.

        Args:
            force: make a new instance though nothing has changed.

        Raises:
            SilverError: rsync failed.
        """
        files, config = self._files(), self._config()
        return Differences(
            self.release.location,
            self.active,
            files.compare(self.needs["base"] or self.needs["staging"]),
            config.compare(self.needs["config"] or self._config_staging) if config else [],
            self.needs["edits"],
            [f"install  {name}" for name in self.needs["packages"]],
            self._further(force=force),
        )

    def texts(self, paths: Sequence[str]) -> dict[str, str]:
        """Return the texts of some files of the instance that an upload is compared with."""
        request = {
            **self._request(),
            "instance": PurePosixPath(self.needs["base"]).name,
            "paths": paths,
        }
        texts: dict[str, str] = self.node.ask("texts", request)["texts"] if paths else {}
        return texts

    def upload(self) -> None:
        """Upload what has changed.

        Raises:
            SilverError: rsync failed, and left what it had uploaded.
        """
        if config := self._config():
            config.upload(self._config_staging, "")
        self._files().upload(self.needs["staging"], self.needs["base"])

    def abandon(self) -> None:
        """Have the node remove the upload, or what there is of it.

        Raises:
            SilverError: the node does not answer.
        """
        self.node.ask(f"abandon {self._staging}", {})

    def begin(self, instance: str, revisions: Sequence[Mapping[str, Any]]) -> Session:
        """Have the node try the upload as a new instance.

        Args:
            instance: the new instance's name.
            revisions: the version-control checkouts in the application.
        """
        return self.node.switch(
            {
                **self._request(),
                "expected": self.active,
                "config": bool(self.release.config),
                "revisions": revisions,
                "leader": self.leader,
                "instance": instance,
            }
        )

    def take_back(self) -> None:
        """Have the node serve what it served before, though it has switched already.

        Raises:
            SilverError: it does not; says with which command it would.
        """
        location, before = self.release.location, self.active
        try:
            if before:
                self.node.ask("activate", {"locations": [location], "instance": before})
            else:
                self.node.ask("deactivate", {"locations": [location]})
        except SilverError as error:
            what = f"activate {location} {before}" if before else f"deactivate {location}"
            raise SilverError(
                f"{error}; {self.name} serves the new version and the other nodes do not: when it"
                f" answers, ./silver {what} --node {self.name}, or run the update again"
            ) from error

    def settle(self) -> str:
        """Have the node remove what an interrupted upload left; tell how it ended.

        Raises:
            SilverError: the node does not answer.
        """
        location, before = self.release.location, self.active
        answer = self.node.ask("settle", self._request(), SETTLE_SECONDS)
        active = answer["active"]
        if answer.get("told"):
            return f"{location} is served by {active} as before; {' '.join(answer['told'])}"
        if active != before:
            return f"{location} is served by {active}: it was too late to stop the update"
        how = f"is served by {before} as before" if before else "stays as it was"
        return f"{location} {how}, and nothing of the upload is left"

    def check_room(self, found: Differences) -> None:
        """Check that an upload leaves the node enough room.

        Raises:
            SilverError: it would fill the node's disk.
        """
        needed = sum(change.upload_bytes for change in [*found.files, *found.config])
        free = self.needs["free_bytes"]
        if needed > free:
            raise SilverError(
                f"the upload takes {needed / 2**20:.0f} MB, but {self.name} has only"
                f" {max(free, 0) / 2**20:.0f} MB left beside its reserve (role variable"
                f" app_disk_reserve_mb); make room with: ./silver clean-node {self.name}"
            )

    def edited(self, found: Differences) -> Iterator[str]:
        """Yield a warning that what was edited on the node is not in the new instance."""
        edits, differ = self.needs["edits"] or {}, {change.path for change in found.files}
        paths = [path for word in WORDS for path in edits.get(word, ())]
        paths = [path for path in paths if path in differ]
        if paths:
            more = f" and {len(paths) - LISTED} more" if len(paths) > LISTED else ""
            yield (
                f"{self.active} was edited on the server ({', '.join(paths[:LISTED])}"
                f"{more}): the new instance is what is here, without these edits"
            )

    @property
    def _staging(self) -> str:
        return PurePosixPath(self.needs["staging"]).name

    @property
    def _config_staging(self) -> str:
        return f"{self.needs['staging']}.config"

    def _request(self) -> dict[str, Any]:
        release = self.release
        return {
            "plan": dict(release.plan),
            "location": release.location,
            "nodes": release.nodes,
            "staging": self._staging,
        }

    def _files(self) -> Transfer:
        filters = uploads.rsync_filters(self.release.directory)
        return self._transfer(self.release.directory, filters, self.overlay)

    def _config(self) -> Transfer | None:
        config = self.release.config
        return self._transfer(config, app_config.FILTERS) if config else None

    def _transfer(
        self, directory: Path, filters: Sequence[str], overlay: Path | None = None
    ) -> Transfer:
        # In check mode a first update makes no group.
        made = self.needs["base"] or not self.check
        group = f"silver-{self.release.plan['name']}" if made else "root"
        way = self.node.connection
        return Transfer(directory, way.ssh, way.host, way.sudo, group, filters, overlay)

    def _further(self, *, force: bool) -> list[str]:
        """Return what makes a new instance though no file has changed, a line each."""
        lines = [f"provide  service.{each['name']}" for each in self.needs["services"]]
        if self.needs["outdated"]:
            lines.append("restart  with the node's own new configuration")
        if self.release.config and not self.needs["config"]:
            lines.append("give     the location its first configuration")
        return [*lines, "clear    the app's data"] if force else lines
