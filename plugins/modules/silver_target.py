"""Documentation of the action plugin of this name, where ansible-doc looks for it."""

DOCUMENTATION = r"""
module: silver_target
short_description: Find the nodes that a playbook is about
description:
  - Checks first that the variables were given that the playbook cannot do without.
  - Asks no node; this is an action plugin that works on the machine of the user.
author: Silver Lining contributors
options:
  required:
    description:
      - What has to be given, by name. One that is empty is an error that names it.
    type: dict
    default: {}
  example:
    description:
      - A full correct command, for the error.
    type: str
    required: true
  locations:
    description:
      - The locations that the playbook is about, if it is about any. They may have wildcards.
    type: list
    elements: str
    default: []
  node:
    description:
      - A node or a set. By default the set of the node that the host of the first location resolves
        to, else the only set there is.
    type: str
"""

EXAMPLES = r"""
- name: Find the node
  silver_target:
    required: {location: "{{ location | default('') }}"}
    locations: "{{ location }}"
    node: "{{ node | default('') }}"
    example: ansible-playbook playbooks/enable.yml -e location=polls.test
  register: _enable_target

- name: Hand it on
  ansible.builtin.add_host: {name: "{{ item }}", groups: enable_target}
  loop: "{{ _enable_target.hosts }}"
  changed_when: false
"""

RETURN = r"""
target:
  description: The Ansible host or group.
  returned: success
  type: str
  sample: set_shop
hosts:
  description: The hosts in it that applications run on; the first has the jobs.
  returned: success
  type: list
  elements: str
  sample: [shop-web1, shop-web2]
"""
