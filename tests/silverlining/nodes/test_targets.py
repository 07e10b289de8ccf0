"""Which node an application goes to."""

import socket

import pytest

from silverlining.nodes import targets
from silverlining.nodes.targets import TargetError

ONE = {"all": ["web1"], "set_web1": ["web1"], "ungrouped": []}
TWO = {"all": ["web1", "web2"], "set_web1": ["web1"], "set_web2": ["web2"]}
SET = {"all": ["web1", "web2", "own"], "set_shop": ["web1", "web2"], "set_empty": []}
DEVEL = {"all": ["web1", "pg"], "set_web1": ["web1"], "devel": ["pg"]}
ADDRESSES = {"pg": "10.0.0.5", "web1": "10.0.0.1", "web2": "10.0.0.2", "own": "own.example.com"}


@pytest.mark.parametrize(
    ("node", "groups", "resolved", "chosen"),
    [
        (None, ONE, set(), "set_web1"),
        (None, ONE, {"192.0.2.7"}, "set_web1"),
        (None, TWO, {"10.0.0.2"}, "set_web2"),
        (None, SET, {"10.0.0.2", "192.0.2.7"}, "set_shop"),
        ("web1", TWO, {"10.0.0.2"}, "set_web1"),
        ("shop", SET, set(), "set_shop"),
        ("set_shop", SET, set(), "set_shop"),
        ("web2", SET, set(), "web2"),
        ("own", SET, set(), "own"),
        (None, SET, {"10.0.0.9"}, "own"),
        (None, {"all": ["own"]}, set(), "own"),
        (None, DEVEL, {"10.0.0.5"}, "set_web1"),
    ],
)
def test_the_target(
    node: str | None, groups: dict[str, list[str]], resolved: set[str], chosen: str
) -> None:
    names = {"h.test": resolved, "own.example.com": {"10.0.0.9"}}
    found = targets.choose(node, "h.test", groups, ADDRESSES, lambda host: names.get(host, {host}))
    assert found == chosen


@pytest.mark.parametrize(
    ("node", "groups", "resolved", "message"),
    [
        (None, {"all": []}, set(), "no node yet: create one with ./silver create-node"),
        ("web1", {"all": []}, set(), "no node yet"),
        (
            None,
            TWO,
            set(),
            "several nodes could serve h.test: web1, web2; say which: --node web1,",
        ),
        (None, TWO, {"10.0.0.1", "10.0.0.2"}, "several nodes could serve h.test: web1, web2"),
        ("pg", DEVEL, set(), "no node or set named pg; there are: web1"),
        (None, {"all": ["pg"], "devel": ["pg"]}, set(), "no node yet"),
        ("web9", TWO, set(), "no node or set named web9; there are: web1, web2"),
        ("empty", SET, set(), "no node or set named empty; there are: own, shop, web1, web2"),
    ],
)
def test_what_cannot_be_told_is_asked(
    node: str | None, groups: dict[str, list[str]], resolved: set[str], message: str
) -> None:
    with pytest.raises(TargetError) as caught:
        targets.choose(
            node, "h.test", groups, ADDRESSES, lambda host: resolved if host == "h.test" else {host}
        )
    assert message in str(caught.value)


def test_a_pattern_goes_where_any_host_below_its_domain_leads() -> None:
    known = {"any.polls.test": "10.0.0.2", "polls.test": "10.0.0.1"}
    found = targets.choose(
        None, "*.polls.test", TWO, ADDRESSES, lambda host: {known.get(host, host)}
    )
    assert found == "set_web2"


def test_a_name_that_does_not_resolve_has_no_address(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object) -> None:
        raise socket.gaierror(-2, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", fail)
    assert targets.addresses_of("h.test") == set()


def test_a_name_that_is_no_host_name_has_no_address() -> None:
    assert targets.addresses_of("a" * 70 + ".test") == set()


def test_a_node_that_is_stopped_is_told_with_what_starts_it() -> None:
    targets.check_running({"web1": "running", "web2": "unknown", "web3": "delivered"})
    with pytest.raises(TargetError, match=r"web2 is stopped, .* create-node web2 --if-not-exists"):
        targets.check_running({"web1": "running", "web2": "stopped"})


def test_a_node_without_an_address_is_told_with_what_waits_for_one() -> None:
    new = {"libcloud_state": "running"}
    states = {"web1": targets.state_of(new | {"ansible_host": "10.0.0.1"})}
    targets.check_running(states | {"own.test": targets.state_of({"ansible_user": "root"})})
    states["web2"] = targets.state_of(new)
    with pytest.raises(TargetError, match=r"web2 has no address yet.* web2 --if-not-exists"):
        targets.check_running(states)


def test_a_stopped_node_without_an_address_is_stopped_above_all() -> None:
    assert targets.state_of({"libcloud_state": "stopped"}) == "stopped"


def test_an_address_is_its_own() -> None:
    assert targets.addresses_of("127.0.0.1") == {"127.0.0.1"}


GROUPS = {
    "all": ["db1", "lb1", "own", "web1", "web2"],
    "set_shop": ["db1", "lb1", "web1", "web2"],
    "web": ["web1", "web2"],
    "db": ["db1"],
    "balancer": ["lb1"],
}


@pytest.mark.parametrize(
    ("target", "expected"),
    [("set_shop", ["web1", "web2"]), ("web2", ["web2"]), ("own", ["own"])],
    ids=["a set", "one of its nodes", "a node that is in no group does everything"],
)
def test_applications_go_to_web_nodes(target: str, expected: list[str]) -> None:
    assert targets.web_nodes(target, GROUPS) == expected


@pytest.mark.parametrize(
    ("host", "expected"), [("web2", ["web1", "web2"]), ("own", ["own"]), ("pg", ["pg"])]
)
def test_the_peers_of_a_web_node(host: str, expected: list[str]) -> None:
    assert targets.peers(host, GROUPS | {"devel": ["pg"]}) == expected


def test_applications_go_to_no_other_node() -> None:
    with pytest.raises(TargetError, match="db1 has no node in the group web, and applications"):
        targets.web_nodes("db1", GROUPS)
