"""Scripts of an app, run on its node as if they ran here."""

import json
import os.path
import subprocess
import sys
import tarfile
import uuid
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from typing import IO, Any

from silverlining.remote import connections
from silverlining.remote.attachment import Attachment
from silverlining.remote.connections import Connection
from silversupport import VERSION
from silversupport.errors import SilverError

NODE_PROGRAM = "/usr/local/sbin/silver-node"


class RunError(SilverError):
    """What belongs to a run could not be done on the node."""


@dataclass(frozen=True)
class Run:
    """A script to be run.

    Attributes:
        location: `HOST[/PATH]`, or `prev.HOST[/PATH]` for the instance before.
        script: a script of the app or a program of the node.
        arguments: its arguments.
        tty: whether it gets a terminal.
        id: what tells this run from every other one.
        cron: a cron job of the app to run in place of a script; empty if it is a script.
    """

    location: str
    script: str
    arguments: Sequence[str] = ()
    tty: bool = False
    id: str = field(default_factory=lambda: uuid.uuid4().hex)
    cron: str = ""

    def request(self, node: str, **changed: object) -> str:
        """Return what silver-node is asked on a node, with some of it changed."""
        return json.dumps({"version": VERSION, "node": node, **asdict(self), **changed})


def run(wanted: Run, node: str | None = None, *, upload: bool = True) -> int:
    """Run a script with this process's streams; the signals that this process gets reach it.

    Args:
        wanted: the script.
        node: the node, where it cannot be told from the location.
        upload: send the files along that are named in the arguments.

    Returns:
        The script's exit status, or that of silver-node, which has said what is wrong.

    Raises:
        SilverError: the node cannot be reached, or the connection was lost.
    """
    connection = connections.to_location(wanted.location.removeprefix("prev."), node)
    files = local_files(wanted.arguments) if upload else []
    if not files:
        return _attach(connection, wanted, wanted.arguments)
    try:
        places = _upload(connection, wanted, files)
        arguments = [places.get(argument, argument) for argument in wanted.arguments]
        return _attach(connection, wanted, arguments)
    except BaseException:
        # silver-node does this when the script has ended, unless it was never told of it.
        with suppress(SilverError):
            _call(connection, "discard", wanted.id)
        raise


def local_files(arguments: Sequence[str]) -> list[str]:
    """Return the arguments that are names of regular files here, each once."""
    return [each for each in dict.fromkeys(arguments) if os.path.isfile(each)]  # noqa: PTH113


def _attach(connection: Connection, wanted: Run, arguments: Sequence[str]) -> int:
    request = wanted.request(connection.node, arguments=[*arguments])
    program, signaller = [NODE_PROGRAM, "run", request], [NODE_PROGRAM, "signal", wanted.id]
    return Attachment(connection, program, signaller, tty=wanted.tty).run()


def _upload(connection: Connection, wanted: Run, files: Sequence[str]) -> dict[str, str]:
    """Upload files; where each of them is on the node."""
    for name in files:
        if not os.access(name, os.R_OK):
            raise RunError(f"{name}: you may not read it (--no-upload leaves arguments alone)")
        size = os.path.getsize(name)  # noqa: PTH202
        sys.stderr.write(f"silver: uploading {name} ({size:,} bytes)\n")
    request = wanted.request(connection.node, files=len(files))
    command = connection.command([NODE_PROGRAM, "receive", request])
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdin  # noqa: S101 - for the type checker: it was asked for above
        with suppress(BrokenPipeError):  # the node says why
            _send(files, process.stdin)
        answer = _answer(process.communicate()[0], connection)
    target = answer["directory"]
    return {name: f"{target}/{i}/{os.path.basename(name)}" for i, name in enumerate(files)}  # noqa: PTH119


def _send(files: Sequence[str], stream: IO[bytes]) -> None:
    with tarfile.open(fileobj=stream, mode="w|", dereference=True) as archive:
        for name in files:
            archive.add(name)


def _call(connection: Connection, *arguments: str) -> dict[str, Any]:
    """Have silver-node do something that takes a moment."""
    done = subprocess.run(
        connection.command([NODE_PROGRAM, *arguments]),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        check=False,
    )
    return _answer(done.stdout, connection)


def _answer(text: bytes, connection: Connection) -> dict[str, Any]:
    try:
        answer: dict[str, Any] = json.loads(text)
    except ValueError as error:
        raise RunError(f"{connection.node} gave no answer; see above") from error
    if answer.get("failed"):
        raise RunError(f"{connection.node}: {answer['msg']}")
    return answer
