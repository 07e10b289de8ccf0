"""A page of the manual as a list of what its reader does.

GitHub shows only the first word behind the three backquotes of a block, so what follows it is free
to say what the block is:

- `sh`: typed into a shell.
- `sh in a second terminal`: typed there, and left running until the page ends.
- `diff` and a path: lines to change in that file.
- another language and a path, as in `python src/runner.py`: the whole content of that file.
- anything else, such as `text`: to be read.

A comment above a block says more of it:

- `<!-- output -->`: each line of this `text` has to be in what was printed last; `…` stands for
  anything.
- `<!-- answers: admin, secret -->`: what is typed, one after another, when the block asks.

The comment `<!-- browser: NAME -->` marks a place where the reader turns to a browser.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from silverlining.playbook import ROOT

WALKTHROUGHS = (
    "clouds",
    "databases",
    "django",
    "flask",
    "operating",
    "porting",
    "services",
    "starting",
    "webob",
)
"""Pages that have a test of their own, which compares what is printed, too.

Their reader begins in an empty directory and has `silver` in PATH; for operating in the root of
the repository, and for clouds, databases and services in a copy of it, where it is `./silver`.

All others are read in the root of the repository, where it is `./silver`.
"""

_PIECE = re.compile(
    r"^```(?P<info>\S.*)\n(?P<text>(?:.*\n)*?)```$"
    r"|^<!-- (?P<mark>\w+)(?:: (?P<about>.*))? -->$",
    re.M,
)
_SECOND_TERMINAL = "in a second terminal"


class PageError(AssertionError):
    """Something is not as a page says."""


@dataclass(frozen=True)
class Step:
    """One thing that the reader of a page does.

    Attributes:
        kind: "sh", "terminal", "file", "diff", "output" or "browser".
        line: where it stands in the page.
        text: what is typed, written or expected.
        name: the file's path, or what is done in the browser.
        answers: what is typed when the command asks.
    """

    kind: str
    line: int
    text: str = ""
    name: str = ""
    answers: tuple[str, ...] = ()


def steps(page: str) -> list[Step]:
    """Return what the reader of a page does, in order.

    Args:
        page: its path, relative to the repository's root.
    """
    return list(_steps((ROOT / page).read_text()))


def commands(page: str) -> list[str]:
    """Return the `sh` blocks of a page."""
    return [step.text for step in steps(page) if step.kind == "sh"]


def others() -> list[str]:
    """Return the pages of docs/ that have something to type and are no walkthroughs."""
    names = sorted(path.stem for path in (ROOT / "docs").glob("*.md"))
    pages = [f"docs/{name}.md" for name in names if name not in WALKTHROUGHS]
    return [page for page in pages if commands(page)]


def write(directory: Path, step: Step) -> None:
    """Write a file that a page shows, or change it as the page shows.

    Raises:
        PageError: the lines to be changed are not there, or more than once.
    """
    file = directory / step.name
    if step.kind == "diff":
        file.write_text(changed(file.read_text(), step.text))
    else:
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(step.text)


def changed(content: str, diff: str) -> str:
    """Return a file's content after a change.

    Args:
        content: that before.
        diff: lines that begin with `-`, `+` or a blank: they go, come or stay.

    Raises:
        PageError: what goes and stays is not in the content exactly once.
    """
    lines = diff.splitlines(keepends=True)
    before = "".join(line[1:] for line in lines if not line.startswith("+"))
    after = "".join(line[1:] for line in lines if not line.startswith("-"))
    places = list(re.finditer(rf"^{re.escape(before)}", content, re.M))
    if len(places) != 1:
        raise PageError(f"there is not one place for this change:\n{diff}")
    return content[: places[0].start()] + after + content[places[0].end() :]


def _steps(content: str) -> Iterator[Step]:
    mark = about = ""
    for piece in _PIECE.finditer(content):
        line = content.count("\n", 0, piece.start()) + 1
        if piece["info"]:
            yield from _block(piece["info"], piece["text"], line, mark, about)
            mark = about = ""
        elif piece["mark"] == "browser":
            yield Step("browser", line, name=piece["about"])
        else:
            mark, about = piece["mark"], piece["about"] or ""


def _block(info: str, text: str, line: int, mark: str, about: str) -> Iterator[Step]:
    language, _, rest = info.partition(" ")
    if language == "sh" and rest == _SECOND_TERMINAL:
        yield Step("terminal", line, text)
    elif language == "sh":
        answers = tuple(about.split(", ")) if mark == "answers" else ()
        yield Step("sh", line, text, answers=answers)
    elif rest:
        yield Step("diff" if language == "diff" else "file", line, text, rest)
    elif mark == "output":
        yield Step("output", line, text)
