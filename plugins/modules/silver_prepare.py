"""Documentation of the action plugin of this name, where ansible-doc looks for it."""

DOCUMENTATION = r"""
module: silver_prepare
short_description: Ask a node what an update of an application needs
description:
  - Creates the application's user, directories and secret where they are missing, and mends routes
    that a killed command left behind. In check mode it only looks.
  - Fails if the node was never provisioned or by another version, if the location is another
    application's, or while another command changes the application; the message tells whose.
author: Silver Lining contributors
options:
  plan:
    description: What the application's C(app.ini) says, from M(silver_application).
    type: dict
    required: true
  location:
    description: Where it is to be served, C(HOST[/PATH]).
    type: str
    required: true
"""

EXAMPLES = r"""
- name: Ask the node what it needs
  silver_prepare:
    plan: "{{ application.plan }}"
    location: "{{ application.location }}"
  register: needs
"""

RETURN = r"""
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
