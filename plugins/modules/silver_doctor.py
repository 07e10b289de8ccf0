"""Documentation of the action plugin of this name, where ansible-doc looks for it."""

DOCUMENTATION = r"""
module: silver_doctor
short_description: Look for what is wrong with a node
description:
  - Has the node look at itself, and looks from here at what the node cannot see (does its clock
    agree, do the names of its sites lead to it, was it set up by this release). Changes nothing.
  - Of a node that applications do not run on it asks what its balancer or its PostgreSQL say.
  - Does not fail if anything is wrong; M(silver_findings) tells of it.
author: Silver Lining contributors
options:
  addresses:
    description:
      - Addresses beside the node's own to which the names of its sites may lead, such as those of a
        load balancer or of an address translation before it.
    type: list
    elements: str
    default: []
  digest:
    description:
      - What provisioning would install now, as one hash (C(base_release_digest)).
    type: str
    required: true
  web:
    description:
      - Whether applications run on the node.
    type: bool
    default: true
  database:
    description:
      - Whether the node has the databases; of no importance on one that applications run on.
    type: bool
    default: false
  balancer:
    description:
      - Whether the node hands requests to web nodes.
    type: bool
    default: false
"""

EXAMPLES = r"""
- name: Look for what is wrong
  silver_doctor:
    addresses: [203.0.113.80]
    digest: "{{ base_release_digest }}"
"""

RETURN = r"""
address:
  description: Where the node is reached.
  returned: always
  type: str
findings:
  description:
    - What was looked at, with C(check), C(state) (C(ok), C(note) or C(wrong)), C(text), and C(fix),
      which is what to do.
  returned: always
  type: list
  elements: dict
served:
  description: The instance at each location; null if the node could not be asked.
  returned: always
  type: dict
  sample: {shop.test: shop.20261122_001}
"""
