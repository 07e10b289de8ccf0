#!/usr/bin/python
"""Ansible module: a Docker engine on this machine, and a base image for local nodes."""

from __future__ import annotations

DOCUMENTATION = """
module: local_engine
short_description: Install and start the local Docker engine, and make a base image for nodes
description:
  - >-
    Where no Docker engine answers, installs the distribution's with apt and starts it, as root or
    with a sudo that asks for no password; otherwise fails with one line that says what to type.
  - >-
    Makes the base image of local nodes: on the image of that name if it can be pulled, or else on a
    system bootstrapped from this machine's own package sources.
  - Does nothing for a source of another provider than V(docker).
author: Silver Lining
attributes:
  check_mode:
    support: none
    description: Is skipped in check mode.
  diff_mode:
    support: none
    description: Does not show what would change.
options:
  source:
    description: The source file of the nodes, as in the inventory.
    type: path
    required: true
  image:
    description: >-
      PATTERN of the image, V(name debian:13) for example. Default is O(image) of the source, then
      V(ubuntu:24.04) where it can be pulled, then the release of this machine.
    type: str
    default: ""
"""

EXAMPLES = """
- name: Make sure that a local node can be created
  local_engine:
    source: inventory/local.libcloud.yml
    image: name debian:13
"""

RETURN = """
image:
  description: The image's name; empty for another provider than V(docker).
  returned: always
  type: str
  sample: debian:13
log:
  description: What was done, one line a step.
  returned: always
  type: list
  elements: str
"""

from typing import Any

from ansible.module_utils.basic import AnsibleModule

from silverlining.nodes import engine, image, patterns, sources
from silverlining.nodes.docker_driver import DockerNodeDriver
from silverlining.nodes.sources import Source
from silversupport.errors import SilverError


def ensure(source: Source, pattern: str) -> dict[str, Any]:
    """Make engine and image ready, and return the module's result."""
    if not source.is_local:
        return {"changed": False, "image": "", "log": []}
    log: list[str] = []
    started = engine.ensure(log.append)
    driver = DockerNodeDriver(**source.options)
    images = driver.list_images()
    wanted = patterns.select(images, pattern or source.image or f"id {images[0].id}", "image")
    made = image.ensure(driver.client, wanted.id, log.append)
    return {"changed": started or made, "image": wanted.id, "log": log}


def main() -> None:
    """Run the module."""
    module = AnsibleModule(
        {
            "source": {"type": "path", "required": True},
            "image": {"type": "str", "default": ""},
        }
    )
    try:
        result = ensure(sources.load(module.params["source"]), module.params["image"])
    except SilverError as error:
        module.fail_json(msg=str(error))
    module.exit_json(**result)


if __name__ == "__main__":
    main()
