"""The command `silver-node`: a JSON object in, a JSON object out.

`prepare` and `switch` read their request from standard input. On failure the answer is
`{"failed": true, "msg": …, "output": …}` and the exit status 1.
"""

import argparse
import errno
import json
import os
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from typing import Any

from silvernode import (
    deploy,
    instances,
    interrupts,
    locks,
    preparation,
    registry,
    removal,
    settings,
    varnish,
)
from silvernode.errors import NodeError
from silvernode.layout import Layout
from silvernode.request import Request
from silversupport import VERSION

Answer = dict[str, Any]


def main(argv: Sequence[str] | None = None, layout: Layout | None = None) -> int:
    """Run one command.

    Returns:
        The exit status.
    """
    asked = vars(_parser().parse_args(argv))
    command: Callable[..., Answer] = asked.pop("command")
    os.umask(0o022)
    interrupts.allow()
    try:
        answer = command(layout or Layout(), **asked)
    except NodeError as error:
        answer = {"failed": True, "msg": str(error), "output": error.output}
    except OSError as error:
        answer = {"failed": True, "msg": _explain(error), "output": ""}
    _write(answer)
    return 1 if answer.get("failed") else 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="silver-node", description="The node's side of silver.")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    for command, arguments in COMMANDS.items():
        description = str(command.__doc__).partition("\n")[0]
        name = command.__name__.strip("_")
        subparser = commands.add_parser(name, help=description, description=description)
        subparser.set_defaults(command=command)
        for argument in arguments:
            subparser.add_argument(argument)
    return parser


def _explain(error: OSError) -> str:
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return f"the node's disk is full; make room and try again ({error})"
    return str(error)


def _write(answer: Answer) -> None:
    try:
        sys.stdout.write(json.dumps(answer) + "\n")
        sys.stdout.flush()
    except BrokenPipeError:
        # The laptop went away; the work is done. Python would fail again when it closes the pipe:
        # https://docs.python.org/3/library/signal.html#note-on-sigpipe
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _prepare(layout: Layout) -> Answer:
    """Say what an upload of an app needs."""
    asked = _asked("check")
    return preparation.prepare(layout, _request(asked), asked["check"])


def _switch(layout: Layout) -> Answer:
    """Make an upload an instance, try it, and serve it."""
    asked = _asked("staging", "expected")
    return deploy.switch(layout, _request(asked), asked["staging"], asked["expected"])


def _abandon(layout: Layout, upload: str) -> Answer:
    """Remove an upload that did not come to its end."""
    removal.abandon(layout, upload)
    return {}


def _rest(layout: Layout, instance: str) -> Answer:
    """Stop an instance that serves as a previous one at most."""
    return {"changed": removal.rest(layout, instance)}


def _refresh(layout: Layout) -> Answer:
    """Bring the routes to what this version of the node's code and settings makes of them."""
    current = settings.load(layout)
    with locks.of_routes(layout):
        routes = registry.load(layout)
        changed = varnish.apply(layout, routes, current)
        varnish.discard_unused(layout, routes, current)
    return {"changed": changed}


def _rebuild(layout: Layout) -> Answer:
    """Make the registry again from the records of the instances, and the routes from it."""
    with locks.of_routes(layout):
        registry.save(layout, registry.rebuild(instances.load_all(layout)))
    return _refresh(layout)


def _query(layout: Layout) -> Answer:
    """Tell what is served where."""
    return {"version": VERSION, **asdict(registry.load(layout))}


COMMANDS: dict[Callable[..., Answer], Sequence[str]] = {
    _prepare: (),
    _switch: (),
    _abandon: ("upload",),
    _rest: ("instance",),
    _refresh: (),
    _rebuild: (),
    _query: (),
}


def _asked(*further: str) -> Mapping[str, Any]:
    """Return the request on standard input.

    Raises:
        NodeError: it comes from another version than this node's, or is not one at all.
    """
    try:
        asked = json.load(sys.stdin.buffer)
        version = asked["version"]
    except (ValueError, KeyError, TypeError) as error:
        raise NodeError(f"not a request: {error!r}") from error
    if version != VERSION:
        raise NodeError(
            f"this node was set up by Silver Lining {VERSION}, this is {version};"
            " run ./silver setup-node for it first"
        )
    missing = {"plan", "location", "owner", *further} - set(asked)
    if missing:
        raise NodeError(f"not a request: it lacks {', '.join(sorted(missing))}")
    return dict(asked)


def _request(asked: Mapping[str, Any]) -> Request:
    return Request(asked["plan"], asked["location"], asked["owner"])
