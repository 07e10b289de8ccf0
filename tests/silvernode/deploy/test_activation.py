"""Switching between instances that are on the node: what is served, and what a failure leaves."""

import shutil
from typing import Any

import pytest

from silvernode import instances, locks
from silvernode.deploy import activation, trial
from silvernode.errors import NodeError
from silvernode.routing import registry
from silvernode.routing.registry import Route
from tests.silvernode.conftest import Node


def activate(node: Node, *locations: str, to: str = "prev") -> dict[str, Any]:
    answer = activation.activate(node.layout, activation.Wish(locations, to, "ann@laptop"))
    assert answer["warnings"] == []
    return answer


def rest(node: Node, instance: str) -> None:
    """Have a server down, as after an hour or a reboot."""
    (node.fake / "active" / instance).unlink()
    shutil.rmtree(node.layout.run(instance))


def route(node: Node, location: str = "hello.test") -> tuple[str, str]:
    there = node.routes.locations[location]
    return there.instance, there.previous


def test_the_previous_instance_is_activated_and_back_again(node: Node) -> None:
    first, second = node.deploy(), node.deploy()
    answer = activate(node, "hello.test")
    assert answer["msg"] == f"hello.test is served by {first}, prev.hello.test by {second}"
    assert route(node) == (first, second)
    assert node.enabled() == {first}, "what is active starts at boot, and nothing else"
    assert node.served() == node.running() == {first, second}
    activate(node, "hello.test")
    assert route(node) == (second, first)
    assert node.enabled() == {second}


def test_what_is_warm_is_asked_and_not_started_again(node: Node) -> None:
    node.deploy()
    node.deploy()
    calls, asked = len(node.calls()), len(node.site.asked)
    activate(node, "hello.test")
    assert not [call for call in node.calls()[calls:] if "systemctl start" in call]
    assert len(node.site.asked) == asked + 1


def test_what_was_stopped_is_started_first_without_update_fetch(node: Node) -> None:
    first = node.deploy(update_fetch=["/update"])
    node.deploy()
    rest(node, first)
    node.site.asked.clear()
    activate(node, "hello.test")
    assert [path for path, _ in node.site.asked] == ["/"]
    assert first in node.running()


def test_an_older_instance_by_its_name(node: Node) -> None:
    first, _, third = (node.deploy() for _ in "123")
    assert first not in node.running()
    answer = activate(node, "hello.test", to=first)
    assert route(node) == (first, third)
    assert answer["removed"] == []


def test_what_is_active_already_is_no_change_and_mends_the_routes(node: Node) -> None:
    node.deploy()
    second = node.deploy()
    (node.fake / "label/app_hello").write_text("elsewhere")
    answer = activate(node, "hello.test", to=second)
    assert not answer["changed"]
    assert "already" in answer["msg"]
    assert second in node.served()


def test_several_locations_and_apps_with_one_pattern(node: Node) -> None:
    hello = [node.deploy() for _ in "12"]
    places = [node.deploy("places.test", name="places") for _ in "12"]
    activate(node, "*.test")
    assert route(node) == (hello[0], hello[1])
    assert route(node, "places.test") == (places[0], places[1])


def test_a_pattern_that_is_a_location_means_that_location(node: Node) -> None:
    active, previous = [node.deploy("*.test") for _ in "12"], node.deploy("hello.test")
    activate(node, "*.test")
    assert route(node, "*.test") == (active[0], active[1])
    assert route(node, "hello.test") == (previous, "")


def test_a_further_location_has_the_same_instance_without_a_restart(node: Node) -> None:
    instance = node.deploy()
    calls = len(node.calls())
    answer = activate(node, "www2.hello.test", to=instance)
    assert node.routes.locations["www2.hello.test"].instance == instance
    assert answer["msg"] == f"www2.hello.test is served by {instance}"
    assert not [call for call in node.calls()[calls:] if call.startswith("systemctl st")]
    assert node.site.asked[-1][1]["Host"] == "www2.hello.test", "asked as its visitors will"
    node.deploy()
    assert node.routes.active("www2.hello.test") == instance
    assert instance in node.enabled()


def test_an_instance_that_serves_elsewhere_is_told_its_new_host_when_it_is_started(
    node: Node,
) -> None:
    first, _, _ = (node.deploy("long.hello.test") for _ in "123")
    activate(node, "hi.test", to=first)
    env = instances.load_environment(node.layout, first)
    assert env["SILVER_CANONICAL_HOSTNAME"] == "hi.test"
    assert env["SILVER_INSTANCE_NAME"] == first


def test_another_path_is_possible_once_no_location_of_its_own_refers_to_it(node: Node) -> None:
    first, _, third = (node.deploy() for _ in "123")
    activate(node, "hello.test/blog", to=first)
    assert instances.load_environment(node.layout, first)["STATIC_URL"] == "/blog/"
    before = node.state()
    with pytest.raises(
        NodeError, match=r"knows one path .* \./silver update DIR hello\.test/other"
    ):
        activate(node, "hello.test/other", to=third)
    with pytest.raises(NodeError, match="knows one path"):
        activate(node, "hello.test", to=first)
    assert node.state() == before


