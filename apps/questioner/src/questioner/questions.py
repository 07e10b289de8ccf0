"""The questions, as a file describes them."""

import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

KINDS = ("text", "choice", "yes_no")

# Names that have a meaning in every form, or in the file of an answer.
TAKEN = ("name", "email", "password", "password_again", "token", "form", "time")


class QuestionsError(Exception):
    """The file of questions cannot be used; the message names the file, the place and the fault."""


@dataclass(frozen=True)
class Question:
    """One question of the form; `name` is its field's name."""

    name: str
    label: str
    kind: str
    help: str = ""
    choices: tuple[str, ...] = ()
    required: bool = True

    def __post_init__(self) -> None:
        if not self.name.isidentifier():
            raise QuestionsError(f"name = {self.name!r}: use letters, digits and underscores")
        if self.name in TAKEN:
            raise QuestionsError(f"name = {self.name!r}: the form has such a field of its own")
        if self.kind not in KINDS:
            raise QuestionsError(f"kind = {self.kind!r}: use one of {', '.join(KINDS)}")
        if (self.kind == "choice") != bool(self.choices):
            raise QuestionsError("choices belong to a question of kind choice, which needs them")

    @property
    def options(self) -> tuple[str, ...]:
        """The answers to choose from; none for a text."""
        return ("Yes", "No") if self.kind == "yes_no" else self.choices


def load(path: Path) -> tuple[Question, ...]:
    """Read a file of questions.

    Args:
        path: A TOML file with a table `[[question]]` for each, whose keys are `Question`'s.

    Returns:
        The questions, in the file's order.

    Raises:
        QuestionsError: The file cannot be read, or what is in it is not a list of questions.
    """
    try:
        tables = tomllib.loads(path.read_text("utf-8"))["question"]
    except (OSError, KeyError, ValueError) as error:
        raise QuestionsError(f"{path}: not a file of [[question]] tables: {error}") from error
    questions = tuple(make(f"{path}, question {n}", table) for n, table in enumerate(tables, 1))
    names = [question.name for question in questions]
    if len(set(names)) < len(names):
        raise QuestionsError(f"{path}: two questions have the same name: {', '.join(names)}")
    return questions


def make(where: str, table: dict[str, Any]) -> Question:
    """Make a question of a table of the file; `where` begins the message of a `QuestionsError`."""
    try:
        return Question(**table | {"choices": tuple(table.get("choices", ()))})
    except (QuestionsError, TypeError) as error:
        raise QuestionsError(f"{where}: {error}") from error
