"""Ansible inventory plugin: the nodes of any provider that Apache Libcloud knows."""

from __future__ import annotations

DOCUMENTATION = """
name: libcloud
short_description: Nodes of clouds, and of the local Docker engine, through Apache Libcloud
description:
  - Reads the nodes of one provider from a file that ends in C(.libcloud.yml) or C(.libcloud.yaml).
  - The module M(libcloud_node) makes nodes with the same file.
  - >-
    A node is in its set, the group C(set_NAME), and in C(web), C(db) and C(balancer) unless it was
    made for other groups. A node of no set is a set by itself. One that was made for the group
    C(devel) is in that only: nothing is deployed to it.
  - >-
    Two nodes of one name, an unknown option and a provider that cannot be asked are errors. A local
    Docker engine that does not run is none: it has no nodes.
author: Silver Lining
extends_documentation_fragment:
  - constructed
  - inventory_cache
options:
  plugin:
    description: Marks the file as one of this plugin's.
    type: str
    required: true
    choices: [libcloud]
  provider:
    description: >-
      V(docker) for the Docker engine of this machine (or of E(DOCKER_HOST)), or what Libcloud calls
      a cloud, for example V(ec2), V(openstack), V(digitalocean), V(gce), V(linode).
    type: str
    required: true
  key:
    description: User name, access key or token. May be encrypted by Ansible Vault, or a template.
    type: str
  secret:
    description: What belongs to O(key). May be encrypted by Ansible Vault, or a template.
    type: str
  key_env:
    description: Name of the environment variable that holds O(key).
    type: str
  secret_env:
    description: Name of the environment variable that holds O(secret).
    type: str
  region:
    description: >-
      One of the provider's regions, where new nodes are made; for V(gce) a zone. Providers with one
      address for each region are asked about that region only.
    type: str
  name_prefix:
    description: Only nodes whose name begins so are taken.
    type: str
    default: ""
  optional:
    description: Whether a provider that cannot be asked is a warning instead of an error.
    type: bool
    default: false
  user:
    description: >-
      Who logs in on the nodes, C(ansible_user). Nodes of the local Docker engine have C(admin).
    type: str
  private_key_file:
    description: >-
      The private key to log in with, C(ansible_ssh_private_key_file). The public key beside it,
      C(.pub), is let in on new nodes; without it that is the first of C(id_ed25519.pub),
      C(id_ecdsa.pub) and C(id_rsa.pub) in C(~/.ssh). For nodes of the local Docker engine Silver
      Lining has a key pair of its own.
    type: path
  cloud_init:
    description: >-
      Whether the images run cloud-init. M(libcloud_node) then hands a new node its first host key
      with its user data, where the provider takes any.
    type: bool
    default: true
  image:
    description: >-
      PATTERN of the image for new nodes, for example V(first name *24.04*). Read by
      M(libcloud_node) only.
    type: str
  size:
    description: PATTERN of the size for new nodes, for example V(ram 2048). As O(image).
    type: str
  options:
    description: Further arguments of Libcloud's driver, as its documentation has them.
    type: dict
    default: {}
  create_options:
    description: >-
      Further arguments of the driver's C(create_node), the id or the name where it wants an object
      of Libcloud. Read by M(libcloud_node) only.
    type: dict
    default: {}
"""

EXAMPLES = """
# inventory/local.libcloud.yml: the Docker engine of this machine
plugin: libcloud
provider: docker

---
# inventory/amazon.libcloud.yml: one region of EC2, credentials from the environment
# More in inventory/examples/
plugin: libcloud
provider: ec2
region: eu-central-1
key_env: AWS_ACCESS_KEY_ID
secret_env: AWS_SECRET_ACCESS_KEY
user: ubuntu
image: first name ubuntu/images/hvm-ssd*/ubuntu-noble-24.04-amd64-server-*
size: id t3.small
create_options:
  ex_security_groups: [web]

---
# inventory/ocean.libcloud.yml: a token, groups by region, and an answer kept for five minutes
plugin: libcloud
provider: digitalocean
key_env: DIGITALOCEAN_TOKEN
region: fra1
name_prefix: shop-
user: root
keyed_groups:
  - key: libcloud_extra.region
    prefix: region
cache: true
cache_timeout: 300

---
# inventory/lab.libcloud.yml: a cloud that is not always there
plugin: libcloud
provider: openstack
key: demo
secret: "{{ lookup('ansible.builtin.env', 'OS_PASSWORD') }}"
optional: true
options:
  ex_force_auth_url: https://keystone.example.org:5000
  ex_force_auth_version: 3.x_password
  ex_tenant_name: demo
"""

import time
from pathlib import Path
from typing import Any

from ansible.errors import AnsibleParserError
from ansible.inventory.data import InventoryData
from ansible.parsing.dataloader import DataLoader
from ansible.plugins.inventory import BaseInventoryPlugin, Cacheable, Constructable

from silverlining.nodes import sources
from silverlining.nodes.engine import EngineError
from silverlining.nodes.node_facts import node_groups, node_to_hostvars
from silverlining.nodes.source_changes import last_change
from silverlining.nodes.sources import Source, SourceError
from silversupport.errors import SilverError

SERVERS = "servers.yml"
"""The file of machines of one's own, beside the sources."""

Host = dict[str, Any]
"""``name``, ``groups`` and ``vars`` of a node: plain data, as it is kept in the cache."""


