"""The names of a site in its developer's browser: lines of `/etc/hosts` where DNS has none."""

import ipaddress
from collections.abc import Callable, Collection
from dataclasses import dataclass
from pathlib import Path

from silverlining.app.locations import SPECIAL, WILDCARD
from silverlining.nodes import etc_hosts
from silverlining.nodes.targets import addresses_of

HOSTS = Path("/etc/hosts")


@dataclass(frozen=True)
class Report:
    """What was done so that names open in the browser, to be shown.

    Attributes:
        lines: what was changed, and what was left as it is though it leads elsewhere.
        warnings: what could not be done, with what to do by hand.
    """

    lines: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()


def provide(
    host: str,
    node: str,
    addresses: Collection[str],
    path: Path = HOSTS,
    resolve: Callable[[str], set[str]] = addresses_of,
) -> Report:
    """Make the name of a site, and `prev.` before it, lead to its node on this machine.

    A name is left alone that leads to the node already, and one that leads elsewhere by DNS or by
    a line of the user's own: then it is only told where. So the file is changed for names that
    nobody knows, and for those that a line of ours gives another address.

    Args:
        host: the site's host name.
        node: the node that serves it.
        addresses: the addresses by which the node, or any of its set, is reached; the first one is
            written.
        path: the file.
        resolve: how a name becomes addresses.
    """
    if _is_address(host) or host in SPECIAL:
        return Report()
    if problem := _problem(host, path):
        return Report((problem,))
    known = {found for each in addresses for found in _resolved(each, resolve)}
    ours = _ours(path)
    wanted, lines = [], []
    for name in (host, f"prev.{host}"):
        found = resolve(name)
        if found & known:
            continue
        if not found or name in ours:
            wanted.append(name)
        else:
            lines.append(
                f"{name} leads to {', '.join(sorted(found))} on this machine, not to {node};"
                f" {path} was left as it is"
            )
    if wanted and not known:
        lines.append(f"{path} was left as it is: the address of {node} is not known here")
    if not (wanted and known):
        return Report(tuple(lines))
    done = _add(path, node, _written(addresses, resolve), wanted)
    return Report((*done.lines, *lines), done.warnings)


def _problem(host: str, path: Path) -> str | None:
    """Return why a name cannot be made to lead anywhere."""
    if host.startswith(WILDCARD):
        return f"{path} cannot hold {host}: add the hosts that you want to try by hand"
    if host == "localhost" or host.endswith(".localhost"):
        # RFC 6761, section 6.3; browsers do not even ask.
        return f"{host} always means this machine to a browser: choose another name"
    return None


def _add(path: Path, node: str, address: str, names: Collection[str]) -> Report:
    try:
        before, after = etc_hosts.update(
            path, lambda text: etc_hosts.added(text, node, address, names)
        )
    except (etc_hosts.HostsError, OSError) as error:
        return Report(warnings=(str(error),))
    old, new = before.splitlines(), after.splitlines()
    gone = (f"{path}: removed {line.expandtabs(1)!r}" for line in old if line not in new)
    come = (f"{path}: added {line.expandtabs(1)!r}" for line in new if line not in old)
    return Report((*gone, *come))


def _ours(path: Path) -> set[str]:
    """Return the names that lines of ours have."""
    text = path.read_text(encoding="utf-8", errors="surrogateescape") if path.exists() else ""
    entries = map(etc_hosts.Entry.parse, text.splitlines())
    return {name for entry in entries if entry for name in entry.names}


def _written(addresses: Collection[str], resolve: Callable[[str], set[str]]) -> str:
    """Return the address for the file: of the first that leads anywhere, IPv4 if it can be."""
    found = next(each for each in (_resolved(name, resolve) for name in addresses) if each)
    return min(found, key=lambda address: (":" in address, address))


def _resolved(address: str, resolve: Callable[[str], set[str]]) -> set[str]:
    return {address} if _is_address(address) else resolve(address)


def _is_address(text: str) -> bool:
    try:
        ipaddress.ip_address(text)
    except ValueError:
        return False
    return True
