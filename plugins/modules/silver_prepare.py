"""Documentation of the action plugin of this name, where ansible-doc looks for it."""

DOCUMENTATION = r"""
module: silver_prepare
short_description: Ask a node what an update of an application needs
description:
  - Creates the application's user, directories and secret where they are missing, and mends routes
    that a killed command left behind. In check mode it only looks, and compares every file of the
    active instance with what was uploaded.
  - Fails if the node was never provisioned or by another version, if the location is another
    application's, if the application needs a deployment configuration and has none, or while
    another command changes the application; the message tells whose.
author: Silver Lining contributors
options:
  application:
    description: What M(silver_application) returned.
    type: dict
    required: true
"""

EXAMPLES = r"""
- name: Ask the node what it needs
  silver_prepare:
    application: "{{ application }}"
  register: needs
"""

RETURN = r"""
node:
  description: The node's name in the inventory.
  returned: success
  type: str
  sample: web1
next:
  description: The name of the next instance there.
  returned: success
  type: str
  sample: polls.20261122_002
secret:
  description: Digest of the application's secret, empty if it has none yet.
  returned: success
  type: str
active:
  description: The instance that serves the location now; empty if there is none.
  returned: success
  type: str
  sample: polls.20261122_001
base:
  description:
    - The directory on the node that an upload shares unchanged files with; empty if there is none.
  returned: success
  type: str
config:
  description:
    - The directory on the node with the location's deployment configuration; empty if none was
      given.
  returned: success
  type: str
edits:
  description:
    - What was edited on the node since the active instance was uploaded, as lists of paths
      V(changed), V(added) and V(removed). None if it cannot be told.
  returned: success
  type: dict
packages:
  description: Packages that the application asks for and that are not installed.
  returned: success
  type: list
  elements: str
services:
  description: Services that the application does not have yet, or with other settings than now.
  returned: success
  type: list
  elements: dict
staging:
  description: The directory on the node to upload to.
  returned: success
  type: str
outdated:
  description: Whether the active instance runs with an earlier configuration of the node.
  returned: success
  type: bool
free_bytes:
  description: Bytes that an upload may take.
  returned: success
  type: int
"""
