"""The action plugin that finds the nodes of a playbook."""

from importlib.util import module_from_spec, spec_from_file_location
from types import SimpleNamespace
from typing import Any

import pytest
from ansible.plugins.action import ActionBase

from silverlining.playbook import ROOT

spec = spec_from_file_location("silver_target", ROOT / "plugins/action/silver_target.py")
assert spec and spec.loader
silver_target = module_from_spec(spec)
spec.loader.exec_module(silver_target)

EXAMPLE = "ansible-playbook playbooks/activate.yml -e location=polls.test -e instance=prev"


@pytest.fixture(autouse=True)
def _no_inheritance(monkeypatch: pytest.MonkeyPatch) -> None:
    """What the plugin inherits is made for a play."""
    monkeypatch.setattr(ActionBase, "run", lambda *_: {})


def find(groups: dict[str, list[str]], **arguments: object) -> dict[str, Any]:
    """Run the plugin for an inventory in which every host runs, but those named `off…`."""
    plugin = silver_target.ActionModule.__new__(silver_target.ActionModule)
    plugin._task = SimpleNamespace(args={"example": EXAMPLE, **arguments})
    states = {host: "stopped" if host.startswith("off") else "running" for host in groups["all"]}
    hostvars = {
        host: {"ansible_host": f"192.0.2.{number}", "libcloud_state": states[host]}
        for number, host in enumerate(groups["all"], 1)
    }
    found: dict[str, Any] = plugin.run(None, {"groups": groups, "hostvars": hostvars})
    return found


def test_all_that_is_missing_is_said_at_once_with_a_full_command() -> None:
    found = find({"all": ["web1"]}, required={"location": "", "instance": "", "more": "x"})
    assert found == {"failed": True, "msg": f"say location and instance, such as: {EXAMPLE}"}


def test_the_only_node_is_found() -> None:
    found = find({"all": ["web1"]}, required={"location": "polls.test"})
    assert found == {"changed": False, "target": "web1", "hosts": ["web1"]}


def test_a_set_is_all_of_its_nodes() -> None:
    groups = {"all": ["a", "b", "c"], "set_shop": ["b", "c"]}
    assert find(groups, node="shop")["hosts"] == ["b", "c"]


def test_of_a_set_the_nodes_that_applications_run_on_are_meant() -> None:
    groups = {"all": ["a", "b", "c"], "set_shop": ["a", "b", "c"], "web": ["b", "c"], "db": ["a"]}
    assert find(groups, node="shop")["hosts"] == ["b", "c"]


@pytest.mark.parametrize(
    "locations",
    [["192.0.2.2"], "192.0.2.2", ["prev.192.0.2.2/blog", "192.0.2.1"]],
    ids=["a list", "one text", "the previous one, under a path"],
)
def test_the_first_location_tells_which_node(locations: object) -> None:
    assert find({"all": ["a", "b"]}, locations=locations)["hosts"] == ["b"]


def test_where_no_location_tells_the_nodes_are_listed() -> None:
    found = find({"all": ["a", "b"]}, locations=["*.test"])
    assert found["failed"]
    assert "several nodes could serve *.test: a, b; say which" in found["msg"]


def test_a_node_that_is_off_is_told_of() -> None:
    assert "off1 is stopped, not running" in find({"all": ["off1"]})["msg"]
