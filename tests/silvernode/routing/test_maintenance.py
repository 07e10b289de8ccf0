"""Disabling and enabling: what is meant, what is said, and what a crash leaves."""

from typing import Any

import pytest

from silvernode import settings
from silvernode.errors import NodeError
from silvernode.routing import closings, maintenance, registry, varnish
from silvernode.routing.maintenance import Meant
from tests.silvernode.conftest import Node
from tests.silvernode.test_crashes import check_site, killed_at


def disable(node: Node, apps: tuple[str, ...] = (), locations: tuple[str, ...] = ()) -> Any:
    return maintenance.disable(node.layout, Meant(apps, locations))


def enable(node: Node, apps: tuple[str, ...] = (), locations: tuple[str, ...] = ()) -> Any:
    return maintenance.enable(node.layout, Meant(apps, locations))


def closed(node: Node) -> bool:
    """Whether Varnish keeps the visitors of some place of hello out."""
    label = node.fake / "label/app_hello"
    return "X-Silver-Closed =" in (node.fake / "vcl" / label.read_text().strip()).read_text()


def test_an_app_is_disabled_once_and_stays_so_over_updates(node: Node) -> None:
    node.deploy()
    answer = disable(node, apps=("hello",))
    assert answer == {
        "changed": True,
        "msg": "hello.test: visitors get status 503 and the page of Silver Lining",
    }
    assert closed(node)
    assert disable(node, apps=("hello",)) == {
        "changed": False,
        "msg": "hello.test was disabled already",
    }
    new = node.deploy()
    assert new in node.served()
    assert closed(node)
    node.deploy("other.test")
    assert node.routes.is_disabled("other.test")


def test_what_was_disabled_is_enabled_with_all_locations_of_the_app(node: Node) -> None:
    node.deploy()
    node.deploy("other.test")
    disable(node, ("hello",), ("hello.test",))
    assert enable(node, ("hello",)) == {
        "changed": True,
        "msg": "hello.test: visitors get the site\nother.test: visitors get the site",
    }
    assert not closed(node)
    assert enable(node, ("hello",))["msg"] == (
        "hello.test was not disabled\nother.test was not disabled"
    )


def test_locations_are_meant_by_name_and_by_wildcard(node: Node) -> None:
    for location in ("a.test", "b.test", "*.test"):
        node.deploy(location)
    for locations, disabled in [(("*.test",), "*.test"), (("?.test",), "*.test a.test b.test")]:
        disable(node, locations=locations)
        assert " ".join(node.routes.disabled.locations) == disabled
    enable(node, locations=("a.test", "*.test"))
    assert node.routes.disabled.locations == ("b.test",)


def test_the_page_is_named_that_visitors_get(node: Node) -> None:
    node.deploy()
    node.deploy("disabled", name="page")
    assert disable(node, ("hello",))["msg"].endswith("status 503 and the page of page")
    assert "page_of_disabled" in node_vcl(node)
    newer = node.deploy("disabled", name="page")
    assert f'X-Silver-Instance = "{newer}"' in node_vcl(node)


def node_vcl(node: Node) -> str:
    name = (node.fake / "label/app_hello").read_text().strip()
    return (node.fake / "vcl" / name).read_text()


@pytest.mark.parametrize(
    ("apps", "locations", "message"),
    [
        (["helo"], [], "no app named helo is served on this node; there is hello, page"),
        ([], ["helo.test"], "nothing is served at helo.test on this node; there is hello.test"),
        ([], ["disabled"], "disabled has no visitors .* ./silver deactivate disabled"),
        (["hello"], ["no.test"], "nothing is served at no.test"),
    ],
)
def test_what_is_not_there_is_an_error_that_names_what_is(
    node: Node, apps: list[str], locations: list[str], message: str
) -> None:
    node.deploy()
    node.deploy("disabled", name="page")
    before = node.files()
    with pytest.raises(NodeError, match=message):
        disable(node, tuple(apps), tuple(locations))
    assert node.files() == before


def test_a_location_of_a_disabled_app_is_not_enabled_by_itself(node: Node) -> None:
    node.deploy()
    disable(node, ("hello",))
    with pytest.raises(NodeError, match=r"disabled with all of hello; .* enable --by-name hello"):
        enable(node, locations=("hello.test",))
    with pytest.raises(NodeError, match="no app named other"):
        enable(node, ("other",))


def test_routes_that_varnish_refuses_leave_it_enabled(node: Node) -> None:
    node.deploy()
    before = node.files()
    node.fail("vcl.load")
    with pytest.raises(NodeError, match=r"vcl\.load"):
        disable(node, ("hello",))
    node.fail("")
    assert node.files() == before
    assert not closed(node)


@pytest.mark.parametrize("order", [(disable, enable), (enable, disable)])
def test_killed_at_any_step_it_can_be_given_again(node: Node, order: Any) -> None:
    node.deploy()
    asked, opposite = order
    step = 0
    while True:
        opposite(node, ("hello",)) if step or asked is enable else None
        if not killed_at(step, lambda: asked(node, ("hello",))):
            break
        check_site(node)
        asked(node, ("hello",))
        assert closed(node) is node.routes.is_disabled("hello.test") is (asked is disable)
        step += 1
    assert step > 3


def test_killed_at_any_step_of_closing_the_next_deploy_opens_the_site(node: Node) -> None:
    node.deploy()
    current = settings.load(node.layout)

    def work() -> None:
        with maintenance.closed(node.layout, "hello", closings.MAINTENANCE, current):
            varnish.apply(node.layout, registry.load(node.layout), current)

    step = 0
    while killed_at(step, work):
        check_site(node)
        node.prepare()
        assert not closed(node)
        step += 1
    assert step > 3
    assert closings.current(node.layout) == {}
