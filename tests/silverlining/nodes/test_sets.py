from pathlib import Path
from typing import Any

import pytest

from silverlining.nodes import sets
from silverlining.nodes.sets import Existing, SetError

SHOP: dict[str, Any] = {
    "set": "my_shop",
    "size": "ram 1024",
    "web": {"count": 2},
    "db": {"count": 1, "size": "ram 2048", "image": "name debian:13"},
}


def there(name: str, *groups: str, state: str = "running", where: str = "") -> Existing:
    return Existing(name, where or sets.DEFAULT_SOURCE, state, groups)


def test_nodes_are_called_by_set_kind_and_number() -> None:
    shop = sets.parse(SHOP)
    assert (shop.group, shop.source) == ("set_my_shop", sets.DEFAULT_SOURCE)
    assert [(member.name, *member.groups) for member in shop.members] == [
        ("my-shop-web1", "web"),
        ("my-shop-web2", "web"),
        ("my-shop-db1", "db"),
    ]


def test_image_and_size_of_a_kind_go_before_those_of_the_set() -> None:
    members = {member.name: member for member in sets.parse(SHOP).members}
    assert (members["my-shop-web1"].size, members["my-shop-web1"].image) == ("ram 1024", "")
    assert members["my-shop-db1"].size == "ram 2048"
    assert members["my-shop-db1"].image == "name debian:13"


def test_a_node_may_be_of_several_groups() -> None:
    [member] = sets.parse({"set": "shop", "db+web": {"count": 1}}).members
    assert (member.name, member.groups) == ("shop-web-db1", ["web", "db"])


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"set": None}, "set is missing: a name of lower case letters"),
        ({"set": "My-Shop"}, "bad set 'My-Shop': a name of lower case"),
        ({"set": "a" * 33}, "bad set 'aaa"),
        ({"wbe": {"count": 1}}, "unknown key 'wbe'; known are set, source, image, size, web, db"),
        ({"web+wbe": {"count": 1}}, "unknown key 'web\\+wbe'"),
        ({"web+web": {"count": 1}}, "unknown key 'web\\+web'"),
        ({"web": 2}, "web is to be a mapping with count, image, size"),
        ({"web": {"count": 1, "ram": 2}}, "unknown key 'ram' in web; known are count, image, size"),
        ({"web": {}}, "count of web is to be a number from 0 to 1000, not None"),
        ({"web": {"count": -1}}, "not -1"),
        ({"web": {"count": True}}, "not True"),
        ({"web": {"count": "2"}}, "not '2'"),
        ({"web": {"count": 10_000}}, "not 10000"),
        ({"web": {"count": 1, "size": 3}}, "size of web is to be text"),
        ({"image": ["x"]}, "image is to be text"),
        ({"db": {"count": 2}}, "2 nodes in db: a set has one database node"),
        ({"web+db": {"count": 1}}, "2 nodes in db"),
        ({"web+balancer": {"count": 1}, "balancer+web": {"count": 1}}, "web\\+balancer .* twice"),
    ],
)
def test_a_wrong_declaration_is_refused(change: dict[str, Any], message: str) -> None:
    with pytest.raises(SetError, match=message) as caught:
        sets.parse({**SHOP, **change})
    assert f"As in: {sets.EXAMPLE}" in str(caught.value)


def test_all_that_is_wrong_is_said_at_once() -> None:
    expected = r"bad set 'X'.*unknown key 'wbe'.*not -1.*2 nodes in db: .*, so leave one"
    with pytest.raises(SetError, match=expected):
        sets.parse({"set": "X", "wbe": {}, "web": {"count": -1}, "db": {"count": 2}})


@pytest.mark.parametrize(
    "wrong", [{"wbe+db": {"count": 2}}, {"db": 2}, {"db": {"count": "2"}}, {"db": {"count": 2000}}]
)
def test_database_nodes_are_counted_only_where_that_makes_sense(wrong: dict[str, Any]) -> None:
    with pytest.raises(SetError) as caught:
        sets.parse({"set": "shop", **wrong})
    assert "nodes in db" not in str(caught.value)


@pytest.mark.parametrize("declared", [None, {}, "shop", [1]])
def test_without_a_declaration_an_example_is_shown(declared: object) -> None:
    with pytest.raises(SetError, match="say which nodes there are to be"):
        sets.parse(declared)


def test_a_set_without_nodes_is_refused() -> None:
    with pytest.raises(SetError, match="no nodes: add at least one of web, db, balancer"):
        sets.parse({"set": "shop"})


def test_what_is_not_there_or_does_not_run_is_missing() -> None:
    nodes = [
        there("my-shop-web1", "web", "set_my_shop"),
        there("my-shop-web2", "web", "set_my_shop", state="stopped"),
    ]
    missing = sets.missing(sets.parse(SHOP), nodes)
    assert [member.name for member in missing] == ["my-shop-web2", "my-shop-db1"]


def test_what_is_in_the_set_and_not_declared_is_surplus() -> None:
    nodes = [
        there("my-shop-web2", "web", "set_my_shop"),
        there("my-shop-web3", "web", "set_my_shop"),
        there("other-web1", "web", "set_other"),
    ]
    shop = sets.parse({**SHOP, "source": "inventory/cloud.libcloud.yml"})
    assert sets.surplus(shop, nodes) == ["my-shop-web3"]
    assert sets.removal(shop, ["my-shop-web3"]) == (
        "./silver destroy-node my-shop-web3 --source inventory/cloud.libcloud.yml"
    )


@pytest.mark.parametrize(
    ("node", "message"),
    [
        (there("my-shop-web1", "web", "set_other"), "is not in the set my_shop: choose another"),
        (
            there("my-shop-web1", "web", "set_my_shop", where="servers.yml"),
            "a node my-shop-web1 already, in servers.yml",
        ),
        (
            there("my-shop-web1", "db", "set_my_shop"),
            "made for db, not web, .*: ./silver destroy-node my-shop-web1 removes it",
        ),
    ],
)
def test_a_name_that_is_taken_by_another_node_is_refused(node: Existing, message: str) -> None:
    with pytest.raises(SetError, match=message):
        sets.missing(sets.parse(SHOP), [node])


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("create_nodes: {", "shop.yml: while parsing"),
        ("- a\n", "shop.yml: say which nodes"),
        ("create_nodes: {set: X, web: {count: 1}}", "shop.yml: create_nodes: bad set 'X'"),
    ],
)
def test_an_error_names_the_file(tmp_path: Path, text: str, message: str) -> None:
    path = tmp_path / "shop.yml"
    path.write_text(text)
    with pytest.raises(SetError, match=message):
        sets.read(path)


def test_a_file_is_read(tmp_path: Path) -> None:
    path = tmp_path / "shop.yml"
    path.write_text(sets.EXAMPLE)
    assert len(sets.read(path).members) == 4
