from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import pytest
import yaml

from silverlining.nodes import host_keys, servers
from silverlining.nodes.node_facts import node_groups
from silverlining.nodes.servers import Server, ServerError
from tests.silverlining.cloud import make_node

# Made for this test; the fingerprint is what `ssh-keygen -l` prints for it.
KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIKEIyw5cObiDF5XWCwYuxrz0SfEQpwXCitJekebEt/9h"
FINGERPRINT = "ssh-ed25519 SHA256:1AVmSP4mPFG32RnBCW/1zrd37sJ9Pug+eREF7+znUuU"
OTHER_KEY = KEY.replace("KEIyw5c", "KEIyw5d")

BOX = Server("box-1", "203.0.113.5", "root", 2222)


@pytest.fixture(autouse=True)
def state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))


def test_a_server_is_added_with_its_groups(tmp_path: Path) -> None:
    path = tmp_path / "servers.yml"
    before, after = servers.add(path, BOX)
    assert before == ""
    assert path.read_text() == after
    assert after.startswith("---\n# Machines of your own")
    member = {"hosts": {"box-1": None}}
    host = {"ansible_host": "203.0.113.5", "ansible_user": "root", "ansible_port": 2222}
    assert yaml.safe_load(after) == {
        "all": {"hosts": {"box-1": host}},
        "web": member,
        "db": member,
        "balancer": member,
        "set_box_1": member,
    }


def test_its_groups_are_those_of_a_node_from_a_cloud() -> None:
    groups = node_groups(make_node("shop.db-1"))
    assert list(Server("shop.db-1", "203.0.113.5").groups) == groups


def test_adding_it_again_changes_nothing(tmp_path: Path) -> None:
    path = tmp_path / "servers.yml"
    first = servers.add(path, BOX)[1]
    assert servers.add(path, BOX) == (first, first)


def test_what_the_user_wrote_stays() -> None:
    text = """\
# my rack
all:
  vars: {colour: 'red'}
  hosts:
    old:   # the loud one
      ansible_host: 203.0.113.1
web:
"""
    added = servers.added(text, Server("new", "203.0.113.2"))
    for line in ("# my rack", "# the loud one", "colour: 'red'"):
        assert line in added
    tree = yaml.safe_load(added)
    assert tree["all"]["hosts"]["old"] == {"ansible_host": "203.0.113.1"}
    assert tree["all"]["hosts"]["new"] == {"ansible_host": "203.0.113.2"}
    assert list(tree["web"]["hosts"]) == ["new"]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("all: [", "not valid YAML"),
        ("- box", "not an inventory"),
        ("all: {hosts: {box-1: {ansible_host: 203.0.113.9}}}", "box-1 at 203.0.113.9 already"),
    ],
)
def test_a_file_that_cannot_take_it_is_refused(text: str, message: str) -> None:
    with pytest.raises(ServerError, match=message):
        servers.added(text, BOX)


@pytest.mark.parametrize("text", ["", "---\n# Nobody yet\n", "{}\n"])
def test_an_empty_file_is_filled(text: str) -> None:
    assert "box-1" in yaml.safe_load(servers.added(text, BOX))["web"]["hosts"]


@pytest.mark.parametrize(
    "arguments",
    [
        ("bad name", "203.0.113.5"),
        ("box", "-oProxyCommand=x"),
        ("box", "203.0.113.5; reboot"),
        ("{{ x }}", "203.0.113.5"),
        ("box", "203.0.113.5", "Root User"),
    ],
)
def test_what_means_something_to_ssh_or_ansible_is_refused(arguments: tuple[str, ...]) -> None:
    with pytest.raises(ServerError, match="is not the"):
        Server(*arguments)  # type: ignore[arg-type]


def test_no_server_is_lost_when_several_are_added_at_once(tmp_path: Path) -> None:
    path = tmp_path / "servers.yml"
    many = [Server(f"box{number}", f"203.0.113.{number}") for number in range(1, 17)]
    with ProcessPoolExecutor(8) as pool:
        list(pool.map(servers.add, [path] * len(many), many))
    hosts = yaml.safe_load(path.read_text())["all"]["hosts"]
    assert sorted(hosts) == sorted(each.name for each in many)


def test_a_fingerprint_is_that_of_ssh_keygen() -> None:
    assert host_keys.fingerprint(KEY) == FINGERPRINT


def test_a_host_key_is_learned_from_a_machine_that_is_new(monkeypatch: pytest.MonkeyPatch) -> None:
    shows(monkeypatch, KEY)
    assert servers.learn_keys(BOX) == [KEY]


def test_a_known_host_key_is_accepted(monkeypatch: pytest.MonkeyPatch) -> None:
    host_keys.record("box-1", [KEY])
    shows(monkeypatch, OTHER_KEY, KEY)
    assert servers.learn_keys(BOX) == [OTHER_KEY, KEY]


def test_a_machine_that_shows_another_host_key_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    host_keys.record("box-1", [KEY])
    shows(monkeypatch, OTHER_KEY)
    with pytest.raises(ServerError, match=r"shows another host key .* ssh-keygen -R box-1 -f "):
        servers.learn_keys(BOX)
    assert host_keys.lookup("box-1") == [KEY]


def shows(monkeypatch: pytest.MonkeyPatch, *keys: str) -> None:
    monkeypatch.setattr(host_keys, "scan", lambda address, port: list(keys))


@pytest.mark.parametrize(("text", "name"), [("a", "a"), ("203.0.113.5", "b"), ("c", None)])
def test_a_node_is_found_by_name_and_by_address(text: str, name: str | None) -> None:
    inventory = {"a": {}, "b": {"ansible_host": "203.0.113.5"}}
    assert servers.find(inventory, text) == name
