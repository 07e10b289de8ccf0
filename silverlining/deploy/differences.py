"""What an update would change, for a person who wants to know before."""

import difflib
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path, PurePosixPath
from typing import Any

from silverlining.deploy.transfer import Change

FILE_BYTES = 100_000
"""Of a bigger file only the name is shown; as in `silvernode.deploy.texts`."""

_NO_NEWLINE = "\n\\ No newline at end of file\n"

WORDS = ("changed", "added", "removed")


@dataclass(frozen=True)
class Edited:
    """A file whose text differs.

    Attributes:
        path: relative to the application's root.
        before: its text on the node.
        after: its text here.
    """

    path: str
    before: str
    after: str


@dataclass(frozen=True)
class Differences:
    """What an update would change.

    Attributes:
        location: where the application is served.
        active: the instance that is active there; empty if there is none.
        files: the application's files that differ.
        config: the configuration's files that differ.
        edits: what was changed on the node since the active instance was uploaded, by `changed`,
            `added` and `removed`; None if that cannot be told.
        packages: what would be installed, a line each.
        further: what else makes a new instance, a line each.
        texts: the texts of those of the application's files that have one.
    """

    location: str
    active: str
    files: list[Change]
    config: list[Change] = field(default_factory=list)
    edits: Mapping[str, list[str]] | None = None
    packages: list[str] = field(default_factory=list)
    further: list[str] = field(default_factory=list)
    texts: list[Edited] = field(default_factory=list)

    def are_none(self) -> bool:
        """Tell whether an update would have nothing to do."""
        return not (self.files or self.config or self.further)

    def with_texts(self, texts: list[Edited]) -> "Differences":
        """Return the differences with the texts that differ."""
        return replace(self, texts=texts)

    def shown(self) -> list[dict[str, str]]:
        """Return them in the form in which Ansible prints them for `--diff`."""
        told = {text.path for text in self.texts}
        parts = [_line(change) + _why_untold(change, told) for change in self.files]
        parts += [f"{_line(change)} (deployment configuration)" for change in self.config]
        parts += [*self.packages, *self.further]
        shown = [{"prepared": _block(parts)}] if parts else []
        shown += [_compared(self.active, text) for text in self.texts]
        if edited := self._edited_lines():
            head = f"Changed on the server since {self.active} was uploaded:"
            shown.append({"prepared": _block([head, *edited])})
        return shown

    def as_data(self) -> dict[str, Any]:
        """Return them as plain data for programs."""
        return {
            "location": self.location,
            "active": self.active,
            **_by_word(self.files),
            "config": _by_word(self.config),
            "texts": {text.path: _unified(text) for text in self.texts},
            "on_server": None if self.edits is None else dict(self.edits),
            "further": [*self.packages, *self.further],
        }

    def summary(self) -> str:
        """Return one line for a person."""
        counts = [f"{len(found)} {word}" for word, found in _by_word(self.files).items() if found]
        files = f"files: {', '.join(counts)}" if counts else ""
        config = "its configuration" if self.config else ""
        what = "; ".join(part for part in (files, config, *self.further) if part)
        if not what:
            return f"{self.location}: an update would change nothing"
        return f"{self.location} would be updated ({what})"

    def _edited_lines(self) -> list[str]:
        edits = self.edits or {}
        return [f"{word:8} {path}" for word in WORDS for path in edits.get(word, ())]


def with_text(changes: Iterable[Change]) -> list[str]:
    """Return the paths of changed files of which a text is worth fetching."""
    return [
        change.path
        for change in changes
        if change.word == "changed" and change.is_of_content and change.size <= FILE_BYTES
    ]


def compare(
    directory: Path, rewritten: Mapping[PurePosixPath, bytes], theirs: Mapping[str, str]
) -> list[Edited]:
    """Return the files of an application that differ from the node's, with both texts.

    Args:
        directory: the application's root.
        rewritten: what is uploaded in the place of some files.
        theirs: the texts of the node's files by path.
    """
    found = []
    for path, before in theirs.items():
        after = _text(directory, path, rewritten.get(PurePosixPath(path)))
        if after is not None and after != before:
            found.append(Edited(path, before, after))
    return found


def _text(directory: Path, path: str, content: bytes | None) -> str | None:
    try:
        data = (directory / path).read_bytes() if content is None else content
        return None if b"\0" in data else data.decode()
    except (OSError, UnicodeDecodeError):
        return None  # The list of files has told of it.


def _line(change: Change) -> str:
    return f"{change.word:8} {change.path}"


def _why_untold(change: Change, told: Collection[str]) -> str:
    if change.word != "changed" or change.path in told:
        return ""
    return " (binary, or big)" if change.is_of_content else " (its permissions, or a link)"


def _block(lines: Iterable[str]) -> str:
    return "".join(f"{line}\n" for line in lines) + "\n"


def _by_word(changes: Iterable[Change]) -> dict[str, list[str]]:
    listed = list(changes)
    return {word: [each.path for each in listed if each.word == word] for word in WORDS}


def _compared(instance: str, text: Edited) -> dict[str, str]:
    return {
        "before": text.before,
        "after": text.after,
        "before_header": f"{text.path} ({instance})",
        "after_header": f"{text.path} (here)",
    }


def _unified(text: Edited) -> str:
    before, after = (each.splitlines(keepends=True) for each in (text.before, text.after))
    names = (f"server/{text.path}", f"here/{text.path}")
    lines = difflib.unified_diff(before, after, *names)
    return "".join(line if line.endswith("\n") else f"{line}{_NO_NEWLINE}" for line in lines)
