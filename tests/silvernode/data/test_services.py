"""The services that an app has, and the lock of its data."""

import pytest

from silvernode import locks
from silvernode.data import backup, services
from silvernode.errors import NodeError
from silvernode.layout import Layout
from tests.silvernode.conftest import Node
from tests.support import kept


@pytest.fixture
def layout_with_data(node: Node) -> Layout:
    kept.install(node.layout)
    node.deploy()
    kept.write(node.layout, "first")
    return node.layout


def test_the_database_comes_first(layout_with_data: Layout) -> None:
    found = services.of_app(layout_with_data, "hello", "drill")
    assert list(found) == ["database", "files"]
    assert [each.has_checkpoint for each in found.values()] == [True, False]
    assert {each.side for each in found.values()} == {"drill"}


def test_an_app_without_services_has_none(layout_with_data: Layout) -> None:
    assert services.of_app(layout_with_data, "other") == {}


def test_a_service_that_the_node_cannot_keep_is_named(layout_with_data: Layout) -> None:
    layout_with_data.service_env("hello", "shelf").write_text("")
    with pytest.raises(
        NodeError, match=r"keeps the data of service.shelf; run ./silver setup-node"
    ):
        services.of_app(layout_with_data, "hello")


def test_the_data_of_an_app_is_used_by_one_command_and_does_not_keep_deploys_out(
    layout_with_data: Layout,
) -> None:
    with (
        locks.of_data(layout_with_data, "hello", "ann@laptop", "backing up hello.test"),
        locks.of_app(layout_with_data, "hello", "bob@desk", "updating hello.test"),
        locks.of_data(layout_with_data, "polls", "ann@laptop", "backing up polls.test"),
        pytest.raises(NodeError, match=r"in use on this node by ann@laptop \(backing up hello"),
        locks.of_data(layout_with_data, "hello", "bob@desk", "restoring hello.test"),
    ):
        pass


def test_an_app_is_backed_up_by_its_main_location(node: Node) -> None:
    node.deploy("long-name.test", default_location="long-name.test")
    node.deploy("a.test", default_location="long-name.test")
    assert backup.main_location(node.layout, "hello") == "long-name.test"
    node.deploy("b.test", name="other")
    node.deploy("other.test", name="other")
    assert backup.main_location(node.layout, "other") == "b.test"
    with pytest.raises(NodeError, match="polls is served nowhere"):
        backup.main_location(node.layout, "polls")
