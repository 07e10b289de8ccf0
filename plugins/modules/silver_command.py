"""Documentation of the action plugin of this name, where ansible-doc looks for it."""

DOCUMENTATION = r"""
module: silver_command
short_description: Have a node carry out a command of silver-node
description:
  - Calls C(silver-node) on the node, with a request to which the release and the name of the user
    are added. The message of its answer is shown.
  - Fails with what the node says if it cannot do it, or was never provisioned, or by another
    release.
  - In check mode it does nothing.
author: Silver Lining contributors
options:
  command:
    description: The command.
    type: str
    required: true
  request:
    description: What it is asked, as the command's own documentation in C(silvernode) says.
    type: dict
    default: {}
"""

EXAMPLES = r"""
- name: Take the maintenance page off
  silver_command:
    command: enable
    request: {locations: [polls.test]}
"""

RETURN = r"""
msg:
  description: What was done, for the person who asked.
  returned: where the command has something to say
  type: str
warnings:
  description: What could not be done, though the command succeeded.
  returned: where there is something
  type: list
  elements: str
"""
