"""What is wrong with a node that applications do not run on: a balancer, a database.

It has no program of ours; a few commands tell what there is to know.
"""

import json
from collections.abc import Callable, Iterator
from typing import Any

from silverlining.remote.diagnosis import OK, WRONG, Finding, finding
from silversupport.errors import SilverError

RELEASE = "cat /etc/silverlining/release.json"
CLOCK = "date +%s.%N"
BACKENDS = "varnishadm backend.list -j"
CLUSTERS = "pg_lsclusters --no-header"

Ask = Callable[[str], str | None]
"""Returns what a command of the shell prints on the node; None if it fails."""

BACKEND_PREFIX = "node_"


class ServersError(SilverError):
    """The node does not know what it is for."""


def examine(ask: Ask, node: str, *, database: bool, balancer: bool) -> dict[str, Any]:
    """Look at a node, as `silver-node doctor` does where there is one.

    Args:
        ask: runs a command on the node.
        node: the node's name.
        database: whether it is to have the databases.
        balancer: whether it is to hand requests to web nodes.

    Returns:
        What `silver-node doctor` answers.

    Raises:
        ServersError: the node was never set up.
    """
    release = ask(RELEASE)
    if release is None:
        raise ServersError(f"{node} was never set up; do it with: ./silver setup-node {node}")
    findings: list[Finding] = []
    if balancer:
        findings += _balancer(ask(BACKENDS))
    if database:
        findings += _database(ask(CLUSTERS))
    time = float(ask(CLOCK) or "nan")
    return {**json.loads(release), "time": time, "locations": [], "findings": findings}


def _balancer(listed: str | None) -> Iterator[Finding]:
    """Judge the web nodes as the balancer's probes do."""
    if listed is None:
        fix = "on the node: systemctl status varnish; journalctl -u varnish"
        yield finding("units", WRONG, "varnish.service does not run", fix)
        return
    backends = {
        name.rpartition(".")[2].removeprefix(BACKEND_PREFIX): backend
        for name, backend in json.loads(listed)[3].items()
        if backend["type"] == "backend"
    }
    sick = sorted(name for name, each in backends.items() if not _is_well(each))
    for name in sick:
        text = f"{name} gets no requests: it does not answer, or serves nothing"
        fix = f"./silver doctor {name}; on the node: varnishadm backend.list -p"
        yield finding("backends", WRONG, text, fix)
    if not sick:
        yield finding("backends", OK, f"{len(backends)} web nodes are well")


def _is_well(backend: dict[str, Any]) -> bool:
    by_hand: str = backend["admin_health"]
    return (backend["probe_message"][2] if by_hand == "probe" else by_hand) == "healthy"


def _database(listed: str | None) -> Iterator[Finding]:
    """Look whether PostgreSQL runs, whatever its version is."""
    rows = [line.split() for line in (listed or "").splitlines()]
    if not rows:
        fix = "set the node up again: ./silver setup-node NODE"
        yield finding("units", WRONG, "there is no PostgreSQL", fix)
        return
    for version, cluster, port, status, *_ in rows:
        name = f"PostgreSQL {version}/{cluster}"
        if status.startswith("online"):
            yield finding("units", OK, f"{name} runs on port {port} ({status})")
        else:
            unit = f"postgresql@{version}-{cluster}"
            fix = f"on the node: systemctl status {unit}; journalctl -u {unit}"
            yield finding("units", WRONG, f"{name} does not run ({status})", fix)
