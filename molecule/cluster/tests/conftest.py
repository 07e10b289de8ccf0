"""Fixtures for the tests of a set."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.support import apps
from tests.support.cluster import HOST, Cluster, Visited
from tests.support.load import Load, Posts
from tests.support.node import Figure


@pytest.fixture(scope="session")
def cluster() -> Cluster:
    """The set, which serves `places`."""
    found = Cluster(Path(os.environ["MOLECULE_EPHEMERAL_DIRECTORY"]) / "ssh_config")
    found.site.must_deploy(apps.sample("places"))
    found.site.page(HOST)  # at once: the deploy has waited until the balancer sends visitors
    return found


@pytest.fixture
def visited(cluster: Cluster, figure: Figure) -> Visited:
    """Have the site visited all the while; check that nothing is lost, and nothing kept twice.

    Where `posts_may_fail`, some may be refused; none that was acknowledged is ever lost.
    """

    @contextmanager
    def visit(*, posts_may_fail: bool = False) -> Iterator[tuple[Load, Posts]]:
        gets = Load(cluster.balancer.address, HOST, "places", expected="What is near")
        posts = Posts(cluster.balancer.address, HOST, "places")
        with gets, posts:
            yield gets, posts
        stored, acknowledged = cluster.stored(posts.key), posts.acknowledged
        figure(
            f"{len(gets.answers)} GETs: {len(gets.lost)} lost, slowest {gets.slowest:.2f} s; "
            f"{len(posts.answers)} POSTs: {len(acknowledged)} acknowledged, "
            f"{len(posts.lost)} failed, {len(stored)} stored, slowest {posts.slowest:.2f} s"
        )
        assert gets.lost == []
        assert posts_may_fail or posts.lost == []
        assert len(set(stored)) == len(stored), "a POST was stored twice"
        assert acknowledged
        assert set(acknowledged) <= set(stored), "an acknowledged POST is not there"

    return visit
