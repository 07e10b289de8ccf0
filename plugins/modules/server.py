#!/usr/bin/python
"""Ansible module: a machine of one's own in inventory/servers.yml."""

DOCUMENTATION = r"""
---
module: server
short_description: Add a machine of one's own to the inventory
description:
  - Asks the machine for its SSH host keys, records them under the node's name, and writes the
    machine to the inventory file. Comments in that file stay.
  - Refuses a machine that shows another host key than the one recorded.
  - Runs on the machine that Ansible is started on.
options:
  address:
    description: Host name or IP address.
    type: str
    required: true
  name:
    description: The node's name. The address, unless given.
    type: str
  user:
    description: Whom to log in as - root, or a user with sudo without a password.
    type: str
  port:
    description: TCP port of its sshd.
    type: int
    default: 22
  path:
    description: The inventory file.
    type: path
    required: true
attributes:
  check_mode:
    support: full
    description: Can run in check mode.
  diff_mode:
    support: full
    description: Returns what changes in the inventory file.
author: Silver Lining contributors
"""

EXAMPLES = r"""
- name: Add a rented server
  server:
    address: 203.0.113.5
    name: web1
    user: root
    path: inventory/servers.yml
  delegate_to: localhost
"""

RETURN = r"""
name:
  description: The node's name.
  returned: success
  type: str
  sample: web1
fingerprints:
  description: Its host keys, as ssh-keygen shows them, to compare with what a provider shows.
  returned: success
  type: list
  elements: str
  sample: ["ssh-ed25519 SHA256:eUXGGm1YGsMAS7vkcx6JOJdOGHPem5gQp4taiCfCLB8"]
"""

from pathlib import Path

from ansible.module_utils.basic import AnsibleModule

from silverlining.nodes import host_keys, servers
from silversupport.errors import SilverError

ARGUMENTS = {
    "address": {"type": "str", "required": True},
    "name": {"type": "str"},
    "user": {"type": "str"},
    "port": {"type": "int", "default": 22},
    "path": {"type": "path", "required": True},
}


def run(module: AnsibleModule) -> dict[str, object]:
    """Add the machine and return the module's result."""
    params = module.params
    name = params["name"] or params["address"]
    server = servers.Server(name, params["address"], params["user"], params["port"])
    keys = servers.learn_keys(server)
    before, after = servers.add(Path(params["path"]), server, module.check_mode)
    new_key = not host_keys.lookup(server.name)
    if new_key and not module.check_mode:
        host_keys.record(server.name, keys)
    return {
        "changed": new_key or before != after,
        "name": server.name,
        "fingerprints": [host_keys.fingerprint(key) for key in keys],
        "diff": {
            "before": before,
            "after": after,
            "before_header": params["path"],
            "after_header": params["path"],
        },
    }


def main() -> None:
    """Run the module."""
    module = AnsibleModule(ARGUMENTS, supports_check_mode=True)
    try:
        module.exit_json(**run(module))
    except (SilverError, OSError) as error:
        module.fail_json(msg=str(error))


if __name__ == "__main__":
    main()
