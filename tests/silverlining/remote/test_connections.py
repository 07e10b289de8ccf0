"""The way to a node, as Ansible would take it, and what is remembered of it."""

import json
import os
import shlex
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

from silverlining import paths, playbook
from silverlining.nodes import targets
from silverlining.playbook import ROOT
from silverlining.remote import connections, inventory_memory
from silverlining.remote.ansible_inventory import Login
from silverlining.remote.connections import Connection
from silverlining.remote.inventory_memory import Memory

WAY = Connection("web1", "203.0.113.5", ("ssh", "-o", "ControlMaster=no"), sudo=True)
ASK = """
import dataclasses, json, sys
from silverlining.remote import connections
found = connections.to_location(sys.argv[1], sys.argv[2] or None)
print(json.dumps(dataclasses.asdict(found)))
"""
HOSTS = """
all:
  hosts:
    web1: {ansible_host: 127.0.0.5, ansible_user: ann, ansible_port: 2222}
    web2: {ansible_host: 127.0.0.6, ansible_user: root}
    asleep: {ansible_host: 127.0.0.7, libcloud_state: stopped}
"""


@pytest.fixture
def ask(tmp_path: Path) -> Any:
    """Ask for a connection, in a process of its own, with an inventory of our own."""
    (tmp_path / "hosts.yml").write_text(HOSTS)
    (tmp_path / "group_vars").mkdir()
    text = (ROOT / "inventory/group_vars/all.yml").read_text()
    (tmp_path / "group_vars/all.yml").write_text(text)
    # Where it is typed there are somebody's own playbooks.
    (tmp_path / "typed/group_vars").mkdir(parents=True)
    foreign = "ansible_ssh_common_args: -o StrictHostKeyChecking=no\n"
    (tmp_path / "typed/group_vars/all.yml").write_text(foreign)

    def run(location: str, node: str = "") -> Any:
        inventory = str(tmp_path / "hosts.yml")
        variables = {"ANSIBLE_INVENTORY": inventory, "XDG_DATA_HOME": str(tmp_path)}
        done = subprocess.run(
            [sys.executable, "-c", ASK, location, node],
            env=os.environ | variables,
            cwd=tmp_path / "typed",
            capture_output=True,
            text=True,
            check=False,
        )
        return json.loads(done.stdout) if done.returncode == 0 else done.stderr.strip()

    return run


