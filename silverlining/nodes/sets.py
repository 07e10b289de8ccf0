"""The nodes of a set, from one declaration of how many of each kind there are to be.

A kind of node is the role groups that it is in, joined by ``+``: ``web``, or ``web+db``. Its nodes
are called by the set, the kind and a number: ``shop-web1``, ``shop-web-db1``.
"""

import re
from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from silverlining.nodes.targets import NOT_RUNNING, ROLE_GROUPS, SET_PREFIX
from silversupport.errors import SilverError

VARIABLE = "create_nodes"
"""The variable with the declaration."""

EXAMPLE = (
    f"{VARIABLE}: {{set: shop, web: {{count: 2, size: ram 2048}}, db: {{count: 1}}, "
    "balancer: {count: 1}}"
)

DEFAULT_SOURCE = "inventory/local.libcloud.yml"

SETTINGS = ("set", "source", "image", "size")
KIND_SETTINGS = ("count", "image", "size")

ONLY_ONE = "db"
"""The group that has one node in a set."""


MOST = 1000
"""Nodes of one kind: a slip of the finger is not to order more."""


class SetError(SilverError):
    """A set is declared wrongly, or is not as declared and cannot be made so."""


@dataclass(frozen=True)
class Member:
    """A node of a set as it is declared.

    Attributes:
        name: Its name.
        groups: The role groups that it is in.
        image: PATTERN, empty for the source's.
        size: PATTERN, likewise.
    """

    name: str
    groups: Sequence[str]
    image: str = ""
    size: str = ""


@dataclass(frozen=True)
class NodeSet:
    """A set as it is declared.

    Attributes:
        name: Its name.
        source: Path of the source file, relative to the root of the repository.
        members: Its nodes.
    """

    name: str
    source: str
    members: Sequence[Member]

    @property
    def group(self) -> str:
        """Its group in the inventory."""
        return SET_PREFIX + self.name


@dataclass(frozen=True)
class Existing:
    """A node that there is.

    Attributes:
        name: Its name.
        where: The source that it is from.
        state: As its provider has it.
        groups: All its groups.
        address: Where it is reached; empty if it has no address.
    """

    name: str
    where: str
    state: str
    groups: Collection[str]
    address: str = ""


def read(path: Path) -> NodeSet:
    """Read a file with the declaration, as it is given to Ansible with ``-e @FILE``.

    Raises:
        SetError: It is no YAML, or the declaration is wrong.
    """
    try:
        data = yaml.safe_load(path.read_text())
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise SetError(f"{path}: {error}") from error
    try:
        return parse(data.get(VARIABLE) if isinstance(data, dict) else None)
    except SetError as error:
        raise SetError(f"{path}: {error}") from error


def parse(declared: object) -> NodeSet:
    """Return the set that is declared.

    Args:
        declared: The value of the variable.

    Raises:
        SetError: All that is wrong with it.
    """
    if not isinstance(declared, Mapping) or not declared:
        raise SetError(f"say which nodes there are to be, with a variable such as {EXAMPLE}")
    kinds = {str(key): value for key, value in declared.items() if key not in SETTINGS}
    problems = [*_problems(declared), *(p for kind in kinds.items() for p in _kind_problems(*kind))]
    if problems := [*problems, *_counting_problems(kinds)]:
        raise SetError(f"{VARIABLE}: {'; '.join(problems)}. As in: {EXAMPLE}")
    prefix = str(declared["set"]).replace("_", "-")
    defaults = {key: str(declared.get(key) or "") for key in ("image", "size")}
    members = [
        Member(
            f"{prefix}-{'-'.join(_groups(kind))}{number}",
            _groups(kind),
            *(str(settings.get(key) or default) for key, default in defaults.items()),
        )
        for kind, settings in kinds.items()
        for number in range(1, settings["count"] + 1)
    ]
    return NodeSet(str(declared["set"]), str(declared.get("source") or DEFAULT_SOURCE), members)


def missing(wanted: NodeSet, nodes: Sequence[Existing]) -> list[Member]:
    """Return the members of a set that are to be made, or to be started.

    Args:
        wanted: The set.
        nodes: All nodes there are.

    Raises:
        SetError: A node has the name of a member and is none, or is one of another kind.
    """
    there = {node.name: node for node in nodes}
    found = [(member, there[member.name]) for member in wanted.members if member.name in there]
    if problems := [p for member, node in found for p in _member_problems(wanted, member, node)]:
        raise SetError("; ".join(problems))
    usable = {node.name for _, node in found if node.state not in NOT_RUNNING}
    return [member for member in wanted.members if member.name not in usable]


