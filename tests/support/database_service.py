"""A service for unit tests: a file that stands for a database."""

from pathlib import Path
from typing import Any

from silvernode.data.exchange import Paths
from silvernode.data.service import Service as Base
from silvernode.errors import NodeError


class Service(Base):
    """The database of an app: a text, whose length is all that can be told of it."""

    has_checkpoint = True

    @property
    def paths(self) -> Paths:
        """The file, and the copy on the side."""
        return Paths.beside(self.layout.data("database", self.app), self.side)

    def size(self) -> int:
        """Return the bytes of the text."""
        return self.paths.path.stat().st_size

    def identity(self) -> str:
        """Return the file's inode."""
        return self.paths.identity()

    def versions(self) -> dict[str, str]:
        """Return something."""
        return {"database": "1"}

    def backup(self, target: Path) -> dict[str, Any]:
        """Copy the text."""
        text = self.paths.path.read_text()
        (target / "dump").write_text(text)
        return {"length": len(text)}

    def stage(self, source: Path | None) -> None:
        """Copy it back beside the app's."""
        self.discard()
        self.paths.copy.write_text((source / "dump").read_text() if source else "")

    def check(self, facts: Any) -> None:
        """Compare the length."""
        if len(self.paths.copy.read_text()) != facts["length"]:
            raise NodeError("the restored database is not complete")

    def swap(self) -> None:
        """Exchange the files."""
        self.paths.swap()

    def discard(self) -> None:
        """Remove the copy."""
        self.paths.discard()
