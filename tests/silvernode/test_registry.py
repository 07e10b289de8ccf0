"""The registry: what is served where, and the same again from the records."""

import re
from typing import Any

import pytest

from silvernode import registry
from silvernode.errors import NodeError
from silvernode.instances import Record
from silvernode.layout import Layout
from silvernode.registry import Registry


def record(instance: str, address: str = "127.1.0.1", **since: str) -> Record:
    locations = {location.replace("_", "."): time for location, time in since.items()}
    return Record(instance, instance.partition(".")[0], address, "", "", {}, "", locations)


def test_a_switch_remembers_the_one_before() -> None:
    routes = Registry().switched("h.test", "a", "a.1", "t1").switched("h.test", "a", "a.2", "t2")
    assert routes.locations == {"h.test": registry.Route("a", "a.2", "a.1", "t2")}
    assert routes.referenced("a") == {"a.1", "a.2"}
    assert routes.active_of("a") == {"a.2"}


def test_switching_back_swaps_active_and_previous() -> None:
    routes = Registry()
    for instance in ("a.1", "a.2", "a.1"):
        routes = routes.switched("h.test", "a", instance, "")
    assert routes.locations["h.test"] == registry.Route("a", "a.1", "a.2", "")


def test_switching_to_what_is_active_keeps_the_previous_one() -> None:
    routes = Registry().switched("h.test", "a", "a.1", "").switched("h.test", "a", "a.2", "")
    assert routes.switched("h.test", "a", "a.2", "later") == routes


def test_locations_of_one_app_are_switched_one_by_one() -> None:
    routes = Registry().switched("h.test", "a", "a.1", "").switched("h.test/b", "a", "a.2", "")
    assert routes.active("h.test") == "a.1"
    assert routes.active("h.test/b") == "a.2"
    assert routes.active("h.test/c") == ""
    assert (routes.owner("h.test"), routes.owner("h.test/c")) == ("a", None)


def test_addresses_are_reused_and_never_given_twice() -> None:
    routes = Registry()
    for number in range(1, 301):
        routes = routes.with_address(f"a.{number}", routes.free_address())
    assert len(set(routes.addresses.values())) == 300
    assert routes.addresses["a.1"] == "127.1.0.1"
    assert routes.addresses["a.256"] == "127.1.1.0"
    assert routes.without("a.7").free_address() == "127.1.0.7"


def test_a_node_without_a_free_address_says_what_to_do() -> None:
    taken = {str(number): f"127.1.{number >> 8}.{number & 255}" for number in range(1, 0xFFFF)}
    with pytest.raises(NodeError, match="no address left"):
        Registry(addresses=taken).free_address()


def test_what_is_saved_is_loaded(layout: Layout) -> None:
    routes = Registry().switched("h.test/b", "a", "a.1", "t").with_address("a.1", "127.1.0.1")
    registry.save(layout, routes)
    assert registry.load(layout) == routes


def test_a_node_without_a_registry_serves_nothing(layout: Layout) -> None:
    assert registry.load(layout) == Registry()


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{",
        "null",
        "[]",
        "{}",
        '{"locations": {"h": {}}, "addresses": {}}',
        "\x00\x00",
        "\udcff",
    ],
)
def test_a_damaged_registry_names_the_command_that_mends_it(layout: Layout, text: str) -> None:
    layout.state.mkdir(parents=True)
    layout.registry.write_bytes(text.encode(errors="surrogateescape"))
    with pytest.raises(NodeError, match=re.escape(str(layout.registry)) + ".*silver-node rebuild"):
        registry.load(layout)


@pytest.mark.parametrize(
    ("records", "locations"),
    [
        ([], {}),
        ([record("a.1")], {}),
        ([record("a.1", h_test="1")], {"h.test": ("a.1", "")}),
        ([record("a.2", h_test="2"), record("a.1", h_test="1")], {"h.test": ("a.2", "a.1")}),
        # a.1 was made active again after a.2.
        ([record("a.1", h_test="3"), record("a.2", h_test="2")], {"h.test": ("a.1", "a.2")}),
        (
            [
                record("a.1", h_test="1", o_test="2"),
                record("a.2", h_test="3"),
                record("b.1", p_test="4"),
            ],
            {"h.test": ("a.2", "a.1"), "o.test": ("a.1", ""), "p.test": ("b.1", "")},
        ),
    ],
)
def test_the_registry_is_rebuilt_from_the_records(records: Any, locations: Any) -> None:
    rebuilt = registry.rebuild(records)
    routes = {name: (route.instance, route.previous) for name, route in rebuilt.locations.items()}
    assert routes == locations
    assert set(rebuilt.addresses) == {each.instance for each in records}
