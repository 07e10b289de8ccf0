"""Documentation of the action plugin of this name, where ansible-doc looks for it."""

DOCUMENTATION = r"""
module: silver_set
short_description: Compare the nodes of a set with those that there are
description:
  - Checks the declaration of a set, asks its source which nodes there are, and tells which are to
    be made or started. It changes nothing.
  - A node is called by the set, its groups and a number, C(shop-web1) or C(shop-web-db1).
  - A node that has the name of one that is declared and is not in the set, or is in other groups,
    is an error. One that is in the set and not declared is only named, with the command that
    removes it.
  - This is an action plugin that works on the machine of the user.
author: Silver Lining contributors
options:
  declared:
    description:
      - The nodes that there are to be.
      - Besides the options below, each key is a kind of node, V(web), V(db) or V(balancer), or
        several of them joined by V(+) for a node that is in all of these groups. Its value has
        C(count), and C(image) and C(size) if they differ. A set has at most one node in V(db).
    type: dict
    required: true
    suboptions:
      set:
        description: The set's name. Its group is C(set_NAME).
        type: str
        required: true
      source:
        description: The source file, relative to the root of the repository.
        type: str
        default: inventory/local.libcloud.yml
      image:
        description: PATTERN of the image for new nodes; by default the source's.
        type: str
      size:
        description: PATTERN of the size for new nodes; by default the source's.
        type: str
  table:
    description: Whether to tell how every node of the set is, in the place of what is missing.
    type: bool
    default: false
"""

EXAMPLES = r"""
- name: Compare the set with the nodes that there are
  silver_set:
    declared:
      set: shop
      source: inventory/amazon.libcloud.yml
      size: id t3.small
      web: {count: 2}
      db: {count: 1, size: id t3.medium}
      balancer: {count: 1}
  register: set_of_nodes

- name: Compare a small set, with one node that is web server and database
  silver_set:
    declared:
      set: shop
      web+db: {count: 1}
      balancer: {count: 1}
"""

RETURN = r"""
group:
  description: The set's group in the inventory.
  returned: success
  type: str
  sample: set_shop
source:
  description: Path of the source file.
  returned: success
  type: str
missing:
  description: The nodes that are to be made or started, as arguments of M(libcloud_node).
  returned: success
  type: list
  elements: dict
  sample: [{name: shop-web1, groups: [web, set_shop], image: "", size: "id t3.small"}]
images:
  description: PATTERNs of the images that are needed for them.
  returned: success
  type: list
  elements: str
surplus:
  description: Names of the nodes that are in the set and not declared.
  returned: success
  type: list
  elements: str
told:
  description: What a person is told, one line each.
  returned: success
  type: list
  elements: str
"""
