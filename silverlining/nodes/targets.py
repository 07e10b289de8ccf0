"""Which node an application goes to, when nobody said."""

import socket
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from silversupport.errors import SilverError

SET_PREFIX = "set_"
ROLE_GROUPS = ("web", "db", "balancer")
"""What a node may be for; one in none of these groups is for everything."""

WEB_GROUP = "web"
"""Group of the nodes that applications run on."""

DEVEL_GROUP = "devel"
"""Group, and the only one, of nodes that serve development here: no application goes there."""


NOT_RUNNING = frozenset(
    {"error", "paused", "pending", "starting", "stopped", "stopping", "suspended", "terminated"}
)
"""States in which a node cannot be reached. Of others one cannot tell: not every provider says, and
some have words of their own."""

NO_ADDRESS = "without an address"
"""In the place of its state, for a node of a provider that has given it no address yet."""

ANY = "any"
"""Below `*.DOMAIN`, a host that leads where all of them do."""


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
        host: the host of the application's location; empty if there is none.
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
    found = resolve(host.replace("*", ANY)) if host else set()
    named = {
        name
        for name, hosts in sets.items()
        if any(found & resolve(addresses[each]) for each in hosts)
    }
    candidates = named or set(sets)
    if len(candidates) > 1:
        labels = sorted(_label(name, sets[name]) for name in candidates)
        listed, first = ", ".join(labels), labels[0]
        which = f"several nodes could serve {host}" if host else "there are several nodes"
        raise TargetError(
            f"{which}: {listed}; say which: --node {first}, or the plain name for a command about"
            f" nodes (-e node={first} for a playbook)"
        )
    return candidates.pop()


def web_nodes(target: str, groups: Mapping[str, Sequence[str]]) -> list[str]:
    """Return the nodes of a target that applications run on; the first one has the jobs.

    Args:
        target: a group or host, from `choose`.
        groups: the inventory's groups, with the names of their hosts.

    Raises:
        TargetError: there is none among them.
    """
    hosts = list(groups.get(target, [target]))
    placed = {host for name in ROLE_GROUPS for host in groups.get(name, ())}
    web = [host for host in hosts if host in groups.get(WEB_GROUP, ()) or host not in placed]
    if not web:
        raise TargetError(
            f"{_label(target, hosts)} has no node in the group {WEB_GROUP}, and applications run"
            " only there; name another node, or its whole set"
        )
    return web


def peers(host: str, groups: Mapping[str, Sequence[str]]) -> list[str]:
    """Return the nodes of a web node's set that applications run on, itself among them."""
    of_host = [name for name, hosts in _sets(groups).items() if host in hosts]
    return web_nodes(of_host[0], groups) if of_host else [host]


def state_of(variables: Mapping[str, Any]) -> str:
    """Return the state of a node, for `check_running`, from what the inventory says of it.

    Args:
        variables: the node's; a machine of one's own has no state, and is reached by its name if
            it has no address.
    """
    state = str(variables.get("libcloud_state", "running"))
    is_reachable = "ansible_host" in variables or "libcloud_state" not in variables
    return state if is_reachable or state in NOT_RUNNING else NO_ADDRESS


def check_running(states: Mapping[str, str]) -> None:
    """Check that nodes can be reached at all, as far as their providers know.

    Args:
        states: the state of each node, in the words of Libcloud, or `NO_ADDRESS`.

    Raises:
        TargetError: one of them is known not to run, or has no address.
    """
    for node, state in states.items():
        command = f"./silver create-node {node} --if-not-exists (--source FILE for a cloud's)"
        if state == NO_ADDRESS:
            raise TargetError(f"{node} has no address yet; wait until it has one with: {command}")
        if state in NOT_RUNNING:
            raise TargetError(f"{node} is {state}, not running; start it with: {command}")


def _sets(groups: Mapping[str, Sequence[str]]) -> dict[str, list[str]]:
    """Return the sets of an inventory; a host that is in none is a set of its own."""
    sets = {
        name: list(hosts) for name, hosts in groups.items() if name.startswith(SET_PREFIX) and hosts
    }
    placed = {host for hosts in (*sets.values(), groups.get(DEVEL_GROUP, ())) for host in hosts}
    return sets | {host: [host] for host in groups["all"] if host not in placed}


def _named(
    node: str, groups: Mapping[str, Sequence[str]], sets: Mapping[str, Sequence[str]]
) -> str:
    hosts = set(groups["all"]) - set(groups.get(DEVEL_GROUP, ()))
    for name in (SET_PREFIX + node, node):
        if name in sets or name in hosts:
            return name
    valid = ", ".join(sorted({*hosts, *(_label(*each) for each in sets.items())}))
    raise TargetError(f"there is no node or set named {node}; there are: {valid}")


def _label(name: str, hosts: Sequence[str]) -> str:
    """Return what a person calls a set: by its only node, or by its name."""
    return hosts[0] if len(hosts) == 1 else name.removeprefix(SET_PREFIX)
