"""The demo, whose node all pages use.

With `SILVER_TEST_NODE=NAME` the walkthroughs (`pytest docs/tests/test_pages_*.py`) use a node that
is there, and leave it there.
"""

import os
from collections.abc import Iterator

import pytest

from docs.tests import laptop, pages
from docs.tests.root import run
from silverlining import playbook


@pytest.fixture(scope="session")
def demo() -> str:
    """What `./silver demo`, the README's first block, printed."""
    return run(pages.commands("README.md")[0])


@pytest.fixture(scope="session")
def databases() -> Iterator[None]:
    """A node for databases in development: not that of this machine's user."""
    yield
    if not os.environ.get("SILVER_TEST_NODE"):
        done = playbook.run_quietly("destroy-node", {"node": laptop.DEVEL_NODE}, lambda _: None)
        assert done.status == 0, done.output


@pytest.fixture
def site(request: pytest.FixtureRequest, databases: None) -> None:
    """What a walkthrough needs: the node, and a laptop with a place for databases."""
    if not os.environ.get("SILVER_TEST_NODE"):
        request.getfixturevalue("demo")
