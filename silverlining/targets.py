"""Which node an application goes to, when nobody said."""

import socket
from collections.abc import Callable, Mapping, Sequence

from silversupport.errors import SilverError

SET_PREFIX = "set_"


class TargetError(SilverError):
    """It cannot be told which node is meant."""


def addresses_of(host: str) -> set[str]:
    """Return the addresses that a host name resolves to on this machine; none if it does not."""
    try:
        return {str(found[4][0]) for found in socket.getaddrinfo(host, 80)}
    except (OSError, UnicodeError):
        return set()


def choose(
    node: str | None,
    host: str,
    groups: Mapping[str, Sequence[str]],
    addresses: Mapping[str, str],
    resolve: Callable[[str], set[str]] = addresses_of,
) -> str:
    """Return the Ansible group or host that an application goes to.

    It is the one that was named, else the set that the host of the location resolves to, else
    the only set there is.

    Args:
        node: the name of a node or of a set; None if nothing was said.
        host: the host of the application's location.
        groups: the inventory's groups, with the names of their hosts.
        addresses: the address of each host of the inventory.
        resolve: how a host name becomes addresses.

    Raises:
        TargetError: there is no such node, none at all, or several to choose from.
    """
    sets = _sets(groups)
    if not sets:
        raise TargetError(
            "there is no node yet: create one with ./silver create-node NAME --setup-node"
        )
    if node:
        return _named(node, groups, sets)
    found = resolve(host)
    named = {
        name
        for name, hosts in sets.items()
        if any(found & resolve(addresses[each]) for each in hosts)
    }
    candidates = named or set(sets)
    if len(candidates) > 1:
        first = _label(min(candidates))
        listed = ", ".join(sorted(map(_label, candidates)))
        raise TargetError(
            f"several nodes could serve {host}: {listed}; say which, such as -e node={first}"
        )
    return candidates.pop()


def _sets(groups: Mapping[str, Sequence[str]]) -> dict[str, list[str]]:
    """Return the sets of an inventory; a host that is in none is a set of its own."""
    sets = {
        name: list(hosts) for name, hosts in groups.items() if name.startswith(SET_PREFIX) and hosts
    }
    placed = {host for hosts in sets.values() for host in hosts}
    return sets | {host: [host] for host in groups["all"] if host not in placed}


def _named(node: str, groups: Mapping[str, Sequence[str]], sets: Mapping[str, object]) -> str:
    for name in (SET_PREFIX + node, node):
        if name in sets or name in groups["all"]:
            return name
    valid = ", ".join(sorted({*groups["all"], *map(_label, sets)}))
    raise TargetError(f"there is no node or set named {node}; there are: {valid}")


def _label(name: str) -> str:
    return name.removeprefix(SET_PREFIX)
