"""Action plugin; documented in plugins/modules/silver_set.py."""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from ansible.plugins.action import ActionBase

from silverlining.nodes import sets, sources
from silverlining.nodes.engine import EngineError
from silverlining.nodes.node_facts import node_groups, node_to_hostvars
from silverlining.nodes.sets import Existing, Member, NodeSet, SetError
from silverlining.nodes.sources import Source
from silverlining.playbook import ROOT
from silversupport.errors import SilverError


class ActionModule(ActionBase):
    """Compares the nodes of a set with those that there are."""

    _supports_check_mode = True
    _requires_connection = False
    _VALID_ARGS = frozenset({"declared", "table"})

    def run(
        self, tmp: str | None = None, task_vars: dict[str, Any] | None = None
    ) -> dict[str, Any]:
        """Return what is missing, or what is wrong with the declaration."""
        super().run(tmp, task_vars)
        try:
            return self._compare(task_vars or {})
        except SilverError as error:
            return {"failed": True, "msg": str(error)}

    def _compare(self, variables: dict[str, Any]) -> dict[str, Any]:
        wanted = sets.parse(self._task.args.get("declared"))
        source = self._source(wanted)
        nodes = [*_nodes(wanted, source), *_others(source, variables["hostvars"])]
        missing, surplus = sets.missing(wanted, nodes), sets.surplus(wanted, nodes)
        if self._task.args.get("table"):
            told = [*_table(wanted, nodes), *_surplus(wanted, surplus)]
        else:
            told = [_summary(wanted, missing)]
        for line in told:
            self._display.display(line)
        return {
            "changed": False,
            "group": wanted.group,
            "source": source.origin,
            "missing": [_order(wanted, member) for member in missing],
            "images": sorted({member.image for member in missing}),
            "surplus": surplus,
            "told": told,
        }

    def _source(self, wanted: NodeSet) -> Source:
        """Return the source, with credentials that only Ansible can read."""
        path = str(ROOT / wanted.source)
        sources.load(path)  # says what is wrong with the file
        data = self._loader.load_from_file(path, trusted_as_template=True)
        options = {
            name: self._templar.template(value) if name in sources.CREDENTIALS else value
            for name, value in data.items()
        }
        source = sources.parse(options, path)
        for member in wanted.members:
            if not member.name.startswith(source.name_prefix):
                raise SetError(
                    f"{wanted.source} takes only nodes whose name begins with {source.name_prefix},"
                    f" and {member.name} does not: name the set so, or change name_prefix"
                )
        return source


def _nodes(wanted: NodeSet, source: Source) -> list[Existing]:
    """Return the nodes of the set's source."""
    try:
        nodes = source.nodes()
    except EngineError:  # without an engine there is no local node; it is started next
        return []
    return [
        Existing(
            node.name,
            wanted.source,
            str(node.state),
            node_groups(node),
            node_to_hostvars(node, source).get("ansible_host", ""),
        )
        for node in nodes
    ]


def _others(source: Source, hostvars: Mapping[str, Mapping[str, Any]]) -> Iterator[Existing]:
    """Return the nodes of all other sources, as the inventory has them."""
    for name in hostvars:
        variables = hostvars[name]
        where = Path(str(variables.get("libcloud_source", ROOT / "inventory/servers.yml")))
        if "ansible_host" in variables and where.resolve() != Path(source.origin).resolve():
            yield Existing(name, where.name, "", variables.get("group_names", []))


def _order(wanted: NodeSet, member: Member) -> dict[str, Any]:
    groups = [*member.groups, wanted.group]
    return {"name": member.name, "groups": groups, "image": member.image, "size": member.size}


def _summary(wanted: NodeSet, missing: Sequence[Member]) -> str:
    """Tell what is missing."""
    if not missing:
        return f"No node is missing in the set {wanted.name}."
    count = f"{len(missing)} of {len(wanted.members)}"
    names = ", ".join(member.name for member in missing)
    return f"{count} nodes are missing in the set {wanted.name}: {names}"


def _surplus(wanted: NodeSet, names: Sequence[str]) -> Iterator[str]:
    """Tell what is there and not declared."""
    if names:
        yield f"In the set, but not declared: {', '.join(names)}"
        yield f"This removes them with all data: {sets.removal(wanted, names)}"


def _table(wanted: NodeSet, nodes: Sequence[Existing]) -> list[str]:
    """Return a line for each node of the set."""
    there = {node.name: node for node in nodes}
    width = max((len(member.name) for member in wanted.members), default=0)
    return [
        f"{member.name:{width}}  {_about(there.get(member.name)):<25}  {', '.join(member.groups)}"
        for member in wanted.members
    ]


def _about(node: Existing | None) -> str:
    return f"{node.state:<8}  {node.address}" if node else "missing"
