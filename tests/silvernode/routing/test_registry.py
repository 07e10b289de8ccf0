"""The registry: what is served where, and the same again from the records."""

import re
from dataclasses import replace
from typing import Any

import pytest

from silvernode.errors import NodeError
from silvernode.instances import Record
from silvernode.layout import Layout
from silvernode.routing import registry
from silvernode.routing.registry import Registry

RELEASE_0_2_0 = """{
  "addresses": {
    "a.1": "127.1.0.1",
    "a.2": "127.1.0.2"
  },
  "locations": {
    "h.test": {
      "app": "a",
      "instance": "a.2",
      "previous": "a.1",
      "since": "2026-11-22T10:00:00.000+00:00"
    }
  }
}
"""


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


def test_what_is_disabled_and_the_last_names_are_saved_and_what_is_closed_is_not(
    layout: Layout,
) -> None:
    routes = Registry().switched("h.test/b", "a", "a.1", "t").with_address("a.1", "127.1.0.1")
    routes = replace(routes.with_disabled(["b"], ["h.test/b"]), numbers={"a": "a.1"})
    registry.save(layout, routes.with_closed({"a": "maintenance"}))
    assert registry.load(layout) == routes
    assert registry.load(layout).numbers == {"a": "a.1"}
    assert b"maintenance" not in layout.registry.read_bytes()


def test_a_registry_of_an_older_release_is_loaded(layout: Layout) -> None:
    layout.state.mkdir(parents=True)
    layout.registry.write_text(RELEASE_0_2_0)
    assert registry.load(layout) == Registry(
        {"h.test": registry.Route("a", "a.2", "a.1", "2026-11-22T10:00:00.000+00:00")},
        {"a.1": "127.1.0.1", "a.2": "127.1.0.2"},
    )


def test_apps_and_locations_are_disabled_beside_others_and_enabled_one_by_one() -> None:
    routes = Registry().switched("h.test", "a", "a.1", "").switched("o.test", "b", "b.1", "")
    routes = routes.with_disabled(apps=["b"]).with_disabled(["b"], ["h.test"])
    assert routes.disabled == registry.Disabled(("b",), ("h.test",))
    assert routes.is_disabled("h.test")
    assert routes.is_disabled("o.test")
    assert not routes.with_enabled(apps=["b"]).is_disabled("o.test")
    assert routes.with_enabled(apps=["b"]).is_disabled("h.test")
    assert routes.with_enabled(["b", "c"], ["h.test"]).disabled == registry.NOTHING


def test_a_disabled_app_is_disabled_wherever_it_is_served_later() -> None:
    routes = Registry().with_disabled(["a"]).switched("h.test", "a", "a.1", "")
    assert routes.is_disabled("h.test")
    assert not routes.is_disabled("unknown.test")


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
        '{"locations": {}, "addresses": {}, "disabled": []}',
        '{"locations": {}, "addresses": {}, "disabled": {"apps": [{}]}}',
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


def test_a_rebuilt_registry_has_disabled_what_it_is_told_is_disabled() -> None:
    rebuilt = registry.rebuild([record("a.1", h_test="1")], registry.Disabled(("a",)))
    assert rebuilt.is_disabled("h.test")


@pytest.mark.parametrize(
    ("text", "disabled"),
    [
        (None, registry.NOTHING),
        ('{"disabled": {"apps": ["a"], "locations": []}}', registry.Disabled(("a",))),
        ('{"locations": 3}', registry.NOTHING),
        ('{"disabled": {"apps": 7}}', None),
        ("[]", None),
        ("{", None),
    ],
)
def test_what_is_disabled_is_read_of_a_damaged_registry_where_possible(
    layout: Layout, text: str | None, disabled: registry.Disabled | None
) -> None:
    layout.state.mkdir(parents=True)
    if text is not None:
        layout.registry.write_text(text)
    assert registry.salvaged(layout) == disabled


def test_a_location_that_is_taken_away_is_not_disabled_for_the_next_one() -> None:
    routes = Registry().switched("h.test", "a", "a.1", "").switched("i.test", "a", "a.1", "")
    routes = routes.with_disabled(locations=["h.test", "i.test"]).without_locations(["h.test"])
    assert set(routes.locations) == {"i.test"}
    assert routes.disabled.locations == ("i.test",)


def test_a_name_is_remembered_when_its_instance_is_gone() -> None:
    routes = Registry().with_address("a.1", "127.1.0.1").with_address("a.2", "127.1.0.2")
    assert routes.without("a.2").numbers == {"a": "a.2"}
