"""An update of an application on the nodes of a set: compare, upload, switch, and tell."""

from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from typing import Any

from silverlining.app import checkouts, relocation
from silverlining.app.locations import Location
from silverlining.deploy import agreement, differences, interruption, transfer
from silverlining.deploy.agreement import Results
from silverlining.deploy.differences import Differences
from silverlining.deploy.node_update import NodeUpdate, Release
from silverlining.deploy.side_by_side import together
from silverlining.deploy.transfer import Change
from silversupport.errors import SilverError

AT_ONCE = 32
"""Nodes that are worked at side by side; each takes an rsync or an ssh of this machine."""


@dataclass(frozen=True)
class Update:
    """An update of one application at one location.

    Attributes:
        release: what is going to be served.
        nodes: the nodes that run it, the first of which is the set's leader.
        check: look only.
    """

    release: Release
    nodes: Sequence[NodeUpdate]
    check: bool = False

    def run(self, *, force: bool) -> dict[str, Any]:
        """Update the application, or only tell what an update would change.

        Args:
            force: make a new instance though nothing has changed.

        Returns:
            The result for Ansible.

        Raises:
            SilverError: a node, rsync or the application failed; what is served stays as it was.
        """
        rewritten = relocation.rewritten(self.release.directory)
        with (
            transfer.overlaid(self.release.directory, rewritten) as overlay,
            interruption.helpers(min(len(self.nodes), AT_ONCE) + 1) as pool,
        ):
            nodes = [replace(node, overlay=overlay, check=self.check) for node in self.nodes]
            found = together(pool, lambda node: node.compare(force=force), nodes)
            if self.check:
                return self._told(nodes, found)
            return self._updated(pool, nodes, found)

    def settle(self) -> str:
        """Have the nodes remove what an interrupted update left; tell how it ended."""
        with interruption.helpers(min(len(self.nodes), AT_ONCE)) as pool:
            told = list(pool.map(_settled, self.nodes))
        if len(set(told)) == 1:
            return told[0]
        return "\n".join(
            f"{node.name}: {each}" for node, each in zip(self.nodes, told, strict=True)
        )

    def _updated(
        self, pool: ThreadPoolExecutor, nodes: list[NodeUpdate], found: list[Differences]
    ) -> dict[str, Any]:
        leader, active = nodes[0], nodes[0].active
        told = next((each for each in found if not each.are_none()), found[0])
        result = {"location": self.release.location, "instance": active, "diff": told.shown()}
        is_same = len({node.active for node in nodes}) == 1
        if active and is_same and all(each.are_none() for each in found):
            said = self._served(active, "; nothing has changed")
            return {**result, "changed": False, "msg": said}
        for node, each in zip(nodes, found, strict=True):
            node.check_room(each)
        agreement.share_secret(pool, nodes)
        answers = self._upload_and_switch(pool, nodes)
        answer = answers[leader.name]
        previous = answer["previous"]
        before = f", prev.{self.release.location} by {previous}" if previous else ""
        said = "\n".join(
            [
                _uploaded([*told.files, *told.config], len(nodes)),
                self._served(answer["instance"], before),
                *_pruned(answers),
            ]
        )
        warnings = [*_warnings(answers), *_edits(nodes, found)]
        return {**result, **answer, "changed": True, "msg": said, "warnings": warnings}

    def _told(self, nodes: list[NodeUpdate], found: list[Differences]) -> dict[str, Any]:
        """Return what would change, on the first node where anything would."""
        differing = [number for number, each in enumerate(found) if not each.are_none()]
        number = differing[0] if differing else 0
        node, theirs = nodes[number], found[number]
        texts = node.texts(differences.with_text(theirs.files))
        directory = self.release.directory
        rewritten = relocation.rewritten(directory)
        told = theirs.with_texts(differences.compare(directory, rewritten, texts))
        names = ", ".join(nodes[each].name for each in differing)
        where = f" on {names}" if 0 < len(differing) < len(nodes) else ""
        return {
            "changed": not (node.active and told.are_none()),
            "location": self.release.location,
            "instance": node.active,
            "diff": told.shown(),
            "differences": told.as_data(),
            "msg": f"{told.summary()}{where}",
        }

    def _upload_and_switch(self, pool: ThreadPoolExecutor, nodes: list[NodeUpdate]) -> Results:
        """Upload, and have the nodes switch; nothing of the upload is left if they do not."""
        interruption.tell(
            f"{self.release.location}: it is not known what became of the update; an unfinished one"
            " undoes itself (see: silver query)"
        )
        # Asking version control takes as long as a small upload.
        revisions = pool.submit(checkouts.find, self.release.directory)
        try:
            together(pool, NodeUpdate.upload, nodes)
        except SilverError as error:
            raise agreement.give_up(pool, nodes, error) from error
        instance = max((node.needs["next"] for node in nodes), key=_age)
        answers = agreement.switch(
            pool, nodes, lambda node: node.begin(instance, revisions.result())
        )
        interruption.tell(f"{self.release.location} is served by {instance}")
        return answers

    def _served(self, instance: str, more: str) -> str:
        ways = [node.node.connection for node in self.nodes]
        where = "; ".join(f"{way.node}, {way.host}" for way in ways)
        title = Location.parse(self.release.location).title
        served = f"{title} is served by {instance}{more} ({where})"
        if any(node.needs["disabled"] for node in self.nodes):
            return f"{served}, but it is disabled for visitors; to open it: ./silver enable --help"
        return served


def _settled(node: NodeUpdate) -> str:
    try:
        return node.settle()
    except SilverError as error:
        return (
            f"{node.release.location}: the node could not be asked what became of the update"
            f" ({error}); an unfinished one undoes itself (see: silver query)"
        )


def _age(instance: str) -> tuple[str, int]:
    """Return a key that sorts an app's instances, `APP.YYYYMMDD_NNN`, by age."""
    date, _, number = instance.partition(".")[2].partition("_")
    return date, int(number)


def _uploaded(changes: list[Change], nodes: int) -> str:
    sent = [change.upload_bytes for change in changes if change.is_of_content]
    removed = [change for change in changes if change.word == "removed"]
    files = "1 file" if len(sent) == 1 else f"{len(sent)} files"
    more = f", {len(removed)} removed" if removed else ""
    where = f", to {nodes} nodes" if nodes > 1 else ""
    return f"uploaded {files}, {_size(sum(sent))}{more}{where}"


def _pruned(answers: Results) -> Iterator[str]:
    """Yield a line that tells which instances were too old to be kept, if any was."""
    removed = sorted({name for answer in answers.values() for name in answer["removed"]})
    if removed:
        freed = sum(answer["freed"] for answer in answers.values())
        yield f"removed {', '.join(removed)}: {_size(freed)} freed"


def _warnings(answers: Results) -> list[str]:
    return list(dict.fromkeys(each for answer in answers.values() for each in answer["warnings"]))


def _edits(nodes: Sequence[NodeUpdate], found: Sequence[Differences]) -> list[str]:
    pairs = zip(nodes, found, strict=True)
    return list(dict.fromkeys(line for node, each in pairs for line in node.edited(each)))


def _size(count: int) -> str:
    return f"{count / 1e6:.1f} MB" if count >= 100_000 else f"{count / 1e3:.1f} kB"
