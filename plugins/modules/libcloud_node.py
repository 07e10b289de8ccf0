#!/usr/bin/python
"""Ansible module: a node of any provider that Apache Libcloud knows."""

from __future__ import annotations

DOCUMENTATION = """
module: libcloud_node
short_description: Create and destroy nodes of clouds, and of the local Docker engine
description:
  - >-
    Creates a bare server with the same source file that the inventory plugin P(libcloud#inventory)
    reads, records its SSH host key under the node's name, and waits until it lets us in.
  - Destroys a server, and forgets its host key.
  - >-
    Runs on the controller with Ansible's own Python, where the package C(silverlining) is
    installed.
author: Silver Lining
attributes:
  check_mode:
    support: full
    description: Can run in check mode and says what it would do.
  diff_mode:
    support: none
    description: Does not show what would change.
options:
  name:
    description: The node's name; letters, digits, C(-) and C(.).
    type: str
    required: true
  state:
    description: Whether the node is to exist.
    type: str
    choices: [present, absent]
    default: present
  source:
    description: The source file, as in the inventory.
    type: path
    required: true
  key:
    description: >-
      Used in place of O(key) in the source file. The action plugin of this name gives what the file
      has there encrypted by Ansible Vault or as a template, which the module itself cannot read.
    type: str
  secret:
    description: The same for the secret.
    type: str
  image:
    description: >-
      PATTERN of the image, V(id X) or V(name *24.04*), with V(first) before it to take the first of
      several. Default is O(image) of the source, then the provider's default if it has one.
    type: str
    default: ""
  size:
    description: PATTERN of the size, V(id X), V(name small) or V(ram 2048), as O(image).
    type: str
    default: ""
  groups:
    description: >-
      Inventory groups of a new node, kept in its labels, among V(web), V(db), V(balancer) and one
      V(set_NAME). Without a role it gets all three, without a set it is one by itself.
    type: list
    elements: str
    default: []
    aliases: [group]
  if_not_exists:
    description: >-
      Whether a node of that name may exist already. It is kept as it is, and started if it was
      stopped; what an interrupted run left undone about its host key is done. Otherwise it is an
      error.
    type: bool
    default: true
  wait_timeout:
    description: Seconds until a new node must let us in by SSH; 0 does not wait for it.
    type: int
    default: 300
  progress:
    description: >-
      A file to which each line of RV(log) is added when it happens. The action plugin of this name
      gives it, and shows the lines.
    type: path
notes:
  - >-
    The host key comes over a channel that can be trusted where there is one. The provider that
    takes user data is given a key of one use for the node, over which the node makes one of its
    own; else the key is read from the node's console. Where there is neither, the first answer is
    trusted, and RV(log) says so with its fingerprint.
  - >-
    A node is never created twice. After a failure that leaves open whether it was made, it is
    looked for, and taken if it is there. A provider that was asked too often is asked again for two
    minutes.
"""

EXAMPLES = """
- name: Create a node on the local Docker engine
  libcloud_node:
    name: box
    source: inventory/local.libcloud.yml
    image: name debian:13
    size: ram 1024

- name: Create a database server of the set "shop" in a cloud
  libcloud_node:
    name: shop-db1
    source: inventory/amazon.libcloud.yml
    image: first name *ubuntu-noble-24.04-amd64-server*
    size: id t3.medium
    groups: [db, set_shop]

- name: Destroy a node
  libcloud_node:
    name: box
    source: inventory/local.libcloud.yml
    state: absent
"""

RETURN = """
name:
  description: The node's name.
  returned: always
  type: str
  sample: box
id:
  description: What the provider calls the node.
  returned: when the node exists or existed
  type: str
address:
  description: Its first address, public if it has one.
  returned: when the node exists or existed, and has one
  type: str
  sample: 172.17.0.2
groups:
  description: Its groups in the inventory.
  returned: when the node exists or existed
  type: list
  elements: str
  sample: [web, db, balancer, set_box]
log:
  description: What was done, one line a step.
  returned: always
  type: list
  elements: str
"""

from collections.abc import Callable
from contextlib import nullcontext
from pathlib import Path
from typing import Any

