"""Documentation of the action plugin of this name, where ansible-doc looks for it."""

DOCUMENTATION = r"""
module: silver_findings
short_description: Tell what is wrong with a node and its set
description:
  - Adds to what M(silver_doctor) has found what can only be seen of several nodes, that is web
    nodes of one set that serve different instances. It is told of the first of them.
  - Fails if anything is wrong, with a line for each finding and what to do.
author: Silver Lining contributors
options:
  address:
    description:
      - Where the node is reached.
    type: str
    required: true
  findings:
    description:
      - What M(silver_doctor) has found on the node.
    type: list
    elements: dict
    required: true
  served:
    description:
      - For each web node of the set that was asked, the instance at each location, as
        M(silver_doctor) returns it.
    type: dict
    required: true
"""

EXAMPLES = r"""
- name: Tell what is wrong
  silver_findings:
    address: "{{ doctor.address }}"
    findings: "{{ doctor.findings }}"
    served: {web1: {shop.test: shop.20261122_001}, web2: {shop.test: shop.20261122_001}}
"""

RETURN = r"""
address:
  description: Where the node is reached.
  returned: always
  type: str
findings:
  description: All that was found, as M(silver_doctor) returns it.
  returned: always
  type: list
  elements: dict
"""
