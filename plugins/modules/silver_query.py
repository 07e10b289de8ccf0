"""Documentation of the action plugin of this name, where ansible-doc looks for it."""

DOCUMENTATION = r"""
module: silver_query
short_description: Ask a node what is deployed on it
description:
  - Changes nothing. The answer is shown without C(-v), too.
  - Fails if the node was never provisioned or by another version. A node that its provider says is
    not running counts as unreachable without being tried.
author: Silver Lining contributors
options:
  disk:
    description:
      - Ask for what takes the room on its disk, too, which takes longer.
    type: bool
    default: false
"""

EXAMPLES = r"""
- name: Ask the node
  silver_query:
  register: found
"""

RETURN = r"""
address:
  description: Where the node is reached.
  returned: always
  type: str
sets:
  description: The sets that the node is in.
  returned: always
  type: list
  elements: str
deployed:
  description:
    - The answer of C(silver-node query), that is the node's C(version), its C(locations) with app,
      active and previous instance, the C(instances) with state, upload and version-control
      C(revisions), and C(problems).
    - With O(disk), that of C(silver-node disk) as C(disk).
  returned: success
  type: dict
"""
