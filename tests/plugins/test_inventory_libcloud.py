import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from ansible.errors import AnsibleError, AnsibleParserError
from ansible.inventory.data import InventoryData
from ansible.parsing.dataloader import DataLoader
from ansible.plugins.loader import init_plugin_loader, inventory_loader
from libcloud.compute.base import Node

from silverlining.nodes.engine import EngineError
from silverlining.nodes.sources import Source
from tests.silverlining.cloud import FakeDriver, make_node

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module", autouse=True)
def plugin_loader() -> None:
    init_plugin_loader()


@pytest.fixture
def plugin() -> Any:
    inventory_loader.add_directory(str(ROOT / "plugins" / "inventory"))
    return inventory_loader.get("libcloud")


@pytest.fixture
def inventory() -> InventoryData:
    return InventoryData()


def write(directory: Path, text: str, name: str = "cloud.libcloud.yml") -> str:
    path = directory / name
    path.write_text(f"plugin: libcloud\n{text}")
    return str(path)


def answer_with(monkeypatch: pytest.MonkeyPatch, nodes: Sequence[Node]) -> FakeDriver:
    driver = FakeDriver(nodes)
    monkeypatch.setattr(Source, "driver", lambda self: driver)
    return driver


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("local.libcloud.yml", True),
        ("local.libcloud.yaml", True),
        ("libcloud.yml", False),
        ("local.yml", False),
        ("local.libcloud.yml.orig", False),
        ("missing.libcloud.yml", False),
    ],
)
def test_files_are_taken_by_their_ending(
    plugin: Any, tmp_path: Path, name: str, expected: bool
) -> None:
    if not name.startswith("missing"):
        (tmp_path / name).touch()
    assert plugin.verify_file(str(tmp_path / name)) is expected


def test_a_node_gets_its_variables_and_groups(
    plugin: Any, inventory: InventoryData, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    answer_with(monkeypatch, [make_node("box"), make_node("db1", extra={"tags": {}})])
    path = write(tmp_path, "provider: ec2\nuser: ubuntu\n")
    plugin.parse(inventory, DataLoader(), path)
    inventory.reconcile_inventory()
    groups = {group: sorted(hosts) for group, hosts in inventory.get_groups_dict().items()}
    assert groups == {
        "all": ["box", "db1"],
        "ungrouped": [],
        "web": ["box", "db1"],
        "db": ["box", "db1"],
        "balancer": ["box", "db1"],
        "set_box": ["box"],
        "set_db1": ["db1"],
    }
    box = inventory.get_host("box").get_vars()
    assert (box["ansible_host"], box["ansible_user"]) == ("203.0.113.7", "ubuntu")
    assert box["libcloud_source"] == path


def test_compose_groups_and_keyed_groups_are_honoured(
    plugin: Any, inventory: InventoryData, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    answer_with(monkeypatch, [make_node("box", extra={"region": "fra1"})])
    text = (
        "provider: ec2\nstrict: true\n"
        "compose: {ansible_host: 'libcloud_private_ips[0]'}\n"
        "groups: {inner: \"ansible_host is match('10.')\"}\n"
        "keyed_groups: [{key: libcloud_extra.region, prefix: region}]\n"
    )
    plugin.parse(inventory, DataLoader(), write(tmp_path, text))
    assert inventory.get_host("box").get_vars()["ansible_host"] == "10.0.0.7"
    assert {"inner", "region_fra1"} <= set(inventory.get_groups_dict())


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("provider: ec2\nregoin: eu\n", "cloud.libcloud.yml: unknown option regoin"),
        ("provider: cloud9\n", "cloud.libcloud.yml: unknown provider 'cloud9'"),
        ("name_prefix: x\n", "Required config 'provider' for 'libcloud' inventory plugin"),
    ],
)
def test_a_wrong_file_is_an_error(
    plugin: Any, inventory: InventoryData, tmp_path: Path, text: str, message: str
) -> None:
    with pytest.raises(AnsibleError, match=message):
        plugin.parse(inventory, DataLoader(), write(tmp_path, text))


