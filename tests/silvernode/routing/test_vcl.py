"""The text of Varnish's configuration."""

import re
from itertools import pairwise
from pathlib import Path

import pytest

from silvernode.routing import vcl
from silvernode.routing.registry import Registry, Route


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    (tmp_path / "apps.vcl").write_text("# policy\n")
    (tmp_path / "hosts.vcl").write_text("# front\n")
    return tmp_path


def registry(*locations: str, previous: str = "") -> Registry:
    """Routes of one app, each location with an instance of its own."""
    names = {
        location: f"hello.20261122_{number:03}" for number, location in enumerate(locations, 1)
    }
    routes = {name: Route("hello", instance, previous, "") for name, instance in names.items()}
    instances = [*names.values(), *([previous] if previous else [])]
    return Registry(routes, {name: f"127.1.0.{number}" for number, name in enumerate(instances, 1)})


@pytest.mark.parametrize(
    ("location", "url", "caught"),
    [
        ("h.test/blog", "/blog", True),
        ("h.test/blog", "/blog/", True),
        ("h.test/blog", "/blog/a?b", True),
        ("h.test/blog", "/blog?page=2", True),
        ("h.test/blog", "/blogger", False),
        ("h.test/blog", "/a/blog", False),
        ("h.test/v1.0", "/v1.0/x", True),
        ("h.test/v1.0", "/v1x0/x", False),
        ("h.test/~ann/a-b_c", "/~ann/a-b_c/", True),
    ],
)
def test_a_prefix_catches_what_is_under_it_and_nothing_else(
    directory: Path, location: str, url: str, caught: bool
) -> None:
    routes = registry(location)
    for text in (
        vcl.root_vcl(routes, directory).text,
        vcl.app_vcl("hello", routes, directory, 9).text,
    ):
        pattern = re.search(r'req\.url ~ "(.*?)"', text)
        assert pattern
        assert bool(re.search(pattern[1], url)) is caught


def test_the_previous_instance_is_served_under_prev_as_the_real_host(directory: Path) -> None:
    text = vcl.app_vcl(
        "hello", registry("h.test", previous="hello.20261121_007"), directory, 9
    ).text
    block = text.partition("if (req.http.X-Silver-Previous) {")[2].partition("}")[0]
    assert "set req.backend_hint = instance_20261121_007;" in block
    assert 'set req.http.X-Silver-Instance = "hello.20261121_007";' in block


def test_an_app_at_disabled_is_asked_only_where_something_is_disabled(directory: Path) -> None:
    routes = registry("h.test").with_address("page.20261122_001", "127.1.0.9")
    routes = routes.switched("disabled", "page", "page.20261122_001", "")
    open_text = vcl.app_vcl("hello", routes, directory, 9).text
    closed_text = vcl.app_vcl("hello", routes.with_disabled(["hello"]), directory, 9).text
    assert "127.1.0.9" not in open_text, "a backend that nothing refers to is a compile error"
    assert closed_text.count("127.1.0.9") == 1
    assert 'set req.http.X-Silver-Closed = "disabled";' in closed_text


def test_what_a_deploy_has_closed_is_disabled_all_the_same_if_it_is_disabled(
    directory: Path,
) -> None:
    routes = registry("h.test").with_disabled(["hello"]).with_closed({"hello": "read-only"})
    text = vcl.app_vcl("hello", routes, directory, 9).text
    assert 'X-Silver-Closed = "disabled"' in text
    assert "read-only" not in text


def sizes(hosts: int) -> list[int]:
    """How many hosts are in each of the subroutines."""
    return [min(50, hosts - start) for start in range(0, hosts, 50)]


@pytest.mark.parametrize("name", ["silver_hosts", "silver_route"])
def test_no_subroutine_holds_more_than_fifty_hosts(directory: Path, name: str) -> None:
    routes = registry(*(f"h{number}.test" for number in range(120)))
    root, app = vcl.root_vcl(routes, directory), vcl.app_vcl("hello", routes, directory, 9)
    text = root.text if name == "silver_hosts" else app.text
    subroutines = re.findall(rf"sub ({name}_\d+) \{{(.*?)^\}}", text, re.DOTALL | re.MULTILINE)
    hosts = 240 if name == "silver_hosts" else 120  # www. before each of them leads there
    assert [body.count("req.http.host ==") for _, body in subroutines] == sizes(hosts)
    called = re.findall(r"call (\w+);", text)
    assert called == [name for name, _ in subroutines]


def test_an_apps_vcl_has_a_backend_for_each_of_its_instances_and_no_other(directory: Path) -> None:
    routes = registry("a.test", "b.test")
    other = Route("places", "places.20261122_001", "", "")
    routes = Registry(
        {**routes.locations, "p.test": other},
        {**routes.addresses, other.instance: "127.1.0.9", "hello.20200101_001": "127.1.0.8"},
    )
    text = vcl.app_vcl("hello", routes, directory, 9).text
    assert re.findall(r'host = "(.*?)"', text) == ["127.1.0.1", "127.1.0.2"]
    assert "places" not in text


def test_the_name_of_a_vcl_tells_its_text_and_the_policy_it_includes(directory: Path) -> None:
    names = [vcl.app_vcl("hello", registry("a.test"), directory, 9).name]
    names.append(vcl.app_vcl("hello", registry("b.test"), directory, 9).name)
    (directory / "apps.vcl").write_text("# another policy\n")
    names.append(vcl.app_vcl("hello", registry("b.test"), directory, 9).name)
    assert all(before != after for before, after in pairwise(names))
    assert names[-1] == vcl.app_vcl("hello", registry("b.test"), directory, 9).name


def test_the_root_vcl_does_not_change_with_the_instance(directory: Path) -> None:
    before = registry("a.test", previous="hello.20261121_001")
    after = before.switched("a.test", "hello", "hello.20261123_001", "")
    assert vcl.root_vcl(before, directory) == vcl.root_vcl(after, directory)


@pytest.mark.parametrize(("locations", "well"), [((), False), (("a.test",), True)])
def test_a_balancer_finds_a_node_well_only_if_it_serves_anything(
    directory: Path, locations: tuple[str, ...], well: bool
) -> None:
    text = vcl.root_vcl(registry(*locations), directory).text
    assert ("if (resp.status == 752) { set resp.status = 200;" in text) is well


def test_a_starting_varnishd_labels_every_app_before_it_loads_the_root() -> None:
    apps = {"b": vcl.Vcl("vcl_b_1", ""), "a": vcl.Vcl("vcl_a_1", "")}
    assert vcl.start_commands(apps, vcl.Vcl("root_1", ""), Path("/v")).splitlines() == [
        "vcl.load vcl_a_1 /v/vcl_a_1.vcl",
        "vcl.label app_a vcl_a_1",
        "vcl.load vcl_b_1 /v/vcl_b_1.vcl",
        "vcl.label app_b vcl_b_1",
        "vcl.load root_1 /v/root_1.vcl",
        "vcl.use root_1",
    ]
