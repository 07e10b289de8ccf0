"""An update of an application on one node: compare, upload, switch, and tell what was done."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

from silverlining.app import app_config, checkouts, relocation, uploads
from silverlining.app.locations import Location
from silverlining.deploy import differences, interruption, transfer
from silverlining.deploy.differences import Differences
from silverlining.deploy.transfer import Change, Transfer
from silversupport.errors import SilverError

Call = Callable[[str, Mapping[str, Any]], dict[str, Any]]
"""Has the node carry out a command of `silver-node`, and returns the answer."""

LISTED = 3


@dataclass(frozen=True)
class Node:
    """The node of an update, and the way to it.

    Attributes:
        name: its name.
        host: its address.
        ssh: the command that connects to it, without the address.
        sudo: whether the login user becomes root through sudo.
        call: has it carry out a command.
    """

    name: str
    host: str
    ssh: Sequence[str]
    sudo: bool
    call: Call


@dataclass(frozen=True)
class Update:
    """An update of one application at one location.

    Attributes:
        directory: the application's root.
        config: the directory of its deployment configuration; None leaves the one that is there.
        plan: what its `app.ini` says.
        location: where it is served.
        needs: what the node said that an update needs, see `silvernode.deploy.preparation`.
        node: the node.
        check: look only.
        leader: whether the node is the first of its set, which has the jobs.
    """

    directory: Path
    config: Path | None
    plan: Mapping[str, Any]
    location: str
    needs: Mapping[str, Any]
    node: Node
    check: bool
    leader: bool = True

    def run(self, *, force: bool) -> dict[str, Any]:
        """Update the application, or only tell what an update would change.

        Args:
            force: make a new instance though nothing has changed.

        Returns:
            The result for Ansible.

        Raises:
            SilverError: the node, rsync or the application failed; what is served stays as it was.
        """
        rewritten = relocation.rewritten(self.directory)
        with transfer.overlaid(self.directory, rewritten) as overlay:
            files, config = self._files(overlay), self._config()
            found = Differences(
                self.location,
                self.needs["active"],
                files.compare(self.needs["base"] or self.needs["staging"]),
                config.compare(self.needs["config"] or self._config_staging) if config else [],
                self.needs["edits"],
                [f"install  {name}" for name in self.needs["packages"]],
                self._further(force),
            )
            if self.check:
                return self._told(found, rewritten)
            return self._updated(found, files, config)

    @property
    def _config_staging(self) -> str:
        return f"{self.needs['staging']}.config"

    def _updated(
        self, found: Differences, files: Transfer, config: Transfer | None
    ) -> dict[str, Any]:
        active = self.needs["active"]
        result = {"location": self.location, "instance": active, "diff": found.shown()}
        if active and found.are_none():
            said = self._served(active, "; nothing has changed")
            return {**result, "changed": False, "msg": said}
        _check_room([*found.files, *found.config], self.needs["free_bytes"])
        answer = self._upload_and_switch(files, config)
        previous = f", prev.{self.location} by {answer['previous']}" if answer["previous"] else ""
        said = f"{_uploaded(found)}\n{self._served(answer['instance'], previous)}{_pruned(answer)}"
        warnings = [*answer["warnings"], *self._edited(found)]
        return {**result, **answer, "changed": True, "msg": said, "warnings": warnings}

    def _told(self, found: Differences, rewritten: Mapping[PurePosixPath, bytes]) -> dict[str, Any]:
        request = {
            "plan": dict(self.plan),
            "location": self.location,
            "instance": PurePosixPath(self.needs["base"]).name,
            "paths": differences.with_text(found.files),
        }
        theirs = self.node.call("texts", request)["texts"] if request["paths"] else {}
        told = found.with_texts(differences.compare(self.directory, rewritten, theirs))
        return {
            "changed": not (self.needs["active"] and told.are_none()),
            "location": self.location,
            "instance": self.needs["active"],
            "diff": told.shown(),
            "differences": told.as_data(),
            "msg": told.summary(),
        }

    def _upload_and_switch(self, files: Transfer, config: Transfer | None) -> dict[str, Any]:
        """Upload, and have the node switch; nothing of the upload is left if it does not."""
        staging = PurePosixPath(self.needs["staging"]).name
        interruption.tell(
            f"{self.location}: it is not known what became of the update; an unfinished one undoes"
            " itself (see: silver query)"
        )
        try:
            # Asking version control takes as long as a small upload.
            with interruption.helper() as helper:
                revisions = helper.submit(checkouts.find, self.directory)
                if config:
                    config.upload(self._config_staging, "")
                files.upload(self.needs["staging"], self.needs["base"])
        except SilverError:
            self.node.call(f"abandon {staging}", {})
            raise
        request = {
            "plan": dict(self.plan),
            "location": self.location,
            "staging": staging,
            "expected": self.needs["active"],
            "config": bool(config),
            "revisions": revisions.result(),
            "leader": self.leader,
        }
        answer = self.node.call("switch", request)
        interruption.tell(f"{self.location} is served by {answer['instance']}")
        return answer

    def settle(self) -> str:
        """Have the node remove what an interrupted upload left; tell how it ended.

        Raises:
            SilverError: the node does not answer.
        """
        staging = PurePosixPath(self.needs["staging"]).name
        request = {"plan": dict(self.plan), "location": self.location, "staging": staging}
        answer = self.node.call("settle", request)
        active, before = answer["active"], self.needs["active"]
        if answer.get("told"):
            return f"{self.location} is served by {active} as before; {' '.join(answer['told'])}"
        if active != before:
            return f"{self.location} is served by {active}: it was too late to stop the update"
        how = f"is served by {before} as before" if before else "stays as it was"
        return f"{self.location} {how}, and nothing of the upload is left"

    def _files(self, overlay: Path | None) -> Transfer:
        filters = uploads.rsync_filters(self.directory)
        return self._transfer(self.directory, filters, overlay)

    def _config(self) -> Transfer | None:
        return self._transfer(self.config, app_config.FILTERS) if self.config else None

    def _transfer(
        self, directory: Path, filters: Sequence[str], overlay: Path | None = None
    ) -> Transfer:
        # In check mode a first update makes no group.
        group = f"silver-{self.plan['name']}" if self.needs["base"] or not self.check else "root"
        node = self.node
        return Transfer(directory, node.ssh, node.host, node.sudo, group, filters, overlay)

    def _further(self, force: bool) -> list[str]:
        """Return what makes a new instance though no file has changed, a line each."""
        lines = [f"provide  service.{each['name']}" for each in self.needs["services"]]
        if self.needs["outdated"]:
            lines.append("restart  with the node's own new configuration")
        if self.config and not self.needs["config"]:
            lines.append("give     the location its first configuration")
        return [*lines, "clear    the app's data"] if force else lines

    def _served(self, instance: str, more: str) -> str:
        where = f"({self.node.name}, {self.node.host})"
        served = f"{Location.parse(self.location).title} is served by {instance}{more} {where}"
        if self.needs["disabled"]:
            return f"{served}, but it is disabled for visitors; to open it: ./silver enable --help"
        return served

    def _edited(self, found: Differences) -> Iterator[str]:
        """Yield a warning that what was edited on the node is not in the new instance."""
        edits, differ = self.needs["edits"] or {}, {change.path for change in found.files}
        paths = [path for word in differences.WORDS for path in edits.get(word, ())]
        paths = [path for path in paths if path in differ]
        if paths:
            more = f" and {len(paths) - LISTED} more" if len(paths) > LISTED else ""
            yield (
                f"{self.needs['active']} was edited on the server ({', '.join(paths[:LISTED])}"
                f"{more}): the new instance is what is here, without these edits"
            )


def _uploaded(found: Differences) -> str:
    changes = [*found.files, *found.config]
    sent = [change.upload_bytes for change in changes if change.is_of_content]
    removed = [change for change in changes if change.word == "removed"]
    files = "1 file" if len(sent) == 1 else f"{len(sent)} files"
    more = f", {len(removed)} removed" if removed else ""
    return f"uploaded {files}, {_size(sum(sent))}{more}"


def _pruned(answer: Mapping[str, Any]) -> str:
    """Return a line that tells which instances were too old to be kept, if any was."""
    removed = answer["removed"]
    return f"\nremoved {', '.join(removed)}: {_size(answer['freed'])} freed" if removed else ""


def _size(count: int) -> str:
    return f"{count / 1e6:.1f} MB" if count >= 100_000 else f"{count / 1e3:.1f} kB"


def _check_room(changes: list[Change], free_bytes: int) -> None:
    """Refuse an upload that would fill the node's disk."""
    needed = sum(change.upload_bytes for change in changes)
    if needed > free_bytes:
        raise SilverError(
            f"the upload takes {needed / 2**20:.0f} MB, but the node has only"
            f" {free_bytes / 2**20:.0f} MB left beside its reserve (role variable"
            " app_disk_reserve_mb); make room with: ./silver clean-node NODE"
        )