def test_a_provider_that_cannot_be_asked_is_an_error_that_names_it(
    plugin: Any, inventory: InventoryData, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    answer_with(monkeypatch, []).error = ConnectionError("no route, key AKIA7")
    path = write(tmp_path, "provider: ec2\nkey: AKIA7\nsecret: t0psecret\n")
    with pytest.raises(
        AnsibleParserError,
        match=r"cloud\.libcloud\.yml: provider ec2: ConnectionError: no route, key \*\*\*",
    ):
        plugin.parse(inventory, DataLoader(), path)


def test_an_optional_provider_that_cannot_be_asked_is_a_warning(
    plugin: Any, inventory: InventoryData, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    answer_with(monkeypatch, []).error = ConnectionError("no route")
    warnings: list[str] = []
    monkeypatch.setattr(plugin.display, "warning", warnings.append)
    plugin.parse(inventory, DataLoader(), write(tmp_path, "provider: ec2\noptional: true\n"))
    assert inventory.hosts == {}
    assert len(warnings) == 1
    assert "provider ec2: ConnectionError: no route; it cannot be reached" in warnings[0]
    assert warnings[0].endswith("(optional, left out)")


def test_the_local_source_without_an_engine_is_empty_with_a_hint(
    plugin: Any, inventory: InventoryData, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(source: Source) -> None:
        raise EngineError("No Docker engine answers")

    monkeypatch.setattr(Source, "driver", refuse)
    hints: list[str] = []
    monkeypatch.setattr(plugin.display, "v", hints.append)
    plugin.parse(inventory, DataLoader(), write(tmp_path, "provider: docker\n"))
    assert inventory.hosts == {}
    assert hints[-1].endswith("no local nodes: No Docker engine answers")


def test_two_nodes_of_one_name_within_a_source_are_an_error(
    plugin: Any, inventory: InventoryData, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    answer_with(monkeypatch, [make_node("box", id="1"), make_node("box", id="2")])
    with pytest.raises(AnsibleParserError, match="more than one node named box"):
        plugin.parse(inventory, DataLoader(), write(tmp_path, "provider: ec2\n"))


def test_two_nodes_of_one_name_in_two_sources_are_an_error_that_names_both(
    plugin: Any, inventory: InventoryData, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    answer_with(monkeypatch, [make_node("box")])
    first = write(tmp_path, "provider: ec2\n", "a.libcloud.yml")
    second = write(tmp_path, "provider: ec2\n", "b.libcloud.yml")
    plugin.parse(inventory, DataLoader(), first)
    with pytest.raises(AnsibleParserError, match=f"one in {second}, one in {first}"):
        plugin.parse(inventory, DataLoader(), second)


def test_a_node_of_ones_own_of_the_same_name_is_an_error(
    plugin: Any, inventory: InventoryData, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    answer_with(monkeypatch, [make_node("box")])
    inventory.add_host("box")
    inventory.set_variable("box", "ansible_host", "192.0.2.1")
    with pytest.raises(AnsibleParserError, match="one in a static inventory file"):
        plugin.parse(inventory, DataLoader(), write(tmp_path, "provider: ec2\n"))


def test_a_host_that_a_static_file_only_puts_into_a_group_is_no_second_node(
    plugin: Any, inventory: InventoryData, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    answer_with(monkeypatch, [make_node("box")])
    inventory.add_group("blue")
    inventory.add_host("box", "blue")
    plugin.parse(inventory, DataLoader(), write(tmp_path, "provider: ec2\n"))
    assert inventory.get_groups_dict()["blue"] == ["box"]


@pytest.mark.parametrize(
    ("servers", "taken"),
    [
        ("all: {hosts: {box: {ansible_host: 192.0.2.1}}}\n", True),
        ("all: {hosts: {box: {colour: blue}}}\n", False),
        ("all:\n", False),
        ("", False),
    ],
)
def test_a_machine_of_ones_own_that_is_read_later_is_a_second_node(
    plugin: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, servers: str, taken: bool
) -> None:
    inventory = InventoryData()
    answer_with(monkeypatch, [make_node("box")])
    (tmp_path / "servers.yml").write_text(servers)
    path = write(tmp_path, "provider: ec2\n")
    if taken:
        with pytest.raises(AnsibleParserError, match=r"are named box: .* one in servers\.yml"):
            plugin.parse(inventory, DataLoader(), path)
    else:
        plugin.parse(inventory, DataLoader(), path)
        assert list(inventory.hosts) == ["box"]


def test_a_file_that_is_not_marked_as_ours_ends_the_program(
    plugin: Any, inventory: InventoryData, tmp_path: Path
) -> None:
    path = tmp_path / "cloud.libcloud.yml"
    path.write_text("provider: ec2\n")
    with pytest.raises(SystemExit, match=r"cloud.libcloud.yml: 'plugin: libcloud' is missing"):
        plugin.parse(inventory, DataLoader(), str(path))


def test_an_optional_provider_that_failed_is_asked_again_though_answers_are_kept(
    plugin: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    cache = f"cache: true\ncache_plugin: jsonfile\ncache_connection: {tmp_path / 'cache'}\n"
    path = write(tmp_path, f"provider: ec2\noptional: true\n{cache}")
    driver = answer_with(monkeypatch, [make_node("box")])
    driver.error = ConnectionError("no route")
    plugin.parse(InventoryData(), DataLoader(), path)
    plugin.update_cache_if_changed()
    driver.error = None
    fresh = InventoryData()
    inventory_loader.get("libcloud").parse(fresh, DataLoader(), path)
    assert list(fresh.hosts) == ["box"]


def test_the_time_for_a_thousand_nodes_is_below_a_second_and_grows_linearly(
    plugin: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of the processor, so that others on this machine do not count; without Ansible's own part."""
    path = write(tmp_path, "provider: ec2\n")
    extra = {"tags": {"silverlining-groups": "web-set_shop"}, **{f"key{n}": n for n in range(25)}}
    seconds = {}
    for count in (1000, 4000):
        nodes = [make_node(f"node-{number}", extra=extra) for number in range(count)]
        answer_with(monkeypatch, nodes)
        began = time.process_time()
        plugin.parse(InventoryData(), DataLoader(), path)
        seconds[count] = time.process_time() - began
    assert seconds[1000] < 1
    assert seconds[4000] < 4 * 2 * seconds[1000]


def test_a_template_in_a_credential_is_rendered(
    plugin: Any, inventory: InventoryData, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[Any] = []

    def driver(source: Source) -> FakeDriver:
        seen.append(source.credentials)
        return FakeDriver()

    monkeypatch.setattr(Source, "driver", driver)
    monkeypatch.setenv("OS_PASSWORD", "pw")
    text = "provider: ec2\nsecret: \"{{ lookup('ansible.builtin.env', 'OS_PASSWORD') }}\"\n"
    plugin.parse(inventory, DataLoader(), write(tmp_path, text))
    assert seen == [(None, "pw")]


def test_a_kept_answer_is_used_until_it_is_refreshed(
    plugin: Any, inventory: InventoryData, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    cache = f"cache: true\ncache_plugin: jsonfile\ncache_connection: {tmp_path / 'cache'}\n"
    path = write(tmp_path, f"provider: ec2\n{cache}")
    driver = answer_with(monkeypatch, [make_node("box")])
    plugin.parse(inventory, DataLoader(), path)
    plugin.update_cache_if_changed()
    driver.nodes = [make_node("new")]
    for use_cache, expected in ((True, ["box"]), (False, ["new"])):
        fresh = InventoryData()
        inventory_loader.get("libcloud").parse(fresh, DataLoader(), path, cache=use_cache)
        assert list(fresh.hosts) == expected
