"""What is deployed where: the answers of the nodes, as data that `silver query --json` prints."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from fnmatch import fnmatchcase
from typing import Any

from silverlining import playbook
from silversupport.errors import SilverError

Data = dict[str, Any]

NOTHING: Data = {"locations": [], "instances": [], "jobs": [], "backups": [], "disk": None}
"""What is known of a node that did not answer."""


class DeployedError(SilverError):
    """Nothing of a name is deployed."""


@dataclass(frozen=True)
class Found:
    """What was asked for, and what was found of it.

    Attributes:
        nodes: for each node its `name`, `address`, `version` of Silver Lining, `locations`,
            `instances`, `jobs`, `backups`, `disk` (if it was asked for) and `problems`, a line for
            each thing it could not tell or that is wrong. An example is in `docs/querying.md`.
        names: the names of apps, locations and instances that were asked for.
    """

    nodes: list[Data]
    names: Sequence[str]


def query(words: Sequence[str], *, disk: bool = False) -> Found:
    """Ask nodes what is deployed on them.

    Args:
        words: a node or a set, if it is not all of them; then the names of apps, locations and
            instances, if it is not all of these. Names may have wildcards, as in a shell.
        disk: ask for what takes the room on their disks, too.

    Raises:
        DeployedError: nothing has one of these names, or no applications run on the node.
        PlaybookError: the inventory cannot be read, or there is no node.
    """
    extra = {"node_or_name": words[0] if words else None, "disk": disk or None}
    answers = playbook.answers("query", extra)
    _check_web(answers)
    # A node that is skipped is for databases, or balances.
    asked = {name: each for name, each in sorted(answers.items()) if not each.get("skipped")}
    nodes = [_node(name, answer) for name, answer in asked.items()]
    named = {each for name, answer in answers.items() for each in (name, *answer.get("sets", ()))}
    names = words[1:] if words and words[0] in named else words
    for name in names:
        _check_known(name, nodes)
    return Found([_only(node, names) for node in nodes] if names else nodes, names)


def _check_web(answers: Data) -> None:
    """Check that applications run on any of the nodes at all."""
    if all(answer.get("skipped") for answer in answers.values()):
        names = " and ".join(sorted(answers))
        raise DeployedError(
            f"no applications run on {names}, only on nodes of the group web; name one of these,"
            " or the set"
        )


def _node(name: str, answer: Data) -> Data:
    told = answer.get("deployed")
    node = {"name": name, "address": answer.get("address"), "version": told and told["version"]}
    if not told:
        return node | {**NOTHING, "problems": [_reason(answer)]}
    states = {each["instance"]: each["state"] for each in told["instances"]}
    return node | {
        "locations": [
            {
                "location": location,
                "app": route["app"],
                "instance": route["instance"],
                "since": route["since"],
                "previous": route["previous"] or None,
                "disabled": route["disabled"],
                "previous_is_warm": states.get(route["previous"]) == "running",
            }
            for location, route in sorted(told["locations"].items())
        ],
        "instances": told["instances"],
        "jobs": told["jobs"],
        "backups": [{"app": app, **ended} for app, ended in sorted(told["backups"].items())],
        "disk": told.get("disk"),
        "problems": [*told["problems"], *(told.get("disk") or {}).get("problems", [])],
    }


def _reason(answer: Data) -> str:
    return " ".join(str(answer.get("msg", "it did not answer")).split())


def _only(node: Data, names: Sequence[str]) -> Data:
    """Return a node with only what one of the names is about."""
    locations = [each for each in node["locations"] if _is_named(names, *_names(each))]
    # Where a location was named, what it is served by; where an app was, also what it was.
    used = {
        instance
        for each in locations
        if _is_named(names, each["location"])
        for instance in (each["instance"], each["previous"])
    }
    instances = [
        each
        for each in node["instances"]
        if _is_named(names, each["app"], each["instance"]) or each["instance"] in used
    ]
    apps = {each["app"] for each in (*locations, *instances)}
    jobs = [each for each in node["jobs"] if each["app"] in apps]
    backups = [each for each in node["backups"] if each["app"] in apps]
    return node | {
        "locations": locations,
        "instances": instances,
        "jobs": jobs,
        "backups": backups,
        "disk": node["disk"] and _disk_of(node["disk"], apps),
    }


def _disk_of(disk: Data, apps: set[str]) -> Data:
    return disk | {"apps": [each for each in disk["apps"] if each["app"] in apps]}


def _is_named(names: Sequence[str], *candidates: str) -> bool:
    return any(fnmatchcase(candidate, name) for candidate in candidates for name in names)


def _names(location: Data) -> list[str]:
    names = [location["location"], location["app"], location["instance"]]
    return [*names, location["previous"]] if location["previous"] else names


def _all_names(nodes: Sequence[Data]) -> Iterator[str]:
    for node in nodes:
        yield node["name"]
        for location in node["locations"]:
            yield from _names(location)
        for instance in node["instances"]:
            yield from (instance["app"], instance["instance"])


def _check_known(name: str, nodes: Sequence[Data]) -> None:
    known = set(_all_names(nodes)) - {node["name"] for node in nodes}
    if any(fnmatchcase(each, name) for each in known):
        return
    near = get_close_matches(name, {*known, *(node["name"] for node in nodes)})
    where = f" on {nodes[0]['name']}" if len(nodes) == 1 else ""
    message = f"no app, location or instance is named {name}{where}"
    silent = [problem for node in nodes if node["version"] is None for problem in node["problems"]]
    raise DeployedError(
        "\n".join([message + (f"; near: {', '.join(near)}" if near else ""), *silent])
    )
