"""The answers, each a file of its own."""

import json
import os
import secrets
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path


class AnswersError(Exception):
    """An answer could not be kept; the message says why."""


class Answers:
    """A directory of answers.

    Args:
        directory: The directory; on a node, that of `service.files`.
    """

    def __init__(self, directory: Path) -> None:
        self.directory = directory

    def add(self, answer: Mapping[str, str]) -> Path:
        """Keep an answer: all of it, or nothing.

        Args:
            answer: What was answered, by field.

        Returns:
            The file, named after the time (UTC) and a random number, never after what was typed.

        Raises:
            AnswersError: It could not be written.
        """
        now = datetime.now(UTC)
        path = self.directory / f"{now:%Y%m%dT%H%M%SZ}-{secrets.token_hex(8)}.json"
        unfinished = path.with_suffix(".part")
        text = json.dumps({"time": now.isoformat(), **answer}, ensure_ascii=False, indent=2)
        try:
            write(unfinished, text + "\n")
            unfinished.rename(path)
        except OSError as error:
            unfinished.unlink(missing_ok=True)
            raise AnswersError(f"{path}: {error.strerror}") from error
        return path

    def count(self) -> int:
        """Return how many answers there are."""
        return sum(1 for _ in self.directory.glob("*.json"))


def write(path: Path, text: str) -> None:
    """Write a new file that only its owner may read, and see it on the disk.

    Raises:
        OSError: The file exists, or cannot be written.
    """
    path.touch(mode=0o600, exist_ok=False)
    with path.open("w", encoding="utf-8") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
