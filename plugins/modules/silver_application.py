"""Documentation of the action plugin of this name, where ansible-doc looks for it."""

DOCUMENTATION = r"""
module: silver_application
short_description: Check an application's directory and find the node it goes to
description:
  - Reads C(app.ini) and checks that the directory can be deployed. Every problem is reported at
    once, a line each.
  - Asks no node; this is an action plugin that works on the machine of the user.
author: Silver Lining contributors
options:
  app:
    description: The name of a directory under C(apps/), or the path of another one.
    type: str
    required: true
  location:
    description:
      - Where it is to be served, C(HOST[/PATH]). By default the C(default_location) of C(app.ini).
    type: str
  node:
    description:
      - A node or a set. By default the set of the node that the location's host resolves to, else
        the only set there is.
    type: str
  config:
    description:
      - The directory of a deployment configuration that is uploaded beside the application. It is
        refused if there is no file in it, or a symbolic link that leaves it.
    type: path
"""

EXAMPLES = r"""
- name: Check the directory and find the node
  silver_application:
    app: hello
  register: application
"""

RETURN = r"""
config:
  description: The directory of the deployment configuration, or an empty string.
  returned: success
  type: str
directory:
  description: The application's root.
  returned: success
  type: str
  sample: /home/me/polls
location:
  description: Where it is to be served.
  returned: success
  type: str
  sample: polls.example.com
plan:
  description: What its C(app.ini) says.
  returned: success
  type: dict
hosts:
  description: >-
    The nodes that it goes to: those of its set that applications run on. The first has the jobs.
  returned: success
  type: list
  elements: str
  sample: [shop-web1, shop-web2]
nodes:
  description: How many nodes of the set applications run on, also if only one of them was named.
  returned: success
  type: int
"""
