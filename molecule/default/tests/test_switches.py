"""From one instance to the next: the previous one, what is cached, what stays the same."""

import pytest

from tests.support import apps
from tests.support.node import Node, seen


@pytest.fixture(scope="module")
def switched(probe: Node, tmp_path_factory: pytest.TempPathFactory) -> tuple[Node, str, str]:
    """A node where the probe was switched, the instance before and the one after."""
    before = probe.page("probe.test", "/cacheable").json()["instance"]
    copy = apps.copy(
        apps.PROBE, tmp_path_factory.mktemp("apps") / "probe", {"static/only_new.txt": "new"}
    )
    probe.must_deploy(copy)
    return probe, before, probe.active("probe.test")


def test_the_new_instance_is_served(switched: tuple[Node, str, str]) -> None:
    node, before, after = switched
    assert before < after
    assert node.page("probe.test").json()["instance"] == after
    assert node.page("probe.test", "/only_new.txt").text == "new"


def test_the_previous_instance_is_served_beside_it(switched: tuple[Node, str, str]) -> None:
    node, before, _ = switched
    told = node.page("prev.probe.test").json()
    assert told["instance"] == before
    assert told["environ"]["HTTP_HOST"] == "'probe.test'"
    assert told["variables"]["SILVER_CANONICAL_HOSTNAME"] == "probe.test"
    assert "environ" in node.page("prev.probe.test", "/only_new.txt").json()


def test_all_instances_have_one_secret(switched: tuple[Node, str, str]) -> None:
    node, _, _ = switched
    secrets = {node.page(host).json()["secret"] for host in ("probe.test", "prev.probe.test")}
    assert len(secrets) == 1


def test_what_is_marked_cacheable_is_cached(probe: Node) -> None:
    first = probe.page("probe.test", "/cacheable")
    second = probe.page("probe.test", "/cacheable")
    assert first.json()["answer"] == second.json()["answer"], seen(second)
    assert len(second.headers["X-Varnish"].split()) == 2, seen(second)


def test_what_is_not_marked_cacheable_is_not_cached(probe: Node) -> None:
    answers = [probe.page("probe.test", "/") for _ in range(3)]
    assert len({answer.json()["answer"] for answer in answers}) == 3
    assert {answer.headers["Age"] for answer in answers} == {"0"}


def test_what_was_cached_is_not_served_after_a_switch(switched: tuple[Node, str, str]) -> None:
    node, before, after = switched
    assert node.page("probe.test", "/cacheable").json()["instance"] == after
    # Going back would find its own answers again.
    assert node.page("prev.probe.test", "/cacheable").json()["instance"] == before
