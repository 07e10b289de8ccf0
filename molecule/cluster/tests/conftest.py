"""Fixtures for the tests of a set."""

import os
from pathlib import Path

import pytest

from tests.support import apps
from tests.support.cluster import Cluster


@pytest.fixture(scope="session")
def cluster() -> Cluster:
    """The set, which serves `places`."""
    found = Cluster(Path(os.environ["MOLECULE_EPHEMERAL_DIRECTORY"]) / "ssh_config")
    found.site.must_deploy(apps.sample("places"))
    return found
