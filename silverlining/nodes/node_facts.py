"""From a Libcloud node to what Ansible is told about it."""

import re
from collections.abc import Iterable, Mapping, Sequence
from enum import Enum
from typing import Any

from libcloud.compute.base import Node

from silverlining.nodes.providers import kept_groups
from silverlining.nodes.sources import Source
from silverlining.nodes.targets import DEVEL_GROUP, ROLE_GROUPS
from silversupport.errors import SilverError


class GroupError(SilverError):
    """A node cannot be put into a group."""


def node_to_hostvars(node: Node, source: Source) -> dict[str, Any]:
    """Return a node's host variables, plain data only, without those that have no value.

    Args:
        node: What the provider listed.
        source: Where the node is from, and how one logs in there.
    """
    public, private = addresses(node.public_ips), addresses(node.private_ips)
    hostvars = {
        "ansible_host": address(node),
        "ansible_user": source.login_user,
        "ansible_ssh_private_key_file": source.login_key,
        # Addresses are used again: a connection kept open must not be taken for the next node's.
        "ansible_control_path": f"%(directory)s/{node.uuid[:10]}-%%r",
        "libcloud_provider": source.provider,
        "libcloud_id": node.id,
        "libcloud_state": node.state,
        "libcloud_image": _id(node.image) or node.extra.get("image_id"),
        "libcloud_size": _id(node.size) or node.extra.get("instance_type"),
        "libcloud_public_ips": public,
        "libcloud_private_ips": private,
        "libcloud_created_at": node.created_at,
        "libcloud_extra": _without_passwords(node.extra),
    }
    return {name: plain(value) for name, value in hostvars.items() if value is not None}


def addresses(listed: Sequence[object]) -> list[str]:
    """Return addresses as text, those of IPv4 first: not every laptop has IPv6.

    Some drivers list networks in the place of addresses (OpenNebula), or None where there is no
    address yet (vps.net).
    """
    found = [str(getattr(each, "address", each)) for each in listed if each]
    return sorted(found, key=lambda address: ":" in address)


def address(node: Node) -> str | None:
    """Return where a node is reached: at a public address if it has one, of IPv4 if it can be."""
    return next(iter((*addresses(node.public_ips), *addresses(node.private_ips))), None)


def node_groups(node: Node) -> list[str]:
    """Return a node's groups: those of its label, and what they leave open.

    A node with none of the role groups has all of them, and a node of no set is a set of its own;
    one for development is neither.
    """
    groups = kept_groups(node.extra)
    if DEVEL_GROUP in groups:
        return [DEVEL_GROUP]
    if not set(groups) & set(ROLE_GROUPS):
        groups += ROLE_GROUPS
    if not any(group.startswith("set_") for group in groups):
        groups.append(re.sub(r"\W", "_", f"set_{node.name}", flags=re.ASCII))
    return groups


def check_groups(groups: Sequence[str]) -> None:
    """Check that Ansible takes the names of groups, and that every provider's labels hold them.

    Raises:
        GroupError: A name is none of those.
    """
    bad = [group for group in groups if not re.fullmatch(r"[a-z][a-z0-9_]{0,35}", group)]
    if bad:
        raise GroupError(
            f"Bad group {', '.join(map(repr, bad))}: use lower case letters, digits and _, at most "
            f"36, as in {', '.join(ROLE_GROUPS)} and set_NAME."
        )


def plain(value: object) -> Any:
    """Return a value as lists, dicts, strings, numbers, booleans and None.

    Drivers put datetimes, enums and objects of their own into ``extra``; Ansible takes none of
    them.
    """
    if isinstance(value, Enum):
        return plain(value.value)
    if value is None or isinstance(value, bool | int | float):
        return value
    if isinstance(value, Mapping):
        return {str(key): plain(each) for key, each in value.items()}
    if isinstance(value, Iterable) and not isinstance(value, str | bytes):
        return [plain(each) for each in value]
    if hasattr(value, "isoformat"):
        return value.isoformat()
    return str(value)


def _id(value: object) -> object:
    """Return the id of an image or a size, which some drivers give in place of the object."""
    return getattr(value, "id", value)


def _without_passwords(extra: Mapping[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in extra.items() if "pass" not in str(key).lower()}
