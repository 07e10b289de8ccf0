"""The table of docs/providers.md, made of what Libcloud's recordings show."""

import re
from collections.abc import Iterator, Sequence
from pathlib import Path

from tests.support import recordings
from tests.support.recordings import Answer

PAGE = Path(__file__).parents[2] / "docs/providers.md"
COMMAND = "bring it up to date with: .venv/bin/python -m tests.support.provider_table"

REASONS = {
    "azure": "no: the driver lists one cloud service at a time; `azure_arm` is Azure's of today",
    "vcl": "no: the driver wants the address of the machine that asks, each time",
}
"""Why nodes cannot be listed."""

HEAD = ("provider", "Libcloud's driver", "lists nodes", "keeps groups")


def updated(page: str, answers: Sequence[Answer]) -> str:
    """Return a page with its table made anew."""
    lines = [_line(HEAD), _line(["---"] * len(HEAD)), *map(_line, _rows(answers))]
    table = "".join(f"{line}\n" for line in lines)
    return re.sub(r"^\| provider \|.*\n(\|.*\n)*", lambda _: table, page, flags=re.M)


def _rows(answers: Sequence[Answer]) -> Iterator[Sequence[str]]:
    for answer in answers:
        listed = REASONS.get(answer.provider, "yes")
        yield f"`{answer.provider}`", answer.driver, listed, _yes_or_no(answer.keeps_groups)
    for provider, keeps_groups in recordings.unrecorded(answers).items():
        yield f"`{provider}`", "", "not recorded", _yes_or_no(keeps_groups)


def _yes_or_no(value: bool) -> str:
    return "yes" if value else "no"


def _line(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"


if __name__ == "__main__":
    PAGE.write_text(updated(PAGE.read_text(), recordings.answers()))
