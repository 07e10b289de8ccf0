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
from dataclasses import asdict
from typing import Any

from silvernode import (
    apps,
    disk_report,
    instances,
    interrupts,
    jobs,
    locks,
    report,
    script_files,
    scripts,
    settings,
)
from silvernode.data import backup, clear, description, journal, mending, restore
from silvernode.deploy import (
    activation,
    agreement,
    cleaning,
    deactivation,
    preparation,
    removal,
    texts,
)
from silvernode.deploy import update as deploy
from silvernode.deploy.request import Request, Upload
from silvernode.errors import DataChanged, NodeError
from silvernode.jobs import now
from silvernode.layout import Layout
from silvernode.logs import viewer as logs
from silvernode.routing import maintenance, registry, varnish
from silversupport import VERSION, versions
from silversupport.errors import SilverError

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
    except (SilverError, OSError) as error:
        failure = _failure(error)
        if command in STREAMING:
            sys.stderr.write(f"silver: {failure}\n")
            return failure.status
        answer = {"failed": True, "msg": str(failure), "output": failure.output}
        answer["data_changed"] = isinstance(failure, DataChanged)
    if isinstance(answer, int):
        return answer
    _write(answer)
    return 1 if answer.get("failed") else 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="silver-node", description="The node's side of silver.")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    for command, arguments in COMMANDS.items():
        description = str(command.__doc__).partition("\n")[0]
        name = command.__name__.strip("_").replace("_", "-")
        subparser = commands.add_parser(name, help=description, description=description)
        subparser.set_defaults(command=command)
        for argument in arguments:
            subparser.add_argument(argument)
    return parser


def _failure(error: SilverError | OSError) -> NodeError:
    if isinstance(error, NodeError):
        return error
    if isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT):
        return NodeError(
            f"the node's disk is full; make room with: ./silver clean-node NODE ({error})"
        )
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
    """Make an upload an instance, try it, and serve it, once the other nodes of its set agree."""
    interrupts.end_with_client()
    asked = _asked("staging", "expected")
    upload = Upload(
        asked["staging"],
        asked["expected"],
        bool(asked.get("config")),
        list(asked.get("revisions", [])),
        bool(asked.get("leader", True)),
        str(asked.get("instance", "")),
    )
    return deploy.switch(layout, _request(asked), upload, agreement.ask)


def _settle(layout: Layout) -> Answer:
    """Wait until an update that its user interrupted has ended, and tell what is served now."""
    asked = _asked("staging")
    request = _request(asked)
    active = removal.settle(layout, request, asked["staging"])
    return {"active": active, "told": journal.take_notes(layout, request.app)}


def _secret(layout: Layout) -> Answer:
    """Tell an app's secret to another node of its set, or take that of another one."""
    asked = _needed("app", "owner")
    with locks.of_app(layout, asked["app"], asked["owner"], "sharing its secret"):
        return {"secret": apps.share_secret(layout, asked["app"], str(asked.get("secret", "")))}


def _texts(layout: Layout) -> Answer:
    """Return the texts of some files of an instance."""
    asked = _asked("instance", "paths")
    return {"texts": texts.read(layout, asked["instance"], asked["paths"])}


def _activate(layout: Layout) -> Answer:
    """Switch locations to instances that are on the node already."""
    interrupts.end_with_client()
    asked = _needed("locations", "instance", "owner")
    wish = activation.Wish(
        asked["locations"],
        asked["instance"],
        asked["owner"],
        str(asked.get("checkpoint", "")),
        bool(asked.get("check")),
    )
    return activation.activate(layout, wish)


def _deactivate(layout: Layout) -> Answer:
    """Take locations away."""
    asked = _needed("locations", "owner")
    unwanted = deactivation.Unwanted(asked["locations"], asked["owner"], bool(asked.get("check")))
    return deactivation.deactivate(layout, unwanted)


def _disable(layout: Layout) -> Answer:
    """Show visitors of apps or locations the maintenance page."""
    return maintenance.disable(layout, _meant())


def _enable(layout: Layout) -> Answer:
    """Let visitors of apps or locations in again."""
    return maintenance.enable(layout, _meant())


def _meant() -> maintenance.Meant:
    asked = _needed("apps", "locations")
    return maintenance.Meant(tuple(asked["apps"]), tuple(asked["locations"]))


def _clean(layout: Layout) -> Answer:
    """Remove instances and uploads that nothing needs any more."""
    asked = _needed("keep", "owner")
    order = cleaning.Order(int(asked["keep"]), asked["owner"], bool(asked.get("check")))
    return cleaning.clean(layout, order)


def _disk(layout: Layout) -> Answer:
    """Tell what takes the room on the disk."""
    return disk_report.report(layout)


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
    told = mending.mend_all(layout, current)
    with locks.of_routes(layout):
        routes = registry.load(layout)
        changed = varnish.apply(layout, routes, current)
        varnish.discard_unused(layout, routes, current)
    warnings = jobs.follow_all(layout)
    return {"changed": changed, "warnings": [*told, *warnings]}


