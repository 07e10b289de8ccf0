"""Which locations are meant by what a person typed."""

import pytest

from silvernode.errors import NodeError
from silvernode.routing import selection
from silvernode.routing.registry import Registry

ROUTES = Registry()
for _location in ("a.test", "b.test", "b.test/blog", "*.example.com", "www.example.com"):
    ROUTES = ROUTES.switched(_location, "app", "app.1", "")


@pytest.mark.parametrize(
    ("patterns", "meant"),
    [
        (["a.test"], ["a.test"]),
        (["?.test"], ["a.test", "b.test"]),
        (["b.test*"], ["b.test", "b.test/blog"]),
        (["b.test", "*.test", "b.test"], ["b.test", "a.test"]),
        (["*.example.com"], ["*.example.com"]),
        (["*.example.*"], ["*.example.com", "www.example.com"]),
    ],
)
def test_patterns_mean_what_is_there(patterns: list[str], meant: list[str]) -> None:
    assert selection.select(ROUTES, patterns) == meant


@pytest.mark.parametrize(
    ("pattern", "message"),
    [
        ("a.tset", "nothing is served at a.tset on this node; there is a.test"),
        ("[ab].test", r"nothing is served at \[ab\].test"),
        ("*.nowhere", r"nothing is served at \*.nowhere"),
        ("", "nothing is served at  on"),
    ],
)
def test_what_means_nothing_is_an_error_with_the_near_ones(pattern: str, message: str) -> None:
    with pytest.raises(NodeError, match=message):
        selection.select(ROUTES, ["a.test", pattern])


def test_a_node_without_locations() -> None:
    with pytest.raises(NodeError, match="nothing was deployed to it yet"):
        selection.select(Registry(), ["a.test"])
