"""What is looked at from here, beside what a node finds itself."""

from typing import Any

import pytest

from silverlining.remote import diagnosis
from silverlining.remote.diagnosis import Finding

NODE = "203.0.113.5"
NAMES = {"shop.test": {NODE}, "silver-doctor.pages.test": {"198.51.100.7"}, "away.test": set()}


@pytest.fixture(autouse=True)
def _names(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(diagnosis, "addresses_of", lambda host: NAMES[host])


def complete(**changes: Any) -> list[Finding]:
    """Return the findings about a node with which all is well, but for the changes."""
    answer = {
        "version": "0.3.0",
        "digest": "abc",
        "time": 1000.0,
        "locations": ["shop.test", "shop.test/blog", "default"],
        "findings": [],
        **changes,
    }
    return diagnosis.complete(
        answer,
        node="web1",
        addresses={NODE},
        digest="abc",
        between=(999.0, 1001.0),
    )


def wrong(**changes: Any) -> list[str]:
    return diagnosis.problems(complete(**changes))


def test_a_node_that_is_well_has_nothing_wrong() -> None:
    found = complete()
    assert diagnosis.problems(found) == []
    assert [each["check"] for each in found] == ["release", "clock", "names"]


def test_what_the_node_finds_is_told_too() -> None:
    theirs = {"check": "disk", "state": "wrong", "text": "full", "fix": "make room"}
    assert wrong(findings=[theirs]) == ["disk: full (to do: make room)"]


def test_another_release_is_told_of_with_the_command_to_type() -> None:
    assert wrong(digest="older")[0].endswith("(to do: ./silver setup-node web1)")


@pytest.mark.parametrize(
    ("time", "seconds"), [(998.0, None), (1005.9, None), (990.0, 9), (1100.0, 99)]
)
def test_clocks_may_differ_by_a_few_seconds(time: float, seconds: int | None) -> None:
    texts = wrong(time=time)
    if seconds is None:
        assert texts == []
    else:
        assert texts[0].startswith(
            f"clock: the node's clock and that of this machine differ by {seconds} s"
        )


@pytest.mark.parametrize(
    ("location", "text"),
    [
        ("away.test", "names: away.test leads nowhere, not to web1"),
        ("*.pages.test", "names: *.pages.test leads to 198.51.100.7, not to web1"),
    ],
)
def test_names_that_lead_elsewhere_are_told_of(location: str, text: str) -> None:
    [problem] = wrong(locations=[location])
    assert problem.startswith(text)
    assert NODE in problem


V1, V2 = {"shop.test": "shop.20261122_001"}, {"shop.test": "shop.20261122_002"}


def test_web_nodes_that_serve_the_same_are_well() -> None:
    assert diagnosis.differences("web1", {"web1": V1, "web2": V1}) == []


def test_web_nodes_that_serve_different_versions_are_told_of_once() -> None:
    served = {"web1": V1, "web2": V2}
    assert diagnosis.problems(diagnosis.differences("web1", served)) == [
        "set: shop.test is not the same everywhere: shop.20261122_001 on web1,"
        " shop.20261122_002 on web2 (to do: update it again: ./silver update DIR shop.test)"
    ]
    assert diagnosis.differences("web2", served) == []


def test_a_web_node_that_lacks_a_location_is_told_of() -> None:
    [found] = diagnosis.differences("web1", {"web1": {}, "web2": V2})
    assert "nothing on web1, shop.20261122_002 on web2" in found["text"]


def test_where_no_node_could_be_asked_there_is_nothing_to_compare() -> None:
    assert diagnosis.differences("web1", {}) == []
