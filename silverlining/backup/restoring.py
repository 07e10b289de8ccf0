"""A restore: an archive is decrypted here, and sent to a node."""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from rich.filesize import decimal

from silverbackup.destinations import Readable, chunks
from silverbackup.errors import BackupError
from silverlining.backup import nodes
from silverlining.backup.nodes import Taker
from silverlining.backup.progress import Show
from silverlining.backup.sources import Described, Site, Source
from silverlining.remote.connections import Connection

HELD = 1 << 16
"""Bytes at the end that are sent when the archive has proved right: more than what may follow the
last file of a tar, so that a node never takes what was sent before for the whole."""


@dataclass(frozen=True)
class Restore:
    """A restore into an app.

    Attributes:
        source: what is restored.
        location: where the app is served, or is going to be.
        node: the way to the node.
        show: shows how far it is.
    """

    source: Source
    location: str
    node: Connection
    show: Show

    def look(self, *, verify: bool, check: bool) -> dict[str, Any]:
        """Read what is to be restored, and make the node ready for it.

        Args:
            verify: check the archive first, where that costs no traffic.
            check: change nothing.

        Returns:
            The app, the packages and services that it needs first, and what to ask before its data
            is replaced; this is empty where there is none.

        Raises:
            BackupError: the archive is no good, or does not fit.
        """
        found = self.source.describe(verify=verify)
        there = nodes.ask(self.node, "describe", app=found.app)
        self._check_other(found)
        request = {"plan": found.plan, "location": self.location, "config": True, "check": check}
        needs = nodes.ask(self.node, "prepare", **request)
        packages = [name for name in needs["packages"] if not name.endswith(".deb")]
        return {
            "changed": False,
            "app": found.app,
            "packages": packages,
            "services": needs["services"],
            "question": _question(found, there, self.node.node),
        }

    def run(self, app: str, note: Callable[[str], object]) -> dict[str, Any]:
        """Restore it.

        Args:
            app: whose data it is.
            note: is told what to say if it is interrupted from there on.

        Returns:
            The result for Ansible.

        Raises:
            BackupError: it failed; the app has what it had.
        """
        began = time.monotonic()
        note(f"{self.location} has the data that it had; nothing was replaced")
        with nodes.taker(self.node, "restore", location=self.location, app=app) as taker:
            with self.source.plain(self.show) as plain:
                sent, held = _send(plain, taker)
            note(f"{self.location}: the node had all of it, and may have replaced the data")
            taker.write(held)
            answer = taker.answer()
        seconds = time.monotonic() - began
        done = f"{decimal(sent + len(held))} in {seconds:.1f} s"
        said = f"{app} has its data again on {self.node.node}: {done}"
        if answer.get("msg"):
            said = f"{answer['msg']}\n{done}"
        return {**answer, "changed": True, "seconds": round(seconds, 1), "msg": said}

    def _check_other(self, found: Described) -> None:
        """Refuse to copy an app's data onto itself."""
        source = self.source
        if isinstance(source, Site) and source.node.node == self.node.node:
            raise BackupError(
                f"{source.location} and {self.location} are both on {self.node.node}, where"
                f" {found.app} has its data once; name another node with --node"
            )


def _send(plain: Readable, taker: Taker) -> tuple[int, bytes]:
    """Send an archive but for its end.

    Returns:
        How many bytes were sent, and the end.
    """
    sent, held = 0, b""
    for data in chunks(plain):
        held += data
        taker.write(held[:-HELD])
        sent += len(held[:-HELD])
        held = held[-HELD:]
    return sent, held


def _question(found: Described, there: Mapping[str, Any], node: str) -> str:
    if not (there["services"] or there["locations"]):
        return ""
    served = f", which is served at {', '.join(there['locations'])}" if there["locations"] else ""
    return f"Replace all data of {found.app} on {node}{served}, by {found.origin}?"
