"""The functions behind the module; the whole of it is run by test_local_nodes."""

from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from typing import Any

import pytest
from libcloud.compute.types import NodeState

from silverlining.nodes import host_keys, key_pairs
from silverlining.nodes import making as nodes
from silverlining.nodes.engine import EngineError
from silverlining.nodes.sources import Source
from silversupport.errors import SilverError
from tests.silverlining.cloud import FakeDriver, make_node

spec = spec_from_file_location(
    "libcloud_node", Path(__file__).parents[2] / "plugins" / "modules" / "libcloud_node.py"
)
assert spec and spec.loader
libcloud_node = module_from_spec(spec)
spec.loader.exec_module(libcloud_node)

CLOUD = Source(origin="x", provider="brightbox", image="id ami-1", size="id t3")


@pytest.fixture(autouse=True)
def driver(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> FakeDriver:
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path))
    fake = FakeDriver()
    monkeypatch.setattr(Source, "driver", lambda self: fake)
    return fake


def parameters(**changes: Any) -> dict[str, Any]:
    settings = {"image": "", "size": "", "groups": [], "if_not_exists": True, "wait_timeout": 0}
    return {"name": "box", **settings, **changes}


def test_a_node_is_made_with_image_size_and_groups(driver: FakeDriver) -> None:
    wanted = parameters(image="name *24.04", size="ram 2048", groups=["db", "set_shop"])
    result = libcloud_node.present(wanted, CLOUD, check=False)
    assert result == {
        "changed": True,
        "name": "box",
        "id": "i-box",
        "address": "203.0.113.7",
        "groups": ["db", "set_shop"],
        "log": ["box: made by brightbox, id i-box"],
    }
    [created] = driver.created
    assert (created["image"].id, created["size"].id) == ("ami-1", "t3")
    assert created["ex_metadata"] == {"silverlining-groups": "db-set_shop"}


def test_image_and_size_of_the_source_are_the_default(driver: FakeDriver) -> None:
    libcloud_node.present(parameters(), CLOUD, check=False)
    assert driver.created[0]["image"].id == "ami-1"


def test_a_cloud_without_a_default_image_asks_for_one() -> None:
    source = Source(origin="x", provider="brightbox")
    with pytest.raises(SilverError, match="x: which image"):
        libcloud_node.present(parameters(), source, check=False)


def test_a_node_that_exists_is_kept(driver: FakeDriver) -> None:
    driver.nodes = [make_node("box")]
    result = libcloud_node.present(parameters(), CLOUD, check=False)
    assert (result["changed"], driver.created) == (False, [])


def test_a_node_that_exists_is_an_error_if_that_was_not_allowed(driver: FakeDriver) -> None:
    driver.nodes = [make_node("box")]
    with pytest.raises(nodes.NodeError, match=r"box exists already in x.* --if-not-exists"):
        libcloud_node.present(parameters(if_not_exists=False), CLOUD, check=False)


def test_check_mode_makes_and_destroys_nothing(driver: FakeDriver) -> None:
    driver.nodes = [make_node("old")]
    assert libcloud_node.present(parameters(), CLOUD, check=True)["changed"]
    assert libcloud_node.absent(parameters(name="old"), CLOUD, check=True)["changed"]
    assert ([node.name for node in driver.nodes], driver.created) == (["old"], [])


def test_a_destroyed_node_leaves_no_host_key(driver: FakeDriver) -> None:
    driver.nodes = [make_node("box", driver=driver), make_node("other")]
    host_keys.record("box", [key_pairs.generate().public])
    assert libcloud_node.absent(parameters(), CLOUD, check=False)["changed"]
    assert [node.name for node in driver.nodes] == ["other"]
    assert host_keys.lookup("box") == []
    assert not libcloud_node.absent(parameters(), CLOUD, check=False)["changed"]


def test_a_node_that_the_provider_keeps_is_an_error(
    driver: FakeDriver, monkeypatch: pytest.MonkeyPatch
) -> None:
    driver.nodes = [make_node("box", driver=driver)]
    monkeypatch.setattr(driver, "destroy_node", lambda node: False)
    with pytest.raises(nodes.NodeError, match="did not destroy box"):
        libcloud_node.absent(parameters(), CLOUD, check=False)


def test_without_an_engine_there_is_no_local_node_to_destroy(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def refuse(source: Source) -> None:
        raise EngineError("No Docker engine answers")

    monkeypatch.setattr(Source, "driver", refuse)
    local = Source(origin="x", provider="docker")
    assert not libcloud_node.absent(parameters(), local, check=False)["changed"]


def test_the_nodes_own_host_key_is_recorded_again_when_it_was_lost(driver: FakeDriver) -> None:
    key = key_pairs.generate().public
    driver.nodes = [make_node("box", extra={"host_key": key})]
    assert libcloud_node.present(parameters(), CLOUD, check=False)["changed"]
    assert host_keys.lookup("box") == [key]
    assert not libcloud_node.present(parameters(), CLOUD, check=False)["changed"]


def test_a_known_node_without_an_address_is_waited_for(
    driver: FakeDriver, monkeypatch: pytest.MonkeyPatch
) -> None:
    host_keys.record("box", [key_pairs.generate().public])
    waited: list[str] = []
    monkeypatch.setattr(nodes, "_arrived", lambda *given: waited.append(given[2].name))
    for addresses in (["203.0.113.7"], []):
        driver.nodes = [make_node("box", public_ips=addresses, private_ips=[])]
        libcloud_node.present(parameters(wait_timeout=5), CLOUD, check=False)
    assert waited == ["box"]


def test_an_error_of_the_provider_is_one_line_with_its_name(driver: FakeDriver) -> None:
    driver.error = RuntimeError("no")
    with pytest.raises(SilverError, match=r"^x: provider brightbox: RuntimeError: no$"):
        libcloud_node.present(parameters(), CLOUD, check=False)


def test_a_half_made_local_node_does_not_count_as_existing() -> None:
    node = make_node("box", state=NodeState.PENDING)
    assert nodes.is_half_made(Source(origin="x", provider="docker"), node)
    assert not nodes.is_half_made(CLOUD, node)
