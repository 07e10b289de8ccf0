"""The command `silver-node`: a JSON object in, a JSON object out.

`prepare` and `switch` read their request from standard input. On failure the answer is
`{"failed": true, "msg": …, "output": …}` and the exit status 1.

Commands that stream have their streams to themselves: the request is an argument, a failure is a
line on standard error, with the exit status 125 or what the error says.
"""

import argparse
import errno
import json
import os
import sys
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from silvernode import (
    deploy,
    instances,
    interrupts,
    locks,
    logs,
    preparation,
    registry,
    removal,
    report,
    script_files,
    scripts,
    settings,
    texts,
    varnish,
)
from silvernode.errors import NodeError
from silvernode.layout import Layout
from silvernode.request import Request, Upload
from silversupport import VERSION

Answer = dict[str, Any]


def main(argv: Sequence[str] | None = None, layout: Layout | None = None) -> int:
    """Run one command.

    Returns:
        The exit status.
    """
    asked = vars(_parser().parse_args(argv))
    command: Callable[..., Answer | int] = asked.pop("command")
    os.umask(0o022)
    interrupts.allow()
    try:
        answer = command(layout or Layout(), **asked)
    except (NodeError, OSError) as error:
        failure = _failure(error)
        if command in STREAMING:
            sys.stderr.write(f"silver: {failure}\n")
            return failure.status
        answer = {"failed": True, "msg": str(failure), "output": failure.output}
    if isinstance(answer, int):
        return answer
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


def _failure(error: NodeError | OSError) -> NodeError:
    if isinstance(error, NodeError):
        return error
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return NodeError(f"the node's disk is full; make room and try again ({error})")
    return NodeError(str(error))


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
    config = bool(asked.get("config"))
    return preparation.prepare(layout, _request(asked), asked["check"], config)


def _switch(layout: Layout) -> Answer:
    """Make an upload an instance, try it, and serve it."""
    interrupts.end_with_client()
    asked = _asked("staging", "expected")
    upload = Upload(
        asked["staging"],
        asked["expected"],
        bool(asked.get("config")),
        list(asked.get("revisions", [])),
    )
    return deploy.switch(layout, _request(asked), upload)


def _settle(layout: Layout) -> Answer:
    """Wait until an update that its user interrupted has ended, and tell what is served now."""
    asked = _asked("staging")
    return {"active": removal.settle(layout, _request(asked), asked["staging"])}


def _texts(layout: Layout) -> Answer:
    """Return the texts of some files of an instance."""
    asked = _asked("instance", "paths")
    return {"texts": texts.read(layout, asked["instance"], asked["paths"])}


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
    """Tell what is deployed."""
    return report.report(layout)


def _run(layout: Layout, request: str) -> int:
    """Run a script of an app; this process's streams are the script's."""
    return scripts.run_attached(layout, _checked(request))


def _signal(layout: Layout, script: str, name: str) -> Answer:
    """Send a signal to a script that runs."""
    scripts.send_signal(script, name)
    return {}


def _receive(layout: Layout, request: str) -> Answer:
    """Put the files of a tar archive on standard input where a script of an app can read them."""
    asked = _checked(request)
    app = registry.find(layout, asked["location"], asked["node"]).partition(".")[0]
    identity = scripts.check_id(asked["id"])
    interrupts.end_with_client()
    stream = sys.stdin.buffer
    target = script_files.receive(layout, app, identity, asked["files"], stream)
    return {"directory": str(target)}


def _discard(layout: Layout, script: str) -> Answer:
    """Remove the files that came with a script."""
    script_files.discard(layout, scripts.check_id(script))
    return {}


def _logs(layout: Layout, request: str) -> int:
    """Print what the app at a location wrote; a JSON object says what of it."""
    asked = _checked(request) if request.startswith("{") else {"location": request}
    asked.pop("version", None)
    return logs.show(layout, logs.Wanted(**asked))


COMMANDS: dict[Callable[..., Answer | int], Sequence[str]] = {
    _prepare: (),
    _switch: (),
    _settle: (),
    _texts: (),
    _abandon: ("upload",),
    _rest: ("instance",),
    _refresh: (),
    _rebuild: (),
    _query: (),
    _run: ("request",),
    _signal: ("script", "name"),
    _receive: ("request",),
    _discard: ("script",),
    _logs: ("request",),
}
STREAMING = {_run, _logs}


def _asked(*further: str) -> Mapping[str, Any]:
    """Return the request on standard input.

    Raises:
        NodeError: it comes from another version than this node's, or is not one at all.
    """
    asked = _checked(sys.stdin.buffer.read())
    missing = {"plan", "location", "owner", *further} - set(asked)
    if missing:
        raise NodeError(f"not a request: it lacks {', '.join(sorted(missing))}")
    return asked


def _request(asked: Mapping[str, Any]) -> Request:
    return Request(asked["plan"], asked["location"], asked["owner"])


def _checked(text: str | bytes) -> dict[str, Any]:
    """Return a request.

    Raises:
        NodeError: it comes from another version than this node's, or is not one at all.
    """
    try:
        asked: dict[str, Any] = json.loads(text)
        version = asked["version"]
    except (ValueError, KeyError, TypeError) as error:
        raise NodeError(f"not a request: {error!r}") from error
    if version != VERSION:
        raise NodeError(
            f"this node was set up by Silver Lining {VERSION}, this is {version};"
            " run ./silver setup-node for it first"
        )
    return asked
