"""Documentation of the action plugin of this name, where ansible-doc looks for it."""

DOCUMENTATION = r"""
module: silver_update
short_description: Upload what has changed of an application, and switch its location to it
description:
  - Works on all nodes that run the application by itself, side by side, so it is a task that runs
    once.
  - Uploads with rsync through the connections that Ansible has open, sharing unchanged files with
    the active instance.
  - Starts the new instance beside the old one, carries out C(update_fetch) on the first node, asks
    C(check_url) on each, and only then moves the routes. If any of this fails on any node, the site
    stays as it was on all of them, and nothing of the upload is left.
  - Gives all nodes the same secret of the application.
  - Changes nothing if the directory is what is served already.
  - In check mode it lists what an update would change, and what was edited on the node, with the
    differences of texts if C(--diff) is given.
  - Ctrl-C has the node undo what it has begun, up to the moment in which the routes move.
author: Silver Lining contributors
options:
  application:
    description: What M(silver_application) returned.
    type: dict
    required: true
  needs:
    description: What M(silver_prepare) returned, for each node; the first one is the leader.
    type: list
    elements: dict
    required: true
  etc_hosts:
    description:
      - Whether to add the site's name, and C(prev.) before it, to C(/etc/hosts) of the machine of
        the user, if they lead nowhere. What was done is a part of the message.
    type: bool
    default: false
  clear:
    description: Whether the application's data was cleared, which makes a new instance.
    type: bool
    default: false
"""

EXAMPLES = r"""
- name: Upload, check and switch
  silver_update:
    application: "{{ application }}"
    needs: "{{ ansible_play_hosts | map('extract', hostvars, 'needs') }}"
  run_once: true
"""

RETURN = r"""
differences:
  description:
    - V(changed), V(added) and V(removed) files, V(texts) with a unified difference by path,
      V(config) and V(on_server) with the files that differ there, and V(further), what else would
      be done.
  returned: check mode
  type: dict
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
