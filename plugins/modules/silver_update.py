"""Documentation of the action plugin of this name, where ansible-doc looks for it."""

DOCUMENTATION = r"""
module: silver_update
short_description: Upload what has changed of an application, and switch its location to it
description:
  - Uploads with rsync through the connection that Ansible has open, sharing unchanged files with
    the active instance.
  - Starts the new instance beside the old one, carries out C(update_fetch), asks C(check_url), and
    only then moves the routes. If any of this fails the site stays as it was, and nothing of the
    upload is left.
  - Changes nothing if the directory is what is served already. Check mode and C(--diff) list what
    an update would change.
author: Silver Lining contributors
options:
  directory:
    description: The application's root, from M(silver_application).
    type: path
    required: true
  plan:
    description: What the application's C(app.ini) says, from M(silver_application).
    type: dict
    required: true
  location:
    description: Where it is to be served, C(HOST[/PATH]).
    type: str
    required: true
  needs:
    description: What M(silver_prepare) returned.
    type: dict
    required: true
"""

EXAMPLES = r"""
- name: Upload, check and switch
  silver_update:
    directory: "{{ application.directory }}"
    plan: "{{ application.plan }}"
    location: "{{ application.location }}"
    needs: "{{ needs }}"
"""

RETURN = r"""
instance:
  description: The instance that serves the location now.
  returned: success
  type: str
  sample: polls.20261122_002
previous:
  description: The one before it, served at C(prev.LOCATION).
  returned: changed
  type: str
  sample: polls.20261122_001
removed:
  description: Older instances that were removed.
  returned: changed
  type: list
  elements: str
"""