def _rebuild(layout: Layout) -> Answer:
    """Make the registry again from the records of the instances, and the routes from it."""
    with locks.of_routes(layout):
        disabled = registry.salvaged(layout)
        known = instances.load_all(layout)
        registry.save(layout, registry.rebuild(known, disabled or registry.NOTHING))
    answer = _refresh(layout)
    if disabled is None:
        answer["warnings"].append("nobody could tell what was disabled; see: silver disable --help")
    return answer


def _query(layout: Layout) -> Answer:
    """Tell what is deployed."""
    return report.report(layout)


def _doctor(layout: Layout, node: str) -> Answer:
    """Look at everything that a visitor or an operator would care about; changes nothing."""
    from silvernode.doctor import examination  # What it needs would slow every other command down.

    return examination.examine(layout, node)


def _sample(layout: Layout) -> Answer:
    """Note how much of disk and memory is taken, for the doctor."""
    from silvernode.doctor import trend

    return asdict(trend.take(layout))


def _describe(layout: Layout) -> Answer:
    """Tell what there is of an app, by a location of it or by its name."""
    asked = _checked(sys.stdin.buffer.read())
    if "app" in asked:
        return description.of_app(layout, asked["app"])
    return description.of_location(layout, asked["location"], asked["node"])


def _backup_all(layout: Layout) -> Answer:
    """Make a backup of every app, as the node's schedule says."""
    from silvernode.data import rounds

    return rounds.back_up_all(layout)


def _drill_all(layout: Layout) -> Answer:
    """Restore the newest backup of every app beside its data, check it, and throw it away."""
    from silvernode.data import rounds

    return rounds.drill_all(layout)


def _backup(layout: Layout, request: str) -> int:
    """Write an encrypted archive of all that an app has but its code to standard output."""
    asked = _checked(request)
    fields = {name: asked[name] for name in ("location", "node", "owner", "recipients")}
    interrupts.end_with_client()
    backup.make(layout, backup.Wanted(**fields), sys.stdout.buffer)
    return 0


def _restore(layout: Layout, request: str) -> Answer:
    """Put the archive on standard input, decrypted, in the place of an app's data."""
    asked = _checked(request)
    fields = {name: asked[name] for name in ("app", "location", "node", "owner")}
    interrupts.end_with_client()
    return restore.restore(layout, restore.Wanted(**fields), sys.stdin.buffer)


def _clear(layout: Layout) -> Answer:
    """Remove all data of the app at a location, or of the app that is named."""
    asked = _needed("owner")
    app = asked.get("app") or registry.find(layout, asked["location"]).partition(".")[0]
    interrupts.end_with_client()
    return clear.clear(layout, app, asked["owner"])


def _mend(layout: Layout, app: str) -> Answer:
    """Undo what was killed of a change of an app's data, once its process is gone."""
    return {"changed": mending.mend_later(layout, settings.load(layout), app)}


def _run(layout: Layout, request: str) -> int:
    """Run a script of an app; this process's streams are the script's."""
    asked = _checked(request)
    return now.run(layout, asked) if asked.get("cron") else scripts.run_attached(layout, asked)


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
    _secret: (),
    _texts: (),
    _activate: (),
    _deactivate: (),
    _disable: (),
    _enable: (),
    _clean: (),
    _disk: (),
    _abandon: ("upload",),
    _rest: ("instance",),
    _refresh: (),
    _rebuild: (),
    _query: (),
    _doctor: ("node",),
    _sample: (),
    _describe: (),
    _backup_all: (),
    _drill_all: (),
    _backup: ("request",),
    _restore: ("request",),
    _clear: (),
    _mend: ("app",),
    _run: ("request",),
    _signal: ("script", "name"),
    _receive: ("request",),
    _discard: ("script",),
    _logs: ("request",),
}
STREAMING = {_run, _logs, _backup}


def _asked(*further: str) -> Mapping[str, Any]:
    """Return the request on standard input.

    Raises:
        NodeError: it comes from another version than this node's, or is not one at all.
    """
    return _needed("plan", "location", "owner", *further)


def _needed(*fields: str) -> Mapping[str, Any]:
    """Return the request on standard input, which has some fields at least.

    Raises:
        NodeError: it comes from another version than this node's, or is not one at all.
    """
    # One line: what follows it is for `agreement`.
    asked = _checked(sys.stdin.buffer.readline())
    missing = set(fields) - set(asked)
    if missing:
        raise NodeError(f"not a request: it lacks {', '.join(sorted(missing))}")
    return asked


def _request(asked: Mapping[str, Any]) -> Request:
    return Request(asked["plan"], asked["location"], asked["owner"], int(asked.get("nodes", 1)))


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
        raise NodeError(versions.difference(asked.get("node") or "this node", VERSION, version))
    return asked
