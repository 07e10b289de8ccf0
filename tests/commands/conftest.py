"""Fixtures for the tests of `silver` as its user types it, against one real node.

They are a part of their own (`./silver test commands`), since a node has to be made for them.
`SILVER_TEST_NODE=NAME` uses a node that is there, and leaves it there.
"""

import os
from collections.abc import Iterator

import pytest

from tests.support.commands import must

NODE = "commands"


@pytest.fixture(scope="session")
def node() -> Iterator[str]:
    """The name of a node that is set up."""
    given = os.environ.get("SILVER_TEST_NODE")
    if given:
        yield given
        return
    must("create-node", NODE, "--if-not-exists", "--setup-node")
    yield NODE
    must("destroy-node", NODE, "--yes")
