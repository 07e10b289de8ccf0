"""Documentation of the action plugin of this name, where ansible-doc looks for it."""

DOCUMENTATION = r"""
module: silver_restore
short_description: Put the data of an archive in the place of an app's
description:
  - Used twice. Without I(archive) it looks at the archive, all of it where that costs no traffic,
    and makes the node ready for the app; what packages and services it is missing is in the answer.
    With this answer as I(archive) it decrypts the archive and sends it to the node.
  - The node restores it beside what is there, checks it, and exchanges the two. An archive that is
    damaged, cut off or tampered with changes nothing, and so does one of another app.
  - The archive passes through the machine of the user, where C(age) has to be installed, and is
    written nowhere there.
author: Silver Lining contributors
options:
  source:
    description:
      - The archive, in the forms that C(silver_backup) takes as its C(destination); or
        C(site:LOCATION[@NODE]) for what an app has now, on another node.
    type: str
    required: true
  location:
    description: Where the app is served, or is going to be.
    type: str
    required: true
  storage:
    description: As of C(silver_backup).
    type: dict
    default: {}
  identity:
    description: The file of the key that reads the archive. By default that of the user.
    type: path
  verified:
    description: The archive was looked at before, as in check mode; its manifest is enough now.
    type: bool
    default: false
  archive:
    description: What the first use answered.
    type: dict
"""

EXAMPLES = r"""
- name: Look at the archive
  silver_restore: {source: /backups/polls-20261123T031944Z.tar.age, location: polls.test}
  register: _archive

- name: Restore it
  silver_restore:
    source: /backups/polls-20261123T031944Z.tar.age
    location: polls.test
    archive: "{{ _archive }}"
"""

RETURN = r"""
app:
  description: Whose data it is.
  returned: success
  type: str
packages:
  description: Packages that the app needs and the node does not have.
  returned: where I(archive) was not given
  type: list
  elements: str
services:
  description: Services that the app needs and does not have on the node.
  returned: where I(archive) was not given
  type: list
  elements: dict
question:
  description: What to ask before data is replaced; empty if there is none.
  returned: where I(archive) was not given
  type: str
msg:
  description: What was done.
  returned: where I(archive) was given
  type: str
"""
