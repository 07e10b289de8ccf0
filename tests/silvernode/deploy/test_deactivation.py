"""Locations taken away: nothing of them comes back, and their instances stay."""

from typing import Any

import pytest

from silvernode import instances, locks
from silvernode.deploy import activation, deactivation, removal
from silvernode.errors import NodeError
from silvernode.routing import registry
from tests.silvernode.conftest import Node


def deactivate(node: Node, *locations: str, check: bool = False) -> dict[str, Any]:
    unwanted = deactivation.Unwanted(locations, "ann@laptop", check)
    return deactivation.deactivate(node.layout, unwanted)


def test_a_location_is_gone_and_its_instances_stay_stopped(node: Node) -> None:
    other = node.deploy("other.test")
    instance = [node.deploy() for _ in "12"]
    answer = deactivate(node, "hello.test")
    assert answer["msg"] == "hello.test is not served any more"
    assert answer["warnings"] == []
    assert set(node.routes.locations) == {"other.test"}
    assert node.running() == node.enabled() == node.served() == {other}
    assert all((node.layout.www / name).is_dir() for name in instance)


def test_the_last_location_of_an_app(node: Node) -> None:
    node.deploy()
    places = node.deploy("places.test", name="places")
    deactivate(node, "hello.test")
    assert node.running() == {places}
    assert not (node.fake / "label/app_hello").exists()
    assert "app_hello" not in (node.layout.vcl / "start.cli").read_text()


def test_a_registry_that_is_made_again_does_not_bring_it_back(node: Node) -> None:
    for _ in "123":
        node.deploy()
    deactivate(node, "hello.test")
    assert registry.rebuild(instances.load_all(node.layout)).locations == {}


def test_what_served_once_is_kept_by_the_next_deploy(node: Node) -> None:
    instance = node.deploy()
    deactivate(node, "hello.test")
    node.deploy("other.test")
    assert instance in instances.on_disk(node.layout, "hello")
    removed = [node.deploy("other.test") for _ in "1234"]
    assert instance not in instances.on_disk(node.layout, "hello"), removed


def test_it_can_be_activated_again(node: Node) -> None:
    instance = node.deploy()
    deactivate(node, "hello.test")
    wish = activation.Wish(["hello.test"], instance, "ann@laptop")
    activation.activate(node.layout, wish)
    assert node.routes.active("hello.test") == instance
    assert node.running() == node.enabled() == node.served() == {instance}


def test_an_instance_that_serves_elsewhere_goes_on(node: Node) -> None:
    first = node.deploy()
    activation.activate(node.layout, activation.Wish(["www2.test"], first, "ann@laptop"))
    second = node.deploy()
    deactivate(node, "www2.test")
    assert node.running() == {first, second}, "it is the previous one of hello.test"
    assert node.enabled() == {second}


def test_patterns_mean_several_and_check_only_tells(node: Node) -> None:
    for location in ("a.test", "b.test", "c.example"):
        node.deploy(location)
    before = node.state()
    assert deactivate(node, "*.test", check=True)["locations"] == ["a.test", "b.test"]
    assert node.state() == before
    deactivate(node, "*.test", "c.example", "a.test")
    assert node.routes.locations == {}


def test_one_that_is_not_there_keeps_all_of_them(node: Node) -> None:
    node.deploy()
    before = node.state()
    with pytest.raises(NodeError, match=r"nothing is served at helo\.test .* hello\.test"):
        deactivate(node, "hello.test", "helo.test")
    assert node.state() == before


@pytest.mark.parametrize("place", ["vcl.load", "vcl.use"])
def test_a_program_that_fails_leaves_it_served(node: Node, place: str) -> None:
    node.deploy()
    node.deploy("other.test")
    before = node.state()
    node.fail(place)
    with pytest.raises(NodeError, match="failed with exit status 1"):
        deactivate(node, "hello.test")
    (node.fake / "fail").unlink()
    assert node.state() == before


def test_what_cannot_be_stopped_is_a_warning(node: Node) -> None:
    node.deploy()
    node.fail("stop")
    (warning,) = deactivate(node, "hello.test")["warnings"]
    assert "not everything old could go" in warning
    assert node.routes.locations == {}


def test_an_app_that_is_being_changed_is_left_alone(node: Node) -> None:
    node.deploy()
    with (
        locks.of_app(node.layout, "hello", "bob@desk", "updating"),
        pytest.raises(NodeError, match="bob@desk"),
    ):
        deactivate(node, "hello.test")
    assert "hello.test" in node.routes.locations


def test_a_name_is_never_given_again(node: Node) -> None:
    first, second = node.deploy(), node.deploy()
    deactivate(node, "hello.test")
    removal.prune(node.layout, "hello", 0)
    assert instances.on_disk(node.layout, "hello") == []
    assert node.deploy() not in {first, second}