@pytest.fixture
def vault(tmp_path: Path, ask: Any, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The file with the password of a vault, which has the login of `web1`."""
    password, hidden = tmp_path / "password", tmp_path / "host_vars/web1/vault.yml"
    password.write_text("of the vault")
    monkeypatch.setenv("ANSIBLE_VAULT_PASSWORD_FILE", str(password))
    hidden.parent.mkdir(parents=True)
    hidden.write_text("ansible_host: 127.0.0.8\n")
    subprocess.run([playbook.program("ansible-vault"), "encrypt", hidden], check=True)
    hosts = tmp_path / "hosts.yml"
    hosts.write_text(hosts.read_text().replace("ansible_host: 127.0.0.5, ", ""))
    return password


@pytest.mark.usefixtures("vault")
def test_variables_in_a_vault_are_read(ask: Any) -> None:
    assert ask("polls.test", "web1")["host"] == "127.0.0.8"


def test_a_vault_that_cannot_be_opened_is_said(
    ask: Any, vault: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("ANSIBLE_VAULT_PASSWORD_FILE")
    assert "InventoryError: the variables of web1 cannot be read: " in ask("polls.test", "web1")
    monkeypatch.setenv("ANSIBLE_VAULT_PASSWORD_FILE", str(vault.with_name("gone")))
    assert "InventoryError: the inventory cannot be read: " in ask("polls.test", "web1")


def option(ssh: Sequence[str], name: str) -> str:
    """Return the first value of an option, which is the one that counts."""
    return next(each for each in ssh if each.startswith(f"{name}=")).partition("=")[2].strip('"')


def test_a_node_is_reached_as_its_variables_say(ask: Any, tmp_path: Path) -> None:
    found = ask("polls.test", "web1")
    assert (found["node"], found["host"], found["sudo"]) == ("web1", "127.0.0.5", True)
    assert found["ssh"][0] == "ssh"
    expected = {
        "User": "ann",
        "Port": "2222",
        "HostKeyAlias": "web1",
        "StrictHostKeyChecking": "yes",
        "UserKnownHostsFile": str(tmp_path / "silverlining/known_hosts"),
        "ControlMaster": "no",
        "ConnectTimeout": "15",
    }
    assert {name: option(found["ssh"], name) for name in expected} == expected
    assert option(found["ssh"], "ControlPath")


def test_the_node_of_a_location_is_the_one_that_its_host_resolves_to(ask: Any) -> None:
    found = ask("127.0.0.6/blog")
    assert (found["node"], found["sudo"]) == ("web2", False)


@pytest.mark.parametrize(
    ("location", "node", "message"),
    [
        ("192.0.2.1", "", "several nodes could serve 192.0.2.1: asleep, web1, web2; say which"),
        ("polls.test", "web9", "there is no node or set named web9; there are: asleep, web1, web2"),
        ("polls.test", "asleep", "asleep is stopped, not running"),
    ],
)
def test_a_node_that_cannot_be_told_or_reached(
    ask: Any, location: str, node: str, message: str
) -> None:
    assert message in ask(location, node)


def test_an_inventory_that_cannot_be_read_is_named(ask: Any, tmp_path: Path) -> None:
    (tmp_path / "hosts.yml").write_text("all: [")
    assert "InventoryError: the inventory cannot be read" in ask("polls.test", "web1")


@pytest.mark.parametrize("sudo", [True, False])
def test_arguments_arrive_on_the_node_as_they_are(sudo: bool, tmp_path: Path) -> None:
    (tmp_path / "sudo").write_text('#!/bin/sh\necho sudo "$1"\nshift\nexec "$@"\n')
    (tmp_path / "sudo").chmod(0o755)
    way = Connection("web1", "203.0.113.5", ("ssh",), sudo=sudo)
    arguments = ["two words", "$HOME", "it's", '"', "", "a\nb", "*"]
    program = [sys.executable, "-c", "import sys; print(sys.argv[1:])", *arguments]
    *_, separator, host, remote = way.command(program)
    assert (separator, host) == ("--", "203.0.113.5")
    path = f"{tmp_path}:{os.environ['PATH']}"
    done = subprocess.run(
        ["bash", "-c", remote], env={"PATH": path}, capture_output=True, text=True, check=True
    )
    assert done.stdout == ("sudo -n\n" if sudo else "") + f"{arguments}\n"


def test_a_node_that_was_never_set_up_says_so() -> None:
    remote = WAY.command(["/no/such/silver-node", "run"])[-1]
    done = subprocess.run(["sh", "-c", remote], capture_output=True, text=True, check=False)
    assert done.returncode == 125
    assert done.stderr == "silver: web1 was never set up; do it with: ./silver setup-node web1\n"


def test_a_terminal_is_asked_for_only_where_one_is_wanted(tmp_path: Path) -> None:
    assert "-t" in WAY.command(["/bin/true"], tty=True)
    assert {"-T"} == {"-T", "-t"} & set(WAY.command(["/bin/true"]))
    log = str(tmp_path / "log")
    assert f"-E {log}" in shlex.join(WAY.command(["/bin/true"], log=Path(log)))


class Ansible:
    """An inventory that counts how often it is made."""

    made = 0

    def __init__(self) -> None:
        Ansible.made += 1

    def groups(self) -> Mapping[str, list[str]]:
        return {"all": ["web1", "web2"], "set_shop": ["web1", "web2"]}

    def addresses(self, names: Sequence[str]) -> Mapping[str, str]:
        return dict.fromkeys(names, "192.0.2.9")

    def login(self, name: str) -> Login:
        return Login(f"{name}.example.com", ["ssh", "-4"], "root")


@pytest.fixture
def laptop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A clone of the repository with an inventory, a Docker engine's answers, and an Ansible."""
    for name in ("inventory", "plugins/inventory", "silverlining", "state"):
        (tmp_path / name).mkdir(parents=True)
    (tmp_path / "ansible.cfg").touch()
    (tmp_path / "inventory/servers.yml").write_text(HOSTS)
    local = (ROOT / "inventory/local.libcloud.yml").read_text()
    (tmp_path / "inventory/local.libcloud.yml").write_text(local)
    monkeypatch.setattr(Ansible, "made", 0)
    monkeypatch.setattr(inventory_memory, "ROOT", tmp_path)
    monkeypatch.setattr(inventory_memory, "_engine", lambda: ["box is up"])
    monkeypatch.setattr(paths, "state_dir", lambda: tmp_path / "state")
    monkeypatch.setattr(connections, "Inventory", Ansible)
    monkeypatch.delenv("DOCKER_HOST", raising=False)
    return tmp_path


def found() -> Connection:
    return connections.to_location("polls.test")


def test_ansible_is_asked_once(laptop: Path) -> None:
    first = found()
    assert first == Connection(
        "web1", "web1.example.com", ("ssh", "-o", "ControlMaster=no", "-4"), sudo=False
    )
    assert found() == first
    assert connections.to_node(None) == first
    assert Ansible.made == 1
    assert connections.to_node("web2").host == "web2.example.com"
    assert Ansible.made == 2
    [file] = (laptop / "state/inventory").iterdir()
    assert file.stat().st_mode & 0o777 == 0o600


CHANGES = {
    "a server": lambda root, patch: (root / "inventory/servers.yml").write_text(HOSTS + "\n"),
    "a file of variables": lambda root, patch: (root / "inventory/host_vars").mkdir(),
    "settings": lambda root, patch: (root / "ansible.cfg").write_text("[defaults]"),
    "our code": lambda root, patch: (root / "silverlining/x.py").touch(),
    "the plugin": lambda root, patch: (root / "plugins/inventory/x.py").touch(),
    "a node": lambda root, patch: patch.setattr(inventory_memory, "_engine", lambda: ["other"]),
    "environment": lambda root, patch: patch.setenv("HOME", "/home/somebody"),
    "time": lambda root, patch: patch.setattr(inventory_memory, "LIFETIME", -1),
    "damage": lambda root, patch: next((root / "state/inventory").iterdir()).write_text("{"),
}


@pytest.mark.parametrize("what", CHANGES)
def test_ansible_is_asked_again_when_anything_has_changed(
    laptop: Path, monkeypatch: pytest.MonkeyPatch, what: str
) -> None:
    found()
    CHANGES[what](laptop, monkeypatch)
    found()
    assert Ansible.made == 2


CLOUDS = {
    "amazon.libcloud.yml": "plugin: libcloud\nprovider: ec2\n",
    "other.yml": "plugin: amazon.aws.aws_ec2\n",
    "list": "web3\n",
    "script.yml": "#!/usr/bin/env python3\n",
}


@pytest.mark.parametrize("name", [*CLOUDS, "link.yml", "$DOCKER_HOST", "$ANSIBLE_INVENTORY"])
def test_nothing_is_remembered_where_a_change_could_not_be_seen(
    laptop: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    path = laptop / "inventory" / name
    if name.startswith("$"):
        monkeypatch.setenv(name[1:], "elsewhere")
    elif name in CLOUDS:
        path.write_text(CLOUDS[name])
        path.chmod(0o755 if name == "script.yml" else 0o644)
    else:
        path.symlink_to(laptop / "ansible.cfg")
    found()
    found()
    assert Ansible.made == 2
    assert not (laptop / "state/inventory").exists()


def test_what_ansible_refuses_is_not_remembered(
    laptop: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(self: Ansible, name: str) -> Login:
        raise targets.TargetError(f"{name} is stopped")

    with monkeypatch.context() as patch:
        patch.setattr(Ansible, "login", refuse)
        with pytest.raises(targets.TargetError):
            found()
    assert found().node == "web1"


def test_a_memory_without_a_file_keeps_nothing() -> None:
    memory = Memory(None)
    assert memory.recall("question", lambda: 1) == 1
    memory.keep()


@pytest.mark.engine
def test_the_engine_says_the_same_twice_and_names_each_node() -> None:
    first = inventory_memory._engine()
    assert first == inventory_memory._engine()