class InventoryModule(BaseInventoryPlugin, Constructable, Cacheable):
    """The plugin."""

    NAME = "libcloud"

    def verify_file(self, path: str) -> bool:
        """Return whether a file is meant for this plugin."""
        return bool(super().verify_file(path)) and path.endswith(sources.SUFFIXES)

    def parse(
        self, inventory: InventoryData, loader: DataLoader, path: str, cache: bool = True
    ) -> None:
        """Add a source's nodes to the inventory.

        Args:
            inventory: What to add to.
            loader: Ansible's reader of files.
            path: The source file.
            cache: Whether kept answers may be used.

        Raises:
            AnsibleParserError: The file is wrong, its provider cannot be asked, or a name is taken.
        """
        super().parse(inventory, loader, path, cache)
        self._check_marked(path)
        data = self._read_config_data(path)
        try:
            source = sources.parse(self._templated(data), path)
        except SourceError as error:
            raise AnsibleParserError(str(error)) from None  # or Ansible prints it twice
        for host in self._hosts(source, path, cache):
            self._check_free(host["name"], path)
            self._add(host, path)

    def _check_marked(self, path: str) -> None:
        """Refuse a file that does not say that it is ours.

        Any other exception would hand it on to the plugin ``yaml``, which takes such a file, finds
        no host in it, and is content.
        """
        data = self.loader.load_from_file(path, cache="none")
        if isinstance(data, dict) and "plugin" not in data:
            raise SystemExit(
                f"ERROR: {path}: 'plugin: libcloud' is missing; begin the file with it."
            )

    def _templated(self, data: dict[str, Any]) -> dict[str, Any]:
        """Return the file's options, with key and secret rendered if they are templates."""
        return {
            name: self.templar.template(value) if name in sources.CREDENTIALS else value
            for name, value in data.items()
        }

    def _hosts(self, source: Source, path: str, cache: bool) -> list[Host]:
        """Return the nodes, from the cache if that is wanted and it has them."""
        if not self.get_option("cache"):
            return self._ask(source) or []
        key, began = self.get_cache_key(path), time.time()
        if cache and (kept := self._kept(key)) and kept["asked"] > last_change(path):
            hosts: list[Host] = kept["hosts"]
            return hosts
        asked = self._ask(source)
        if asked is None:
            return []
        self._cache[key] = {"asked": began, "hosts": asked}
        return asked

    def _kept(self, key: str) -> dict[str, Any] | None:
        """Return what the cache has, None if it has nothing or that is too old."""
        try:
            kept: dict[str, Any] = self._cache[key]
        except KeyError:
            return None
        return kept

    def _ask(self, source: Source) -> list[Host] | None:
        """Return the nodes as the provider has them now, None if it need not answer and did not."""
        try:
            return [self._host(node, source) for node in source.nodes()]
        except EngineError as error:
            self.display.v(f"{source.origin}: no local nodes: {error}")
        except SilverError as error:
            if not source.optional:
                raise AnsibleParserError(str(error)) from None  # or Ansible prints it twice
            self.display.warning(f"{error} (optional, left out)")
        return None

    def _host(self, node: Any, source: Source) -> Host:
        hostvars = node_to_hostvars(node, source)
        return {"name": node.name, "groups": node_groups(node), "vars": hostvars}

    def _add(self, host: Host, path: str) -> None:
        """Add one node with its variables and groups."""
        name = host["name"]
        self.inventory.add_host(name)
        for variable, value in host["vars"].items():
            self.inventory.set_variable(name, variable, value)
        self.inventory.set_variable(name, "libcloud_source", path)
        for group in host["groups"]:
            self.inventory.add_child(self.inventory.add_group(group), name)
        self._construct(name)

    def _construct(self, name: str) -> None:
        """Add the variables and groups that the file's ``compose`` and so on ask for."""
        if not any(map(self.get_option, ("compose", "groups", "keyed_groups"))):
            return  # It costs more than all else that is done for a node.
        strict = self.get_option("strict")
        self._set_composite_vars(
            self.get_option("compose"), self._variables(name), name, strict=strict
        )
        variables = self._variables(name)
        self._add_host_to_composed_groups(self.get_option("groups"), variables, name, strict=strict)
        self._add_host_to_keyed_groups(
            self.get_option("keyed_groups"), variables, name, strict=strict
        )

    def _variables(self, name: str) -> dict[str, Any]:
        variables: dict[str, Any] = self.inventory.get_host(name).get_vars()
        return variables

    def _check_free(self, name: str, path: str) -> None:
        """Refuse a second node of one name; a host that only has groups or variables is none."""
        known = self.inventory.hosts.get(name)
        other = None
        if known is not None and "ansible_host" in known.vars:
            other = known.vars.get("libcloud_source", "a static inventory file")
        elif name in self._servers(path):
            other = SERVERS
        if other:
            raise AnsibleParserError(
                f"Two nodes are named {name}: one in {path}, one in {other}. "
                "Rename or remove one, or narrow name_prefix."
            )

    def _servers(self, path: str) -> set[str]:
        """Return the names of machines of one's own, which Ansible reads after this source."""
        servers = Path(path).with_name(SERVERS)
        if not servers.exists():
            return set()
        data = self.loader.load_from_file(str(servers)) or {}
        hosts = (data.get("all") or {}).get("hosts") or {}
        return {name for name, variables in hosts.items() if "ansible_host" in (variables or {})}
