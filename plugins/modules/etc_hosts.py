#!/usr/bin/python
"""Ansible module: the names of nodes in this machine's /etc/hosts."""

DOCUMENTATION = r"""
---
module: etc_hosts
short_description: Give the names of a node an address in /etc/hosts
description:
  - Owns the lines of the file that end in C(# silver NODE), and leaves every other byte as it is.
  - Runs on the machine that Ansible is started on.
  - The file is written in place, since it cannot be replaced in a container.
options:
  node:
    description: The node whose names these are.
    type: str
    required: true
  names:
    description:
      - Host names. Those that the node has already stay.
      - With O(state=absent), an empty list stands for all names of the node.
    type: list
    elements: str
    default: []
  address:
    description: The node's IP address; all its names get it. Required with O(state=present).
    type: str
  state:
    description: Whether the names should be there.
    type: str
    choices: [present, absent]
    default: present
  required:
    description: If false, a file that may not be changed is a warning that says what to do.
    type: bool
    default: true
  path:
    description: The file.
    type: path
    default: /etc/hosts
attributes:
  check_mode:
    support: full
    description: Can run in check mode.
  diff_mode:
    support: full
    description: Returns what changes.
author: Silver Lining contributors
"""

EXAMPLES = r"""
- name: Give an application's host name the address of its node
  etc_hosts:
    node: demo
    address: 172.17.0.2
    names: [hello.example]
  delegate_to: localhost

- name: Forget all names of a node
  etc_hosts:
    node: demo
    state: absent
  delegate_to: localhost
"""

RETURN = r"""
missing:
  description: The lines that could not be added, with O(required=false).
  returned: always
  type: list
  elements: str
  sample: ["172.17.0.2\thello.example\t# silver demo"]
"""

from pathlib import Path

from ansible.module_utils.basic import AnsibleModule

from silverlining.nodes import etc_hosts
from silversupport.errors import SilverError

ARGUMENTS = {
    "node": {"type": "str", "required": True},
    "names": {"type": "list", "elements": "str", "default": []},
    "address": {"type": "str"},
    "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
    "required": {"type": "bool", "default": True},
    "path": {"type": "path", "default": "/etc/hosts"},
}


def change(module: AnsibleModule, text: str) -> str:
    """Return the file's text as the arguments want it, with a warning if that is no use."""
    node, names = module.params["node"], module.params["names"]
    if module.params["state"] == "absent":
        return etc_hosts.removed(text, node, names)
    for name in etc_hosts.shadowed(text, module.params["address"], names):
        module.warn(f"{module.params['path']} has a line of your own for {name}: it may win")
    return etc_hosts.added(text, node, module.params["address"], names)


def run(module: AnsibleModule) -> dict[str, object]:
    """Change the file and return the module's result."""
    params = module.params
    etc_hosts.check(params["node"], params["address"], params["names"])
    try:
        before, after = etc_hosts.update(
            Path(params["path"]), lambda text: change(module, text), module.check_mode
        )
    except etc_hosts.NotWritableError as error:
        if params["required"]:
            raise
        module.warn(str(error))
        return {"changed": False, "missing": error.lines}
    diff = {
        "before": _printable(before),
        "after": _printable(after),
        "before_header": params["path"],
        "after_header": params["path"],
    }
    return {"changed": before != after, "missing": [], "diff": diff}


def _printable(text: str) -> str:
    """Return a text that JSON can hold, though the file need not be UTF-8."""
    return text.encode(errors="surrogateescape").decode(errors="replace")


def main() -> None:
    """Run the module."""
    module = AnsibleModule(
        ARGUMENTS, supports_check_mode=True, required_if=[("state", "present", ["address"])]
    )
    try:
        module.exit_json(**run(module))
    except (SilverError, OSError) as error:
        module.fail_json(msg=str(error))


if __name__ == "__main__":
    main()
