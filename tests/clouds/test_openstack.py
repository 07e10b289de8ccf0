"""Nodes of OpenStack, which is mimic here: all but SSH and key pairs, which it does not have."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from libcloud.compute.types import NodeState

from silverlining.nodes import arrival, host_keys, making, sources
from silverlining.nodes.making import NodeError, Wanted
from silverlining.nodes.node_facts import node_groups, node_to_hostvars
from silverlining.nodes.sources import Source, SourceError
from tests.support.openstack import Cloud

UBUNTU = "first name *Ubuntu*"
SMALL = "id performance1-2"


@pytest.fixture
def source(stack: Cloud, laptop: Path) -> Iterator[Source]:
    source = source_of(stack, laptop)
    yield source
    for node in source.nodes():
        making.destroy(source, node)


def source_of(stack: Cloud, laptop: Path, **options: Any) -> Source:
    return sources.load(stack.source(laptop / "stack.libcloud.yml", **options))


def wanted(name: str = "web1", wait: float = 0) -> Wanted:
    return Wanted(name, UBUNTU, SMALL, ["web", "set_shop"], wait)


def test_a_node_is_made_listed_and_destroyed(source: Source) -> None:
    made = making.create(source, wanted(), print)
    [listed] = source.nodes()
    assert (listed.id, listed.name, listed.state) == (made.id, "web1", NodeState.RUNNING)
    assert node_groups(listed) == ["web", "set_shop"]
    assert ":" not in str(node_to_hostvars(listed, source)["ansible_host"])
    assert len(host_keys.handed("web1")) == 1
    making.destroy(source, listed)
    assert source.nodes() == []


def test_a_node_that_is_being_built_is_waited_for(
    source: Source, stack: Cloud, laptop: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(arrival, "_learn", lambda *_: None)
    monkeypatch.setattr(arrival, "_login", lambda *_: lambda *_: no_login())
    options = {"ex_keyname": "laptop", "ex_metadata": {"server_building": "3"}}
    slow = source_of(stack, laptop, create_options=options)
    said: list[str] = []
    with pytest.raises(NodeError, match=r"does not let us in as ubuntu after 12 s: nobody"):
        making.create(slow, wanted(wait=12), said.append)
    assert said[1:3] == ["web1: pending", "web1: running"]
    assert node_groups(slow.nodes()[0]) == ["web", "set_shop"]


def no_login() -> Any:
    class Done:
        returncode, stdout, stderr = 255, "", "nobody"

    return Done


def test_a_node_that_fails_half_way_is_named_with_what_removes_it(
    source: Source, stack: Cloud, laptop: Path
) -> None:
    options = {"ex_keyname": "laptop", "ex_metadata": {"server_error": "1"}}
    bad = source_of(stack, laptop, create_options=options)
    with pytest.raises(NodeError) as failed:
        making.create(bad, wanted(wait=20), print)
    assert "openstack says that web1 has failed" in str(failed.value)
    assert f"./silver destroy-node web1 --source {bad.origin}" in str(failed.value)


def test_a_node_that_was_made_all_the_same_is_taken(source: Source, stack: Cloud) -> None:
    stack.misbehave("web7", "false-negative", code=500)
    said: list[str] = []
    making.create(source, wanted("web7"), said.append)
    assert [node.name for node in source.nodes()] == ["web7"]
    assert "it has a fault of its own" in said[0]


@pytest.mark.parametrize(
    ("name", "answer", "message"),
    [
        ("web8", (403, "Quota exceeded for cores: Requested 2"), "a quota of"),
        ("web9", (401, "Unauthorized"), "the credentials are wrong"),
    ],
)
def test_a_refusal_is_one_line_and_leaves_nothing(
    source: Source, stack: Cloud, name: str, answer: tuple[int, str], message: str
) -> None:
    code, words = answer
    stack.misbehave(name, "fail", code=code, message=words, type="forbidden")
    with pytest.raises(SourceError, match=message) as refused:
        making.create(source, wanted(name), print)
    assert "\n" not in str(refused.value)
    assert (source.nodes(), host_keys.lookup(name)) == ([], [])
