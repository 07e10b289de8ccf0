from datetime import UTC, datetime
from enum import Enum
from types import SimpleNamespace
from typing import Any

import pytest
from libcloud.compute.base import NodeImage, NodeSize

from silverlining.nodes.node_facts import (
    GroupError,
    check_groups,
    node_groups,
    node_to_hostvars,
    plain,
)
from silverlining.nodes.sources import Source
from tests.silverlining.cloud import FakeDriver, make_node

CLOUD = Source(origin="x", provider="ec2", user="ubuntu", private_key_file="/keys/cloud")


class Colour(Enum):
    RED = "red"


class Network:
    def __str__(self) -> str:
        return "net-1"


def test_a_node_becomes_plain_host_variables() -> None:
    driver = FakeDriver()
    node = make_node(
        "web1",
        driver=driver,
        size=NodeSize("t3", "t3.small", 2048, 0, 0, 0.0, driver),
        image=NodeImage("ami-1", "Ubuntu", driver),
        created_at=datetime(2026, 11, 22, 20, 57, tzinfo=UTC),
        extra={"zone": Colour.RED, "networks": [Network()], "password": "x", "tags": {"a": 1}},
    )
    assert node_to_hostvars(node, CLOUD) == {
        "ansible_host": "203.0.113.7",
        "ansible_user": "ubuntu",
        "ansible_ssh_private_key_file": "/keys/cloud",
        "ansible_control_path": f"%(directory)s/{node.uuid[:10]}-%%r",
        "libcloud_provider": "ec2",
        "libcloud_id": "i-web1",
        "libcloud_state": "running",
        "libcloud_image": "ami-1",
        "libcloud_size": "t3",
        "libcloud_public_ips": ["203.0.113.7"],
        "libcloud_private_ips": ["10.0.0.7"],
        "libcloud_created_at": "2026-11-22T20:57:00+00:00",
        "libcloud_extra": {"zone": "red", "networks": ["net-1"], "tags": {"a": 1}},
    }


def test_what_is_not_known_is_left_out() -> None:
    node = make_node("web1", public_ips=[], private_ips=[], state="odd")
    hostvars = node_to_hostvars(node, Source(origin="x", provider="ec2"))
    assert sorted(hostvars) == [
        "ansible_control_path",
        "libcloud_extra",
        "libcloud_id",
        "libcloud_private_ips",
        "libcloud_provider",
        "libcloud_public_ips",
        "libcloud_state",
    ]
    assert hostvars["libcloud_state"] == "odd"


def test_an_image_and_a_size_that_are_only_names_are_taken_as_they_are() -> None:
    hostvars = node_to_hostvars(make_node("a", image="ubuntu", size="g6-nanode-1"), CLOUD)
    assert (hostvars["libcloud_image"], hostvars["libcloud_size"]) == ("ubuntu", "g6-nanode-1")


def test_an_address_of_ipv4_goes_before_one_of_ipv6() -> None:
    node = make_node("a", public_ips=["2001:db8::7", "203.0.113.7"])
    assert node_to_hostvars(node, CLOUD)["ansible_host"] == "203.0.113.7"


def test_a_node_without_public_address_is_reached_by_its_private_one() -> None:
    hostvars = node_to_hostvars(make_node("db", public_ips=[]), CLOUD)
    assert hostvars["ansible_host"] == "10.0.0.7"


@pytest.mark.parametrize(
    ("public", "private", "expected"),
    [
        (["2001:db8::7", "203.0.113.7"], ["10.0.0.7"], "203.0.113.7"),
        (["2001:db8::7"], ["10.0.0.7"], "2001:db8::7"),
        ([], ["fd00::7", "10.0.0.7"], "10.0.0.7"),
        ([None], ["10.0.0.7"], "10.0.0.7"),
        ([SimpleNamespace(address="203.0.113.7")], [], "203.0.113.7"),
    ],
)
def test_a_node_is_reached_by_a_public_address_and_rather_by_ipv4(
    public: list[object], private: list[str], expected: str
) -> None:
    node = make_node("web1", public_ips=public, private_ips=private)
    assert node_to_hostvars(node, CLOUD)["ansible_host"] == expected


@pytest.mark.parametrize(
    ("label", "expected"),
    [
        ("", ["web", "db", "balancer", "set_shop_db_1"]),
        ("db", ["db", "set_shop_db_1"]),
        ("web-db-set_shop", ["web", "db", "set_shop"]),
        ("set_shop", ["set_shop", "web", "db", "balancer"]),
        ("web-blue", ["web", "blue", "set_shop_db_1"]),
        ("devel", ["devel"]),
        ("web-devel-set_shop", ["devel"]),
    ],
)
@pytest.mark.parametrize("place", ["labels", "tags", "metadata"])
def test_groups_come_from_the_label(place: str, label: str, expected: list[str]) -> None:
    node = make_node("shop-db.1", extra={place: {"silverlining-groups": label}})
    assert node_groups(node) == expected


def test_tags_that_are_no_mapping_and_not_ours_hold_no_groups() -> None:
    node = make_node("a", extra={"tags": ["silverlining-groups"], "tag": None})
    assert node_groups(node) == ["web", "db", "balancer", "set_a"]


@pytest.mark.parametrize("group", ["", "set-shop", "Web", "a b", "1st", "a" * 37])
def test_a_group_that_a_label_or_ansible_cannot_hold_is_refused(group: str) -> None:
    with pytest.raises(GroupError, match="Bad group"):
        check_groups(["web", group])


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (None, None),
        (True, True),
        (1.5, 1.5),
        (Colour.RED, "red"),
        (("a", {"b"}), ["a", ["b"]]),
        ({1: datetime(2026, 1, 2, tzinfo=UTC)}, {"1": "2026-01-02T00:00:00+00:00"}),
        (Network(), "net-1"),
        (b"raw", "b'raw'"),
    ],
)
def test_any_value_becomes_plain(value: Any, expected: Any) -> None:
    assert plain(value) == expected
