"""Fixtures for the tests of the whole site: nodes, and what is deployed to them."""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from xdist.scheduler import LoadScopeScheduling

from tests.support import apps
from tests.support.node import Node

SAMPLES = ("hello", "questioner", "places")
SSH_CONFIG = Path(os.environ["MOLECULE_EPHEMERAL_DIRECTORY"]) / "ssh_config"
PLATFORMS = yaml.safe_load(Path(os.environ["MOLECULE_FILE"]).read_text())["platforms"]
NAMES = [platform["name"] for platform in PLATFORMS]
BARE = next(platform["name"] for platform in PLATFORMS if "bare" in platform["groups"])


@pytest.fixture(scope="session")
def site(node: Any) -> Node:
    """Each provisioned node in turn."""
    return Node.find(node.backend.hostname, SSH_CONFIG)


@pytest.fixture(scope="session")
def samples(site: Node) -> Node:
    """A node that serves the three sample applications."""
    for name in SAMPLES:
        site.must_deploy(apps.sample(name).name)
    return site


@pytest.fixture(scope="session")
def probe(site: Node) -> Node:
    """A node that serves the probe."""
    site.must_deploy(apps.PROBE)
    return site


@pytest.fixture(scope="session")
def blog(probe: Node, tmp_path_factory: pytest.TempPathFactory) -> Node:
    """A node that serves the probe at probe.test, and as an app of its own at probe.test/blog."""
    copy = apps.copy(apps.PROBE, tmp_path_factory.mktemp("apps") / "blog")
    probe.must_deploy(apps.set_key(copy, "app_name", "blog"), "probe.test/blog")
    return probe


@pytest.fixture(params=[BARE])
def bare(request: pytest.FixtureRequest) -> Node:
    """A node that was never provisioned."""
    return Node.find(request.param, SSH_CONFIG)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Iterator[None]:
    """Show what the node wrote, below a test that failed on it."""
    report = yield
    node = getattr(item, "funcargs", {}).get("site")
    if report.failed and isinstance(node, Node):
        report.sections.append((f"logs of {node.name}", node.logs()))
    return report


class NodeByNode(LoadScopeScheduling):
    """Gives all tests of a node to one process: the nodes are tested side by side."""

    def _split_scope(self, nodeid: str) -> str:
        return next(name for name in NAMES if name in nodeid)


def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> NodeByNode:
    """Be asked by pytest-xdist. Its own --dist=loadgroup does nothing under pytest 9.2."""
    return NodeByNode(config, log)
