"""Follows a walkthrough of the manual."""

import re
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from types import TracebackType
from typing import Self

from docs.tests import pages, terminals
from docs.tests.pages import PageError, Step
from docs.tests.terminals import Terminal

RELOAD_SECONDS = 1.5
"""How long a reader takes, at least, from one terminal to the other."""


class Reader:
    """Somebody who does what a page says.

    Args:
        directory: where they begin.
        in_browser: what they do at the places that are marked, by name.
        once_written: what happens elsewhere once they have written a file, by its path.
    """

    def __init__(
        self,
        directory: Path,
        in_browser: Mapping[str, Callable[[], None]] | None = None,
        once_written: Mapping[str, Callable[[], None]] | None = None,
    ) -> None:
        self.directory = directory
        self.in_browser = in_browser or {}
        self.once_written = once_written or {}
        self.output = ""
        self.terminals: list[Terminal] = []
        self.has_written = False

    def __enter__(self) -> Self:
        """Begin."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Press Ctrl-C in every terminal."""
        problems = [problem for each in self.terminals for problem in each.press_ctrl_c()]
        if problems and error is None:
            raise PageError("\n".join(problems))

    def follow(self, page: str) -> None:
        """Do what a page says, from its first line to its last.

        Raises:
            PageError: something of it does not work.
        """
        for step in pages.steps(page):
            try:
                self.do(step)
            except AssertionError as error:
                error.add_note(f"{page}, line {step.line}")
                raise

    def do(self, step: Step) -> None:
        """Do one step."""
        match step.kind:
            case "sh":
                self.wait_for_reload()
                self.output, self.directory = terminals.type_into_shell(
                    step.text, self.directory, step.answers
                )
            case "terminal":
                self.terminals.append(Terminal(step.text, self.directory))
            case "file" | "diff":
                pages.write(self.directory, step)
                self.has_written = True
                if step.name in self.once_written:
                    self.once_written[step.name]()
            case "output":
                check_output(terminals.adapted(step.text), self.output)
            case "browser":
                self.wait_for_reload()
                self.in_browser[step.name]()

    def wait_for_reload(self) -> None:
        """Give a server the time to see what was written, and to start again."""
        if self.has_written and self.terminals:
            time.sleep(RELOAD_SECONDS)
            self.terminals[-1].wait()
        self.has_written = False


def check_output(shown: str, printed: str) -> None:
    """Check that every line that a page shows was printed; `…` stands for anything.

    Raises:
        PageError: one was not.
    """
    for line in filter(str.strip, shown.splitlines()):
        expected = ".*".join(map(re.escape, line.strip().split("…")))
        if not re.search(expected, printed):
            raise PageError(f"{line!r} is not in:\n{printed}")