from ansible.module_utils.basic import AnsibleModule

from silverlining.nodes import host_keys, sources
from silverlining.nodes import making as nodes
from silverlining.nodes.engine import EngineError
from silverlining.nodes.node_facts import node_groups, node_to_hostvars
from silverlining.nodes.source_changes import changing
from silverlining.nodes.sources import Source
from silversupport.errors import SilverError

ARGUMENTS: dict[str, Any] = {
    "name": {"type": "str", "required": True},
    "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
    "source": {"type": "path", "required": True},
    "key": {"type": "str", "no_log": True},
    "secret": {"type": "str", "no_log": True},
    "image": {"type": "str", "default": ""},
    "size": {"type": "str", "default": ""},
    "groups": {"type": "list", "elements": "str", "default": [], "aliases": ["group"]},
    "if_not_exists": {"type": "bool", "default": True},
    "wait_timeout": {"type": "int", "default": 300},
    "progress": {"type": "path"},
}

Result = dict[str, Any]


def facts(node: Any, source: Source) -> Result:
    """Return what the module says about a node."""
    address = node_to_hostvars(node, source).get("ansible_host")
    about = {"id": node.id, "groups": node_groups(node), "address": address}
    return {key: value for key, value in about.items() if value is not None}


def reporter(log: list[str], progress: str | None) -> Callable[[str], None]:
    """Return what keeps a line in the log, and shows it at once to who reads the file."""

    def report(line: str) -> None:
        log.append(line)
        if progress:
            with Path(progress).open("a") as file:
                file.write(f"{line}\n")

    return report


def present(parameters: Result, source: Source, check: bool) -> Result:
    """Make a node unless it exists, and return the module's result."""
    name = parameters["name"]
    existing = nodes.find(source, name)
    if existing is not None and not nodes.is_half_made(source, existing):
        return keep(parameters, source, existing, check)
    if check:
        return {"changed": True, "name": name, "log": [f"Would create {name}"]}
    log: list[str] = []
    report = reporter(log, parameters.get("progress"))
    wanted = nodes.Wanted(
        name,
        parameters["image"],
        parameters["size"],
        parameters["groups"],
        parameters["wait_timeout"],
    )
    node = nodes.create(source, wanted, report)
    return {"changed": True, "name": name, "log": log, **facts(node, source)}


def keep(parameters: Result, source: Source, node: Any, check: bool) -> Result:
    """Take a node that exists already, and return the module's result."""
    if not parameters["if_not_exists"]:
        raise nodes.NodeError(
            f"Node {node.name} exists already in {source.origin}. Choose another name, "
            "or add --if-not-exists (if_not_exists=true for ansible-playbook) to keep it."
        )
    log: list[str] = []
    report = reporter(log, parameters.get("progress"))
    changed = not check and nodes.take_over(source, node, parameters["wait_timeout"], report)
    if changed:
        node = nodes.find(source, node.name) or node
    return {"changed": changed, "name": node.name, "log": log, **facts(node, source)}


def absent(parameters: Result, source: Source, check: bool) -> Result:
    """Destroy a node if it exists, and return the module's result."""
    name = parameters["name"]
    try:
        node = nodes.find(source, name)
    except EngineError:  # without an engine there is no local node either
        node = None
    if node is None:
        forgotten = bool(host_keys.lookup(name))
        if not check:
            host_keys.forget(name)
        return {"changed": forgotten, "name": name, "log": []}
    if not check:
        nodes.destroy(source, node)
    return {"changed": True, "name": name, "log": [], **facts(node, source)}


def main() -> None:
    """Run the module."""
    module = AnsibleModule(ARGUMENTS, supports_check_mode=True)
    action = {"present": present, "absent": absent}[module.params["state"]]
    try:
        source = sources.load(*map(module.params.get, ("source", "key", "secret")))
        with nullcontext() if module.check_mode else changing(source.origin):
            result = action(module.params, source, module.check_mode)
    except SilverError as error:
        module.fail_json(msg=str(error))
    module.exit_json(**result)


if __name__ == "__main__":
    main()
