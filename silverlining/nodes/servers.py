"""Machines of one's own: their entries in ``inventory/servers.yml`` and their host keys."""

import io
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError

from silverlining import files, paths
from silverlining.nodes import host_keys
from silversupport.errors import SilverError

# As in node_facts, which a module cannot import: Ansible's own packages are not there in full.
GROUPS = ("web", "db", "balancer")

_HEAD = """\
---
# Machines of your own, added with `silver setup-node ADDRESS`. Edit it as you like: comments stay.
"""
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,62}\Z")
_ADDRESS = re.compile(r"[A-Za-z0-9][A-Za-z0-9.:-]{0,252}\Z")
_USER = re.compile(r"[a-z_][a-z0-9_-]{0,31}\Z")


class ServerError(SilverError):
    """A machine cannot be added."""


@dataclass(frozen=True)
class Server:
    """A machine of one's own.

    Attributes:
        name: The node's name.
        address: Its host name or IP address.
        user: Whom to log in as: root, or a user with sudo without a password.
        port: The TCP port of its sshd.
    """

    name: str
    address: str
    user: str | None = None
    port: int = 22

    def __post_init__(self) -> None:
        """Check what will stand in the inventory and in arguments of ssh.

        Raises:
            ServerError: One of them has characters that do not belong there.
        """
        for what, text, pattern in (
            ("name of a node", self.name, _NAME),
            ("address", self.address, _ADDRESS),
            ("user name", self.user or "root", _USER),
        ):
            if not pattern.match(text):
                raise ServerError(f"{text!r} is not the {what} of a machine")

    @property
    def variables(self) -> dict[str, object]:
        """What Ansible has to know to reach it."""
        given = {"ansible_user": self.user, "ansible_port": self.port if self.port != 22 else None}
        return {"ansible_host": self.address} | {k: v for k, v in given.items() if v is not None}

    @property
    def groups(self) -> tuple[str, ...]:
        """The groups that it is in: a set of its own, with every role."""
        return (*GROUPS, "set_" + re.sub(r"\W", "_", self.name, flags=re.ASCII))


def find(inventory: Mapping[str, Mapping[str, object]], text: str) -> str | None:
    """Return the name of the node of this name or address, or None."""
    if text in inventory:
        return text
    return next((n for n, host in inventory.items() if host.get("ansible_host") == text), None)


def learn_keys(server: Server) -> list[str]:
    """Ask a machine for its host keys.

    Raises:
        ServerError: It shows other keys than those that are recorded for its name.
        HostKeyError: It does not answer.
    """
    known = host_keys.lookup(server.name)
    keys = host_keys.scan(server.address, server.port)
    if known and not set(known) & set(keys):
        shown = ", ".join(map(host_keys.fingerprint, keys))
        raise ServerError(
            f"{server.address} shows another host key ({shown}) than the one recorded for"
            f" {server.name}; if it was installed anew, forget the old one:"
            f" ssh-keygen -R {server.name} -f {paths.known_hosts()}"
        )
    return keys


def added(text: str, server: Server) -> str:
    """Return the text of ``servers.yml`` with a server in it; comments and order stay.

    Raises:
        ServerError: The text is no inventory, or has this name for another address.
    """
    yaml = YAML()
    yaml.preserve_quotes = True
    tree = _load(yaml, text or _HEAD)
    host = _child(tree, "all", "hosts", server.name)
    if host.get("ansible_host", server.address) != server.address:
        raise ServerError(
            f"inventory/servers.yml has a {server.name} at {host['ansible_host']} already:"
            " give another name, or change the address there"
        )
    missing = {key: val for key, val in server.variables.items() if host.get(key) != val}
    absent = [g for g in server.groups if server.name not in _names(tree, g)]
    if not missing and not absent:
        return text
    host.update(missing)
    for group in absent:
        _child(tree, group, "hosts")[server.name] = None
    return _dump(yaml, tree, text)


def add(path: Path, server: Server, dry_run: bool = False) -> tuple[str, str]:
    """Write a server to ``servers.yml``, alone among all processes that do, and return both texts.

    Args:
        path: The file; it is made if missing.
        server: The machine.
        dry_run: Leave the file as it is.
    """
    with files.locked(paths.state_dir() / "servers.lock"):
        old = path.read_text() if path.exists() else ""
        new = added(old, server)
        if new != old and not dry_run:
            files.replace(path, new, mode=0o644)
    return old, new


def _load(yaml: YAML, text: str) -> Any:
    try:
        tree = yaml.load(text)
    except YAMLError as error:
        raise ServerError(f"inventory/servers.yml is not valid YAML: {error}") from error
    if tree is None:
        tree = yaml.load("{}")
        tree.fa.set_block_style()
    if not isinstance(tree, dict):
        raise ServerError("inventory/servers.yml is not an inventory: it must begin with 'all:'")
    return tree


def _child(tree: Any, *keys: str) -> Any:
    """Return the mapping under these keys, making those that are missing or empty."""
    for key in keys:
        if tree.get(key) is None:
            tree[key] = {}
        tree = tree[key]
    return tree


def _names(tree: Any, group: str) -> Iterable[str]:
    return ((tree.get(group) or {}).get("hosts")) or ()


def _dump(yaml: YAML, tree: Any, old: str) -> str:
    out = io.StringIO()
    yaml.dump(tree, out)
    # ruamel.yaml keeps the head of an empty document nowhere.
    return out.getvalue() if old.strip() else _HEAD + out.getvalue()
