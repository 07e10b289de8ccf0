"""What is found wrong with a balancer and with a database node, from what their commands print."""

import json
import math
from collections.abc import Mapping

import pytest

from silverlining.remote import servers
from silverlining.remote.diagnosis import Finding
from silverlining.remote.servers import BACKENDS, CLOCK, CLUSTERS, RELEASE, ServersError

WELL = {
    RELEASE: '{"version": "0.3.0", "digest": "abc"}',
    CLOCK: "1000.250000000\n",
}


def backend(health: str, by_hand: str = "probe", kind: str = "backend") -> dict[str, object]:
    return {"type": kind, "admin_health": by_hand, "probe_message": [3, 3, health]}


def listed(**backends: dict[str, object]) -> str:
    """Return what Varnish 7.1 prints of the web nodes."""
    named = {f"balancer_0123.node_{name}": each for name, each in backends.items()}
    director = {"balancer_0123.web": backend("healthy", kind="shard")}
    return json.dumps([3, ["backend.list", "-j"], 1000.0, named | director])


def findings(printed: Mapping[str, str], *, balancer: bool = False) -> list[Finding]:
    """Return what is found on a balancer, or else on a database node."""
    answer = servers.examine(
        (WELL | dict(printed)).get, "shop-x1", database=not balancer, balancer=balancer
    )
    found: list[Finding] = answer["findings"]
    return found


def told(printed: Mapping[str, str], *, balancer: bool = False) -> list[str]:
    return [f"{each['state']} {each['text']}" for each in findings(printed, balancer=balancer)]


def test_it_answers_as_a_node_with_applications_does() -> None:
    answer = servers.examine(WELL.get, "shop-x1", database=False, balancer=False)
    assert answer == {
        "version": "0.3.0",
        "digest": "abc",
        "time": 1000.25,
        "locations": [],
        "findings": [],
    }


def test_a_node_that_was_never_set_up_is_told_of() -> None:
    with pytest.raises(ServersError, match=r"never set up; .* \./silver setup-node shop-x1"):
        servers.examine(lambda _: None, "shop-x1", database=True, balancer=False)


def test_a_clock_that_cannot_be_read_is_no_time() -> None:
    ask = {RELEASE: WELL[RELEASE]}.get
    answer = servers.examine(ask, "shop-x1", database=False, balancer=False)
    assert math.isnan(answer["time"])


@pytest.mark.parametrize(
    ("backends", "expected"),
    [
        ({"web1": backend("healthy"), "web2": backend("healthy")}, ["ok 2 web nodes are well"]),
        (
            {"web1": backend("healthy"), "web2": backend("sick")},
            ["wrong web2 gets no requests: it does not answer, or serves nothing"],
        ),
        (
            {"web1": backend("healthy", by_hand="sick")},
            ["wrong web1 gets no requests: somebody has taken it out by hand"],
        ),
        ({"web1": backend("sick", by_hand="healthy")}, ["ok 1 web node is well"]),
        ({}, ["wrong it knows no web node"]),
    ],
    ids=["all are well", "one is not", "taken out by hand", "taken in by hand", "none"],
)
def test_a_balancer_tells_which_web_nodes_are_well(
    backends: dict[str, dict[str, object]], expected: list[str]
) -> None:
    assert told({BACKENDS: listed(**backends)}, balancer=True) == expected


def test_a_balancer_whose_varnish_does_not_run_is_told_of() -> None:
    assert told({}, balancer=True) == ["wrong varnish.service does not run"]


@pytest.mark.parametrize(
    ("printed", "expected"),
    [
        (
            "15 main 5432 online postgres /var/lib/postgresql/15/main log\n",
            ["ok PostgreSQL 15/main runs on port 5432 (online)"],
        ),
        (
            "15 main 5432 online,recovery postgres /var/lib/postgresql/15/main log\n",
            ["ok PostgreSQL 15/main runs on port 5432 (online,recovery)"],
        ),
        (
            "15 main 5432 down postgres /var/lib/postgresql/15/main log\n",
            ["wrong PostgreSQL 15/main does not run (down)"],
        ),
        ("", ["wrong there is no PostgreSQL"]),
    ],
    ids=["runs", "a replica", "down", "none"],
)
def test_a_database_node_tells_whether_postgresql_runs(printed: str, expected: list[str]) -> None:
    assert told({CLUSTERS: printed}) == expected


def test_every_problem_comes_with_what_to_do() -> None:
    found = [
        *findings({BACKENDS: listed(web1=backend("sick"))}, balancer=True),
        *findings({BACKENDS: listed()}, balancer=True),
        *findings({}, balancer=True),
        *findings({}),
        *findings({CLUSTERS: "15 main 5432 down postgres /x log"}),
    ]
    assert [each["state"] for each in found] == ["wrong"] * 5
    assert all(each["fix"] and "NODE" not in each["fix"] for each in found)
