"""Documentation of the action plugin of this name, where ansible-doc looks for it."""

DOCUMENTATION = r"""
module: silver_backup
short_description: Keep all data of an app in one archive
description:
  - Has the node send an encrypted archive of what the services of an app keep for it, its
    deployment configuration, its secret and its C(app.ini), stores it as it comes, and reads it
    back.
  - Of a backup that fails nothing is left, neither on the node nor where the archive was to go.
  - The archive passes through the machine of the user, where C(age) has to be installed.
author: Silver Lining contributors
options:
  location:
    description: Where the app is served.
    type: str
    required: true
  destination:
    description:
      - A file or a directory of the machine of the user, or C(PROVIDER://CONTAINER/PREFIX) with the
        name of a storage provider of Libcloud, such as C(s3://backups/polls).
    type: str
    required: true
  storage:
    description:
      - Options of the provider's driver, such as C(key), C(secret), C(host), C(port), C(secure) and
        C(region). What is missing is looked for in the environment.
    type: dict
    default: {}
  recipients:
    description:
      - Public keys of C(age), or of ssh, whose owners can read the archive; or files of them. The
        default is the key of C(identity).
    type: list
    elements: str
    default: []
  identity:
    description:
      - The file of the key that reads the archive back. By default that of the user, which is made
        if it is missing.
    type: path
  verify:
    description: Read the archive back, and compare every checksum.
    type: bool
    default: true
"""

EXAMPLES = r"""
- name: Keep the data
  silver_backup:
    location: polls.test
    destination: /backups/
"""

RETURN = r"""
archive:
  description: Where the archive is.
  returned: success
  type: str
  sample: /backups/polls-20261123T031944Z.tar.age
bytes:
  description: Its size.
  returned: success
  type: int
seconds:
  description: How long it took.
  returned: success
  type: float
verified:
  description: Whether it was decrypted and every checksum compared.
  returned: success
  type: bool
services:
  description: For each service the facts of its data, such as the rows of every table.
  returned: success
  type: dict
"""
