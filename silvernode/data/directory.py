"""A service that is a directory of the app's: the files that it keeps."""

import os
import shutil
import stat
import tarfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from silvernode import apps
from silvernode.data import programs
from silvernode.data.exchange import Paths
from silvernode.data.service import Service
from silvernode.errors import NodeError
from silvernode.programs import run

ARCHIVE = "files.tar"
MODE = 0o750

CHANGED = 1
"""What tar ends with when a file was changed or removed while it was read: tar(1), RETURN VALUE."""


class Directory(Service):
    """A directory below `/var/lib/silverlining/KIND/`.

    A backup is a tar, which keeps modes, times, links, empty directories and odd names. What is
    restored belongs to the app's user, whoever it belonged to before.

    Attributes:
        kind: of data, see `silvernode.layout.Layout.data`.
    """

    kind: str

    @property
    def path(self) -> Path:
        """The directory."""
        return self.layout.data(self.kind, self.app)

    @property
    def copy(self) -> Path:
        """The copy on the side."""
        return self._paths.copy

    @property
    def _paths(self) -> Paths:
        return Paths.beside(self.path, self.side)

    def size(self) -> int:
        """Return the bytes of all files."""
        # It may miss a file that goes away meanwhile, and says so with an exit status of 1.
        shown = run("du", "--summarize", "--bytes", str(self.path), check=False).stdout
        return int(shown.splitlines()[-1].split()[0])

    def identity(self) -> str:
        """Return the directory's inode."""
        return self._paths.identity()

    def backup(self, target: Path) -> dict[str, Any]:
        """Write a tar of the directory; a file that goes away meanwhile is left out."""
        archive = target / ARCHIVE
        options = ["--create", "--sparse", "--format=pax", f"--directory={self.path}"]
        command = ["tar", *options, f"--file={archive}", "."]
        programs.run_as("root", command, accept=(0, CHANGED))
        return _listed(archive)

    def stage(self, source: Path | None) -> None:
        """Unpack a tar beside the directory."""
        self.discard()
        self.copy.mkdir(mode=0o700)
        shutil.chown(self.copy, apps.user(self.app), apps.user(self.app))
        self.copy.chmod(MODE)
        if source is None:
            return
        # As the app's own user: whatever is in the tar can do no more than the app itself.
        options = ["--extract", "--preserve-permissions", f"--directory={self.copy}", "--file=-"]
        with (source / ARCHIVE).open("rb") as archive:
            programs.run_as(apps.user(self.app), ["tar", *options], stdin=archive)
        self.copy.chmod(MODE)

    def check(self, facts: Mapping[str, Any]) -> None:
        """Compare how many entries there are, and the size of all files."""
        found = _found(self.copy)
        if found != dict(facts):
            raise NodeError(f"{self.kind} should have {dict(facts)} after a restore, has {found}")

    def swap(self) -> None:
        """Exchange the two directories' names, in one step of the kernel's."""
        self._paths.swap()

    def discard(self) -> None:
        """Remove the copy on the side."""
        self._paths.discard()


def _listed(archive: Path) -> dict[str, Any]:
    """Return what a tar holds: how many names, and the bytes of its files."""
    names, total = set(), 0
    with tarfile.open(archive) as tar:
        while member := tar.next():
            names.add(member.name)
            total += member.size if member.isreg() else 0
            tar.members = []  # type: ignore[attr-defined]  # It would remember all of them.
    return {"entries": len(names - {"."}), "bytes": total}


def _found(directory: Path) -> dict[str, Any]:
    entries, sizes = 0, {}
    for parent, directories, files in os.walk(directory):
        entries += len(directories) + len(files)
        for name in files:
            status = Path(parent, name).lstat()
            if stat.S_ISREG(status.st_mode):
                sizes[status.st_ino] = status.st_size  # once, however many links it has
    return {"entries": entries, "bytes": sum(sizes.values())}
