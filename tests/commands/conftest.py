"""Fixtures for the tests of `silver` as its user types it, against one real node.

They are a part of their own (`./silver test commands`), since nodes have to be made for them: one
for each process of pytest-xdist.
`SILVER_TEST_NODE=NAME` uses a node that is there, and leaves it there.
"""

import os
from collections.abc import Iterator

import pytest

from tests.support.commands import NODE, must


@pytest.fixture(scope="session")
def node() -> Iterator[str]:
    """The name of a node that is set up."""
    if "SILVER_TEST_NODE" in os.environ:
        yield NODE
        return
    must("create-node", NODE, "--if-not-exists", "--setup-node")
    yield NODE
    must("destroy-node", NODE, "--yes")
