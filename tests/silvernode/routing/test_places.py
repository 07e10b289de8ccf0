"""The order in which a node asks what a request is for, and what `www.` leads to."""

import re

import pytest

from silvernode.routing import places
from silvernode.routing.locations import HOST_NAME, LOCATION, canonical_host, of_request
from silvernode.routing.registry import Registry, Route


def routes(*locations: str) -> Registry:
    return Registry({name: Route("a", "a.20261122_001", "", "") for name in locations})


def test_the_most_specific_place_comes_first() -> None:
    ordered = [
        "a.b.test",
        "b.test/a/b",
        "b.test/a",
        "b.test",
        "*.x.b.test",
        "*.b.test/a",
        "*.b.test",
        "*.test",
        "default",
        "not-found",
    ]
    found = places.places(routes(*reversed(ordered), "disabled"))
    assert [place.location for place in found] == ordered


def test_www_leads_to_a_whole_host_unless_something_is_there() -> None:
    served = routes(
        "a.test", "b.test", "www.b.test", "c.test/x", "*.d.test", "default", "www.e.test"
    )
    assert places.redirects(served) == {"www.a.test"}


def test_a_place_is_closed_by_its_name_or_its_apps() -> None:
    served = Registry(
        {
            "a.test": Route("a", "a.20261122_001", "", ""),
            "a.test/b": Route("b", "b.20261122_001", "", ""),
            "c.test": Route("c", "c.20261122_001", "", ""),
            "not-found": Route("c", "c.20261122_001", "", ""),
        }
    )
    served = served.with_disabled(["a"], ["a.test/b"])
    served = served.with_closed({"c": "read-only", "a": "maintenance"})
    assert {each.location: each.closed for each in places.places(served)} == {
        "a.test": "disabled",
        "a.test/b": "disabled",
        "c.test": "read-only",
        "not-found": "",
    }


@pytest.mark.parametrize(
    ("asked", "location"),
    [
        ("a.h.test", "a.h.test"),
        ("b.h.test", "*.h.test"),
        ("b.h.test/x", "*.h.test/x"),
        ("a.h.test/x", "*.h.test/x"),
        ("b.y.h.test", "*.y.h.test"),
        ("h.test", "default"),
        ("other.test/x", "default"),
    ],
)
def test_of_a_request_the_location_is_known_afterwards(asked: str, location: str) -> None:
    served = ["default", "*.h.test", "*.h.test/x", "*.y.h.test", "a.h.test"]
    assert of_request(served, asked) == location
    assert of_request(["a.test"], asked) is None


@pytest.mark.parametrize(
    ("location", "host"),
    [
        ("h.test", "h.test"),
        ("h.test/blog", "h.test"),
        ("*.h.test", "h.test"),
        ("*.h.test/blog", "h.test"),
        ("default", "localhost"),
        ("disabled", "localhost"),
        ("not-found", "localhost"),
    ],
)
def test_every_location_has_a_host_that_an_app_can_work_with(location: str, host: str) -> None:
    assert canonical_host(location) == host


@pytest.mark.parametrize(
    ("location", "valid"),
    [
        ("*.h.test", True),
        ("*.h.test/blog", True),
        ("default", True),
        ("*", False),
        ("*.", False),
        ("h.*.test", False),
        ("*h.test", False),
        ("*.prev.h.test", False),
        ("prev.h.test", False),
        ("prev.*.h.test", False),
        ('h.test"', False),
        ("h.test/..//", False),
        ("h.test\n", False),
    ],
)
def test_only_a_location_becomes_a_part_of_vcl(location: str, valid: bool) -> None:
    assert bool(LOCATION.fullmatch(location)) is valid


@pytest.mark.parametrize(
    ("host", "valid"),
    [
        ("a.h.test", True),
        ("xn--bcher-kva.h.test", True),
        ("172.17.0.3", True),
        ("h", True),
        ("", False),
        ("..", False),
        ("a..h.test", False),
        (".h.test", False),
        ("a/../b", False),
        ("a%2e%2e", False),
        ("-a.test", False),
        ("a_b.test", False),
        ("prev.a.test", False),
        ("a" * 64, False),
    ],
)
def test_a_host_that_a_visitor_chose_is_a_name(host: str, valid: bool) -> None:
    assert bool(re.search(f"^{HOST_NAME}$", host)) is valid