def test_prev_of_a_first_instance(node: Node) -> None:
    instance = node.deploy()
    with pytest.raises(NodeError, match=f"no previous instance: {instance} is the first"):
        activate(node, "hello.test")


@pytest.mark.parametrize(
    ("locations", "to", "message"),
    [
        (["hello.test", "nowhere.test"], "prev", r"nothing is served at nowhere\.test .* hello"),
        (["*.example"], "hello.20261122_001", r"nothing is served at \*\.example"),
        (["hello.test"], "hello.20261122_009", r"no instance hello\.20261122_009 .* hello\.2026"),
        (["hello.test"], "../../etc", "served by the app hello"),
        (["new.test"], "hello.latest", r"no instance hello\.latest"),
        (["places.test"], "hello.20261122_001", "places.test is served by the app places"),
        (["Hello Test"], "hello.20261122_001", "nothing is served at Hello Test"),
        (["new.test;"], "hello.20261122_001", "nothing is served at new.test;"),
        (["prev.hello.test"], "hello.20261122_001", r"nothing is served at prev\.hello\.test"),
    ],
)
def test_a_wish_that_cannot_be_granted(
    node: Node, locations: list[str], to: str, message: str
) -> None:
    for _ in "12":
        node.deploy()
    node.deploy("places.test", name="places")
    before = node.state()
    with pytest.raises(NodeError, match=message):
        activate(node, *locations, to=to)
    assert node.state() == before


def test_one_location_that_cannot_be_switched_keeps_all_of_them(node: Node) -> None:
    first, _ = node.deploy(), node.deploy()
    places = node.deploy("places.test", name="places")
    node.deploy("places.test", name="places")
    rest(node, places)
    rest(node, first)
    (node.layout.www / places / "broken").write_text("ImportError: no fish")
    before = node.state()
    with pytest.raises(NodeError, match="could not be imported") as caught:
        activate(node, "*.test")
    assert "no fish" in caught.value.output
    assert node.state() == before


@pytest.mark.parametrize("warm", [True, False])
def test_an_instance_that_does_not_answer_is_refused(node: Node, warm: bool) -> None:
    first = node.deploy(check_url="/ok")
    node.deploy()
    if not warm:
        rest(node, first)
    node.site.statuses = {"/ok": 404}
    _, running, enabled, label = node.state()
    with pytest.raises(NodeError, match="check_url = /ok answered 404"):
        activate(node, "hello.test")
    assert node.state()[1:] == (running, enabled, label)
    assert route(node)[1] == first


def test_a_warm_instance_that_is_not_well_is_started_anew(
    node: Node, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, second = node.deploy(), node.deploy()
    before, check = len(node.calls()), trial.Trial.check

    def hangs_until_it_is_started(self: trial.Trial) -> None:
        if not [call for call in node.calls()[before:] if call.startswith("systemctl start")]:
            raise NodeError("it hangs")
        check(self)

    monkeypatch.setattr(trial.Trial, "check", hangs_until_it_is_started)
    activate(node, "hello.test")
    assert route(node) == (first, second)
    assert node.running() == {first, second}


def test_an_instance_that_serves_elsewhere_is_left_alone_when_it_is_refused(node: Node) -> None:
    other = node.deploy("other.test", check_url="/ok")
    node.deploy()
    node.site.statuses = {"/ok": 404}
    before = node.state()
    with pytest.raises(NodeError, match="answered 404"):
        activate(node, "hello.test", to=other)
    assert node.state() == before


@pytest.mark.parametrize("place", ["vcl.load", "vcl.label", "start", "enable"])
def test_a_program_that_fails_leaves_everything_as_it_was(node: Node, place: str) -> None:
    first, _ = node.deploy(), node.deploy()
    rest(node, first)
    before = node.state()
    node.fail(place)
    with pytest.raises(NodeError, match="failed with exit status 1"):
        activate(node, "hello.test")
    (node.fake / "fail").unlink()
    assert node.state() == before


def test_another_command_that_changes_the_app_keeps_it_out(node: Node) -> None:
    node.deploy()
    node.deploy()
    with (
        locks.of_app(node.layout, "hello", "bob@desk", "updating"),
        pytest.raises(NodeError, match="bob@desk"),
    ):
        activate(node, "hello.test")


def test_a_registry_that_is_made_again_has_what_was_activated(node: Node) -> None:
    first, second = node.deploy(), node.deploy()
    activate(node, "hello.test")
    activate(node, "new.test", to=second)
    rebuilt = registry.rebuild(instances.load_all(node.layout))
    assert rebuilt.locations["hello.test"] == node.routes.locations["hello.test"]
    assert rebuilt.locations["new.test"] == Route(
        "hello", second, "", node.routes.locations["new.test"].since
    )
    assert {first, second} == node.running()
