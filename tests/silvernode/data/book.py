"""A service for tests, as its role would install it: an app's data is a word in a file."""

import uuid
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from silvernode import atomic
from silvernode.data import service as base
from silvernode.errors import NodeError


class Service(base.Service):
    """The first line of the file is the app's data, the second the copy: an id and a word each."""

    has_checkpoint = True

    @property
    def path(self) -> Path:
        """Return the file."""
        return self.layout.data("book", self.app)

    def size(self) -> int:
        """Return the bytes of the word, unless a test says otherwise."""
        told = self.path.with_name("size")
        return int(told.read_text()) if told.exists() else len(self._lines()[0])

    def identity(self) -> str:
        """Return the id of the word."""
        return self._lines()[0].split()[0]

    def backup(self, target: Path) -> dict[str, Any]:
        """Write the word."""
        word = self._lines()[0].split()[1]
        (target / "word").write_text(word)
        return {"word": word}

    def stage(self, source: Path | None) -> None:
        """Put the word beside the app's."""
        word = (source / "word").read_text() if source else "empty"
        self._write(self._lines()[0], f"{uuid.uuid4().hex} {word}")

    def check(self, facts: Mapping[str, Any]) -> None:
        """Compare the word."""
        if self._lines()[1].split()[1] != facts["word"]:
            raise NodeError("the copy is another word")

    def swap(self) -> None:
        """Exchange the lines."""
        live, copy = self._lines()
        if not copy:
            raise NodeError("there is no copy")
        self._write(copy, live)

    def discard(self) -> None:
        """Remove the second line."""
        self._write(self._lines()[0], "")

    def is_unchanged(self, source: Path, scratch: Path) -> bool:
        """Compare the word with the one in a backup."""
        self.backup(scratch)
        return (scratch / "word").read_text() == (source / "word").read_text()

    def _lines(self) -> list[str]:
        return self.path.read_text().split("\n")[:2]

    def _write(self, live: str, copy: str) -> None:
        atomic.write(self.path, f"{live}\n{copy}\n")
