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
    """The node was never set up."""


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
        findings += _balancer(ask(BACKENDS), node)
    if database:
        findings += _database(ask(CLUSTERS), node)
    time = float(ask(CLOCK) or "nan")
    return {**json.loads(release), "time": time, "locations": [], "findings": findings}


def _balancer(listed: str | None, node: str) -> Iterator[Finding]:
    """Judge the web nodes as the balancer's probes do."""
    if listed is None:
        fix = "on the node: systemctl status varnish; journalctl -u varnish"
        yield finding("units", WRONG, "varnish.service does not run", fix)
        return
    backends = {
        name.rpartition(".")[2].removeprefix(BACKEND_PREFIX): backend
        for name, backend in json.loads(listed)[3].items()
        if backend["type"] == "backend" and BACKEND_PREFIX in name
    }
    sick = [found for name, each in sorted(backends.items()) for found in _sick(name, each)]
    yield from sick
    if not backends:
        text, fix = "it knows no web node", f"./silver setup-node {node}, once the set has one"
        yield finding("backends", WRONG, text, fix)
    elif not sick:
        are = "web node is" if len(backends) == 1 else "web nodes are"
        yield finding("backends", OK, f"{len(backends)} {are} well")


def _sick(name: str, backend: dict[str, Any]) -> Iterator[Finding]:
    by_hand, (*_, probed) = backend["admin_health"], backend["probe_message"]
    if by_hand == "sick":
        fix = f"on the balancer: varnishadm backend.set_health {BACKEND_PREFIX}{name} auto"
        text = f"{name} gets no requests: somebody has taken it out by hand"
        yield finding("backends", WRONG, text, fix)
    elif by_hand == "probe" and probed != "healthy":
        fix = f"./silver doctor {name}; on the balancer: varnishadm backend.list -p"
        text = f"{name} gets no requests: it does not answer, or serves nothing"
        yield finding("backends", WRONG, text, fix)


def _database(listed: str | None, node: str) -> Iterator[Finding]:
    """Look whether PostgreSQL runs, whatever its version is."""
    rows = [line.split() for line in (listed or "").splitlines()]
    if not rows:
        yield finding("units", WRONG, "there is no PostgreSQL", f"./silver setup-node {node}")
    for version, cluster, port, status, *_ in rows:
        name = f"PostgreSQL {version}/{cluster}"
        if status.startswith("online"):
            yield finding("units", OK, f"{name} runs on port {port} ({status})")
        else:
            unit = f"postgresql@{version}-{cluster}"
            fix = f"on the node: systemctl status {unit}; journalctl -u {unit}"
            yield finding("units", WRONG, f"{name} does not run ({status})", fix)
