"""Documentation of the action plugin of this name, where ansible-doc looks for it."""

DOCUMENTATION = r"""
module: silver_script
short_description: Find the node that runs a script of an application, and what it is asked
description:
  - Asks no node; this is an action plugin that works on the machine of the user.
author: Silver Lining contributors
options:
  location:
    description:
      - Where the application is served, C(HOST[/PATH]); C(prev.HOST[/PATH]) for the version before.
    type: str
    required: true
  script:
    description:
      - A script of the application's C(bin/), a path in it, or a program of the node, with its
        arguments, quoted as for a shell.
    type: str
  cron:
    description:
      - In the place of a script, the name of a C(cron.NAME) of the application.
    type: str
  node:
    description:
      - A node or a set. By default the set of the node that the location's host resolves to, else
        the only set there is.
    type: str
"""

EXAMPLES = r"""
- name: Find the node
  silver_script:
    location: polls.test
    script: manage.py migrate --noinput
  register: plan
"""

RETURN = r"""
target:
  description: The Ansible host that runs it.
  returned: success
  type: str
  sample: web1
request:
  description: The argument of C(silver-node run).
  returned: success
  type: str
"""
