"""An app with data of which checkpoints are taken."""

import shutil
from pathlib import Path
from typing import Any

import pytest

from silvernode.deploy import recycling
from silvernode.layout import Layout
from silvernode.settings import Settings
from tests.silvernode.conftest import Node

UPDATE: dict[str, Any] = {"update_fetch": ["script:bin/up.sh"]}
UP = "#!/bin/sh\nsed -i '1s/ .*/ {word}/' {path}\nexit {status}\n"


class Book:
    """The data of the app `hello`, and its updates.

    Attributes:
        node: its node.
        path: where the data is.
        recycled: the instances whose processes were replaced.
    """

    def __init__(self, node: Node) -> None:
        self.node, self.path = node, node.layout.data("book", "hello")
        self.recycled: list[str] = []

    @property
    def word(self) -> str:
        """The app's data."""
        return self.path.read_text().split()[1]

    @property
    def copy(self) -> str:
        """The copy beside it; empty if there is none."""
        return self.path.read_text().split("\n")[1]

    def script(self, word: str = "half", status: int = 0, also: str = "") -> dict[str, str]:
        """Return an app whose update changes the data, and does something else."""
        text = UP.format(word=word, path=self.path, status=status)
        return {"bin/up.sh": text.replace("exit", f"{also}\nexit")}

    def upload(self, files: dict[str, str]) -> str:
        """Put an app with an executable script into a new upload; its name."""
        upload = self.node.upload(**files)
        (self.node.layout.staging / upload / "bin/up.sh").chmod(0o755)
        return upload

    def checkpoints(self) -> list[Path]:
        """The directories of all checkpoints."""
        return sorted((self.node.layout.checkpoints / "hello").glob("*/2*"))


@pytest.fixture
def book(node: Node, monkeypatch: pytest.MonkeyPatch) -> Book:
    """A node with the service, and the app deployed once."""
    program = node.layout.service_program("book")
    program.parent.mkdir(parents=True)
    shutil.copy(Path(__file__).with_name("book.py"), program)
    book = Book(node)
    book.path.parent.mkdir(parents=True)
    book.path.write_text("1 before\n\n")
    node.deploy()
    env = node.layout.service_env("hello", "book")
    env.parent.mkdir(parents=True, exist_ok=True)
    env.write_text("")

    def recycle(_layout: Layout, instance: str, _settings: Settings) -> None:
        book.recycled.append(instance)

    monkeypatch.setattr(recycling, "recycle", recycle)
    return book
