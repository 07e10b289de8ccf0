"""What is wrong with a node: what it finds itself, and what can only be seen from here."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Any

from silverlining.nodes.targets import addresses_of
from silversupport import VERSION

Finding = dict[str, str]
"""`check`, `state` (one of those below), `text`, and `fix`, what to do."""

OK, NOTE, WRONG = "ok", "note", "wrong"

CLOCK_SECONDS = 5.0
"""By which the clocks may differ: more upsets certificates, sessions and schedules."""

ANY_HOST = "silver-doctor"
"""Stands for the `*` of a location: any name has to lead to the node."""


def unreachable(text: str, fix: str) -> Finding:
    """Return the finding that a node cannot be asked."""
    return {"check": "node", "state": WRONG, "text": text, "fix": fix}


def finding(check: str, state: str, text: str, fix: str = "") -> Finding:
    """Return what was found when one thing was looked at."""
    return {"check": check, "state": state, "text": text, "fix": fix}


def problems(findings: Sequence[Finding]) -> list[str]:
    """Return what is wrong, a line each, with what to do."""
    wrong = [each for each in findings if each["state"] == WRONG]
    return [f"{each['check']}: {each['text']} (to do: {each['fix']})" for each in wrong]


def complete(
    answer: Mapping[str, Any],
    *,
    node: str,
    addresses: Collection[str],
    digest: str,
    between: tuple[float, float],
) -> list[Finding]:
    """Return what a node found, and what can be seen from here.

    Args:
        answer: what `silver-node doctor` answered.
        node: the node's name.
        addresses: where visitors are to end up.
        digest: of what the node would be set up from now.
        between: when the node was asked and when it had answered, in seconds since 1970.
    """
    return [
        _release(answer, node, digest),
        _clock(answer["time"], between),
        *_names(answer["locations"], node, addresses),
        *answer["findings"],
    ]


def differences(node: str, served: Mapping[str, Mapping[str, str]]) -> list[Finding]:
    """Return where the nodes of a set serve different things, which a visitor sees by turns.

    Args:
        node: the node of which it is told; only the first of those in `served` has it told.
        served: for each node that was asked, the instance that it serves at each location.
    """
    if not served or node != next(iter(served)):
        return []
    found = []
    for location in sorted({where for each in served.values() for where in each}):
        by = {name: each.get(location, "nothing") for name, each in served.items()}
        if len(set(by.values())) > 1:
            which = ", ".join(f"{instance} on {name}" for name, instance in by.items())
            text = f"{location} is not the same everywhere: {which}"
            fix = f"update it again: ./silver update DIR {location}"
            found.append(finding("set", WRONG, text, fix))
    return found


def _release(answer: Mapping[str, Any], node: str, digest: str) -> Finding:
    if answer["digest"] == digest:
        return finding("release", OK, f"set up by Silver Lining {answer['version']}, this one")
    was = f"Silver Lining {answer['version']}"
    text = f"set up by {was}, or settings, other than here ({VERSION})"
    return finding("release", WRONG, text, f"./silver setup-node {node}")


def _clock(theirs: float, between: tuple[float, float]) -> Finding:
    """Compare the clocks; the node's time is from somewhen between the two of ours."""
    began, ended = between
    difference = max(began - theirs, theirs - ended, 0.0)
    if difference > CLOCK_SECONDS:
        text = f"the node's clock and that of this machine differ by {difference:.0f} s"
        return finding("clock", WRONG, text, "on the one that is wrong: timedatectl set-ntp true")
    return finding("clock", OK, "agrees with that of this machine")


def _names(locations: Sequence[str], node: str, addresses: Collection[str]) -> Iterator[Finding]:
    hosts = {location.partition("/")[0] for location in locations}
    for host in sorted(host for host in hosts if "." in host):
        found = addresses_of(host.replace("*", ANY_HOST))
        if found & set(addresses):
            yield finding("names", OK, f"{host} leads to {node}")
        else:
            where = f"leads to {', '.join(sorted(found))}" if found else "leads nowhere"
            fix = (
                f"let the DNS record of {host} be {' or '.join(sorted(addresses))}; if another"
                " address is right, add it to the variable silver_addresses of the node"
            )
            yield finding("names", WRONG, f"{host} {where}, not to {node}", fix)
