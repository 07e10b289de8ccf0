"""The command ``silver-node``: a JSON object in, a JSON object out.

``silver-node COMMAND [ARGUMENT]`` reads its request from standard input. On failure the answer is
``{"failed": true, "msg": …, "output": …}`` and the exit status 1.
"""

import json
import signal
import sys
from collections.abc import Callable, Mapping
from dataclasses import asdict
from typing import Any

from silvernode import deploy, locks, registry, settings, varnish
from silvernode.deploy import Request
from silvernode.errors import NodeError
from silvernode.layout import Layout
from silversupport import VERSION
from silversupport.errors import SilverError

Answer = dict[str, Any]


def main(argv: list[str] | None = None, layout: Layout | None = None) -> int:
    """Run one command; the exit status."""
    command, *arguments = sys.argv[1:] if argv is None else argv
    signal.signal(signal.SIGTERM, _interrupted)
    signal.signal(signal.SIGHUP, _interrupted)
    try:
        answer = COMMANDS[command](layout or Layout(), *arguments)
    except SilverError as error:
        answer = {"failed": True, "msg": str(error), "output": getattr(error, "output", "")}
    print(json.dumps(answer))
    return 1 if answer.get("failed") else 0


def _interrupted(number: int, _frame: object) -> None:
    raise NodeError(f"interrupted by {signal.Signals(number).name}")


def _prepare(layout: Layout) -> Answer:
    asked = _request()
    return deploy.prepare(layout, _wanted(asked), asked["check"])


def _switch(layout: Layout) -> Answer:
    asked = _request()
    return deploy.switch(layout, _wanted(asked), asked["staging"], asked["expected"])


def _abandon(layout: Layout, staging: str) -> Answer:
    deploy.abandon(layout, staging)
    return {}


def _rest(layout: Layout, instance: str) -> Answer:
    return {"changed": deploy.rest(layout, instance)}


def _refresh(layout: Layout) -> Answer:
    """Bring routes and units to what this version of the node's code and settings make of them."""
    with locks.of_routes(layout):
        return {"changed": varnish.apply(layout, registry.load(layout), settings.load(layout))}


def _rebuild(layout: Layout) -> Answer:
    with locks.of_routes(layout):
        registry.save(layout, registry.rebuild(layout))
    return _refresh(layout)


def _query(layout: Layout) -> Answer:
    return {"version": VERSION, **asdict(registry.load(layout))}


COMMANDS: dict[str, Callable[..., Answer]] = {
    "prepare": _prepare,
    "switch": _switch,
    "abandon": _abandon,
    "rest": _rest,
    "refresh": _refresh,
    "rebuild": _rebuild,
    "query": _query,
}


def _request() -> Mapping[str, Any]:
    """The request on standard input.

    :raises NodeError: it comes from another version than this node's.
    """
    asked: Mapping[str, Any] = json.load(sys.stdin)
    if asked["version"] != VERSION:
        raise NodeError(
            f"this node was set up by Silver Lining {VERSION}, this is {asked['version']};"
            " run ./silver setup-node for it first"
        )
    return asked


def _wanted(asked: Mapping[str, Any]) -> Request:
    return Request(asked["plan"], asked["location"], asked["owner"])
