"""The upload of an application's directory with rsync, through the connection that Ansible has."""

import re
import shlex
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from silverlining.uploads import rsync_filters
from silversupport.errors import SilverError

# Readable by the app's group, writable by root; who may execute a file stays as it is. rsync's
# F0640 would take the x bit from bin/.
MODES = "--chmod=Du=rwx,Dg=rx,Do=,Fu+rw,Fg+r,Fg-w,Fo=,ug-s"

# A line of --out-format="%i %l %n"; rsync also notes directories that it would create.
ITEM = re.compile(r"(?P<code>[<>ch.][fdLDS]\S{9}|\*deleting) +(?P<size>\d+) (?P<path>.+)")


class TransferError(SilverError):
    """rsync could not do its work."""


@dataclass(frozen=True)
class Change:
    """One line of rsync's itemised list.

    Attributes:
        code: what rsync does, such as `<f.st......`, `cd+++++++++` or `*deleting`.
        size: of the file, in bytes.
        path: relative to the application's root.
    """

    code: str
    size: int
    path: str

    @property
    def is_only_of_time(self) -> bool:
        """Whether the content is the same and only the time of modification differs."""
        return self.code[0] == "." and self.code[2:].strip(".") == "t"

    @property
    def upload_bytes(self) -> int:
        """The room that the change needs on the node at most, in bytes."""
        return self.size if self.code.startswith("<f") else 0

    @property
    def word(self) -> str:
        """`added`, `removed` or `changed`."""
        if self.code == "*deleting":
            return "removed"
        return "added" if self.code.endswith("+++++") else "changed"


@dataclass(frozen=True)
class Transfer:
    """A way to a node for an application's files.

    Attributes:
        directory: the application's root.
        ssh: the command that connects to the node, without the node itself.
        host: the node's address.
        sudo: whether the login user becomes root through sudo.
        group: the Unix group of the app on the node.
    """

    directory: Path
    ssh: Sequence[str]
    host: str
    sudo: bool
    group: str

    def compare(self, remote: str) -> list[Change]:
        """Return what would change in a directory of the node if it became the application's.

        Raises:
            TransferError: rsync failed.
        """
        # Not with --link-dest, which hides what is deleted.
        output = self._rsync(["--dry-run", "--delete", "--out-format=%i %l %n"], remote)
        found = [line for line in map(ITEM.fullmatch, output.splitlines()) if line]
        changes = [Change(line["code"], int(line["size"]), line["path"]) for line in found]
        return [change for change in changes if change.path != "./" and not change.is_only_of_time]

    def upload(self, remote: str, base: str) -> None:
        """Upload the application to a new directory of the node.

        Args:
            remote: the directory; its parent exists.
            base: a directory on the node with which unchanged files are shared; may be empty.

        Raises:
            TransferError: rsync failed.
        """
        self._rsync([f"--link-dest={base}"] if base else [], remote)

    def _rsync(self, options: Sequence[str], remote: str) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        # By content: generated files often keep size and time when they change, and a fresh clone
        # has other times though nothing has changed. For 4,000 files (60 MB) it costs 0.05 s.
        command = ["rsync", "-rlptgo", "--checksum", "--omit-dir-times"]
        command += [MODES, f"--chown=root:{self.group}"]
        command += [*rsync_filters(self.directory), *options, f"--rsh={shlex.join(self.ssh)}"]
        if self.sudo:
            command.append("--rsync-path=sudo -n rsync")
        command += ["--", f"{self.directory}/", f"{host}:{remote}/"]
        try:
            done = subprocess.run(
                command, capture_output=True, text=True, errors="replace", check=False
            )
        except FileNotFoundError as error:
            raise TransferError("rsync is missing: sudo apt-get install rsync") from error
        if done.returncode:
            raise TransferError(_explain(done.returncode, done.stderr))
        return done.stdout


def _explain(status: int, errors: str) -> str:
    reason = errors.strip() or f"exit status {status}"
    if "No space left on device" in errors:
        return f"the node's disk is full; make room (./silver clean-node) and try again\n{reason}"
    if status == 24:
        return (
            "files vanished while they were uploaded; try again when nothing writes to them\n"
            + reason
        )
    return f"rsync failed: {reason}"