def surplus(wanted: NodeSet, nodes: Sequence[Existing]) -> list[str]:
    """Return the names of the nodes that are in a set and not declared."""
    declared = {member.name for member in wanted.members}
    return [
        node.name for node in nodes if wanted.group in node.groups and node.name not in declared
    ]


def removal(wanted: NodeSet, names: Sequence[str]) -> str:
    """Return the command that removes nodes of a set."""
    source = "" if wanted.source == DEFAULT_SOURCE else f" --source {wanted.source}"
    return f"./silver destroy-node {' '.join(names)}{source}"


def _problems(declared: Mapping[str, Any]) -> Iterator[str]:
    name = declared.get("set")
    if not re.fullmatch(r"[a-z][a-z0-9_]{0,30}[a-z0-9]", str(name)):
        yield (
            f"{'bad set ' + repr(name) if name else 'set is missing'}: a name of lower case "
            "letters, digits and _, at most 32"
        )
    for key in ("source", "image", "size"):
        if not isinstance(declared.get(key) or "", str):
            yield f"{key} is to be text"


def _kind_problems(kind: str, settings: object) -> Iterator[str]:
    if not _is_known(kind):
        known = ", ".join((*SETTINGS, *ROLE_GROUPS))
        yield f"unknown key {kind!r}; known are {known}, and groups joined by +, as web+db"
    elif not isinstance(settings, Mapping):
        yield f"{kind} is to be a mapping with {', '.join(KIND_SETTINGS)}"
    else:
        if unknown := sorted(set(map(str, settings)) - set(KIND_SETTINGS)):
            known = ", ".join(KIND_SETTINGS)
            yield f"unknown key {', '.join(map(repr, unknown))} in {kind}; known are {known}"
        if _count(settings) is None:
            count = settings.get("count")
            yield f"count of {kind} is to be a number from 0 to {MOST}, not {count!r}"
        for key in ("image", "size"):
            if not isinstance(settings.get(key) or "", str):
                yield f"{key} of {kind} is to be text"


def _counting_problems(kinds: Mapping[str, object]) -> Iterator[str]:
    if not kinds:
        yield f"no nodes: add at least one of {', '.join(ROLE_GROUPS)}"
    known = [kind for kind in kinds if _is_known(kind)]
    times = Counter("+".join(_groups(kind)) for kind in known)
    yield from (f"{kind} stands there twice" for kind, count in times.items() if count > 1)
    stores = sum(_count(kinds[kind]) or 0 for kind in known if ONLY_ONE in _groups(kind))
    if stores > 1:
        yield (
            f"{stores} nodes in {ONLY_ONE}: a set has one database node, so leave one, or bring a "
            "PostgreSQL of your own (docs/databases.md)"
        )


def _member_problems(wanted: NodeSet, member: Member, node: Existing) -> Iterator[str]:
    groups = [group for group in ROLE_GROUPS if group in node.groups]
    if wanted.group not in node.groups or node.where != wanted.source:
        yield (
            f"there is a node {node.name} already, in {node.where}, and it is not in the set "
            f"{wanted.name}: choose another name for the set, or remove that node"
        )
    elif groups != member.groups:
        yield (
            f"{node.name} was made for {', '.join(groups)}, not {', '.join(member.groups)}, and a "
            f"node keeps its groups: {removal(wanted, [node.name])} removes it with all data"
        )


def _count(settings: object) -> int | None:
    """Return how many nodes of a kind there are to be, None if that is not declared well."""
    count = settings.get("count") if isinstance(settings, Mapping) else None
    if not isinstance(count, int) or isinstance(count, bool) or not 0 <= count <= MOST:
        return None
    return count


def _is_known(kind: str) -> bool:
    """Return whether a kind is role groups, each of them once."""
    groups = kind.split("+")
    return set(groups) <= set(ROLE_GROUPS) and len(set(groups)) == len(groups)


def _groups(kind: str) -> list[str]:
    """Return the role groups of a kind, in their usual order."""
    return [group for group in ROLE_GROUPS if group in kind.split("+")]
