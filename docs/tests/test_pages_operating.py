"""docs/operating.md: an operator's commands, typed in order in the root of the repository."""

import pytest

from docs.tests.reader import Reader
from silverlining.playbook import ROOT


@pytest.mark.usefixtures("site")
def test_the_commands_of_an_operator_print_what_the_page_shows() -> None:
    with Reader(ROOT) as reader:
        reader.follow("docs/operating.md")
