"""What a node is asked, and what it sends and takes, over the connection of an Ansible action."""

import json
import subprocess
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import IO, Any

from ansible.plugins.action import ActionBase

from silverbackup.errors import BackupError
from silverlining.deploy.node_program import PROGRAM, owner
from silverlining.nodes import targets
from silverlining.remote import action_connections
from silverlining.remote.connections import Connection
from silversupport import VERSION

USAGE_ERROR = 2
"""The exit status of silver-node for a command that it does not know."""


def of_location(
    action: ActionBase, variables: Mapping[str, Any], location: str, node: str | None
) -> Connection:
    """Return the way to the node that serves a location, which may be another than the action's.

    Raises:
        targets.TargetError: it cannot be told which node that is, or it does not run.
    """
    groups, hostvars = variables["groups"], variables["hostvars"]
    addresses = {host: hostvars[host].get("ansible_host", host) for host in groups["all"]}
    target = targets.choose(node, location.partition("/")[0], groups, addresses)
    name = targets.web_nodes(target, groups)[0]
    targets.check_running({name: targets.state_of(hostvars[name])})
    return action_connections.of_host(action, variables, name)


def ask(connection: Connection, command: str, **request: object) -> dict[str, Any]:
    """Have a node carry out a command of `silver-node`.

    Raises:
        BackupError: it cannot, or does not answer.
    """
    done = subprocess.run(
        connection.command([PROGRAM, command]),
        input=json.dumps(_complete(connection, request)),
        capture_output=True,
        text=True,
        check=False,
    )
    return _answer(connection, done.returncode, done.stdout, done.stderr)


class Sent:
    """What a program of a node sends; that it failed is told where the stream ends."""

    def __init__(
        self, connection: Connection, process: "subprocess.Popen[bytes]", errors: IO[bytes]
    ) -> None:
        self._connection, self._process, self._errors = connection, process, errors
        self.failure: BackupError | None = None
        """Why the program failed."""

    def read(self, size: int = -1, /) -> bytes:
        """Return some bytes, at the end none.

        Raises:
            BackupError: it was not the end, for the program has failed.
        """
        data: bytes = self._process.stdout.read1(size)  # type: ignore[union-attr]
        if not data and self._process.wait():
            self.failure = _failure(self._connection, self._process.returncode, self._errors)
            raise self.failure
        return data


@contextmanager
def sent(connection: Connection, command: str, **request: object) -> Iterator[Sent]:
    """Run a command of `silver-node` that sends something."""
    program = [PROGRAM, command, json.dumps(_complete(connection, request))]
    with (
        tempfile.TemporaryFile() as errors,
        subprocess.Popen(
            connection.command(program),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=errors,
        ) as process,
    ):
        try:
            yield Sent(connection, process, errors)
        finally:
            process.kill()  # Nothing, where it has ended.


class Taker:
    """A program of a node that takes a stream and answers at its end."""

    def __init__(
        self, connection: Connection, process: "subprocess.Popen[bytes]", errors: IO[bytes]
    ) -> None:
        self._connection, self._process, self._errors = connection, process, errors

    def write(self, data: bytes) -> None:
        """Send some bytes.

        Raises:
            BackupError: the node does not take them; says why.
        """
        try:
            self._process.stdin.write(data)  # type: ignore[union-attr]
        except BrokenPipeError:
            self.answer()
            raise BackupError(f"{self._connection.node} did not take all of it") from None

    def answer(self) -> dict[str, Any]:
        """End the stream, and return the node's answer.

        Raises:
            BackupError: it refuses, failed, or the connection was lost.
        """
        try:
            output, _ = self._process.communicate()
        except BrokenPipeError:
            output = self._process.stdout.read()  # type: ignore[union-attr]
        status = self._process.wait()
        self._errors.seek(0)
        errors = self._errors.read().decode(errors="replace")
        return _answer(self._connection, status, output.decode(errors="replace"), errors)


@contextmanager
def taker(connection: Connection, command: str, **request: object) -> Iterator[Taker]:
    """Run a command of `silver-node` that takes a stream.

    It never takes what was sent for the whole where the block is left with an error.
    """
    program = [PROGRAM, command, json.dumps(_complete(connection, request))]
    with (
        tempfile.TemporaryFile() as errors,
        subprocess.Popen(
            connection.command(program),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=errors,
            bufsize=0,
        ) as process,
    ):
        try:
            yield Taker(connection, process, errors)
        finally:
            process.kill()


def _complete(connection: Connection, request: Mapping[str, object]) -> dict[str, object]:
    return {"version": VERSION, "owner": owner(), "node": connection.node, **request}


def _answer(connection: Connection, status: int, output: str, errors: str) -> dict[str, Any]:
    try:
        answer: dict[str, Any] = json.loads(output.strip().rpartition("\n")[2])
    except ValueError as error:
        raise _said(connection, status, errors) from error
    if answer.get("failed"):
        details = f"\n{answer['output']}" if answer.get("output") else ""
        raise BackupError(f"{connection.node}: {answer['msg']}{details}")
    return answer


def _failure(connection: Connection, status: int, errors: IO[bytes]) -> BackupError:
    errors.seek(0)
    return _said(connection, status, errors.read().decode(errors="replace"))


def _said(connection: Connection, status: int, errors: str) -> BackupError:
    """Return why a program failed, as it said itself."""
    node, lines = connection.node, errors.strip().splitlines()
    if status == USAGE_ERROR and "usage:" in errors:
        return BackupError(
            f"{node} was set up by an older Silver Lining; run: ./silver setup-node {node}"
        )
    said = "\n".join(line.removeprefix("silver: ") for line in lines)
    said = said or f"the connection was lost (exit status {status})"
    return BackupError(said if said.startswith(node) else f"{node}: {said}")
