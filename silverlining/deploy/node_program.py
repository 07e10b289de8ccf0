"""Calls of `silver-node`, the program on a node: over an action's connection, or by ssh."""

import getpass
import json
import socket
import subprocess
from collections.abc import Mapping
from typing import Any

from ansible.plugins.action import ActionBase

from silverlining.remote.connections import Connection
from silversupport import VERSION, versions
from silversupport.errors import SilverError

PROGRAM = "/usr/local/sbin/silver-node"
NOT_FOUND = (125, 126, 127)
"""Exit statuses of a shell (and of `Connection.command`) for a program that is not there."""
LOST = 255
"""The exit status of ssh for a failure of its own."""
USAGE_ERROR = 2
"""The exit status of a `silver-node` that does not know a command yet."""


class NodeProgramError(SilverError):
    """The node refused, or failed.

    Attributes:
        output: what the application or a tool on the node printed.
        data_changed: whether an application's data is not what it was before.
    """

    def __init__(self, message: str, output: str = "", *, data_changed: bool = False) -> None:
        super().__init__(message)
        self.output, self.data_changed = output, data_changed


def owner() -> str:
    """Return who runs this, as `user@machine`."""
    return f"{getpass.getuser()}@{socket.gethostname()}"


def call(action: ActionBase, command: str, request: Mapping[str, Any], node: str) -> dict[str, Any]:
    """Have the node carry out a command.

    Args:
        action: whose connection is used.
        command: the command of `silver-node`, with its arguments.
        request: what it is given; the version and the owner are added.
        node: the node's name, for messages.

    Raises:
        NodeProgramError: the node was never provisioned, is of another version, or says no.
    """
    # The only way; a module costs 0.3 s more.
    done = action._low_level_execute_command(f"{PROGRAM} {command}", in_data=text(request).encode())
    return answer(node, done["rc"], done["stdout"], done["stderr"])


def ask(
    connection: Connection, command: str, request: Mapping[str, Any], limit: float | None = None
) -> dict[str, Any]:
    """Have any node carry out a command.

    Args:
        connection: the way to the node.
        command: the command of `silver-node`, with its arguments.
        request: what it is given; the version and the owner are added.
        limit: seconds after which the answer is given up; None waits for it.

    Raises:
        NodeProgramError: as of `call`, or there was no answer in time.
    """
    try:
        done = subprocess.run(
            connection.command([PROGRAM, *command.split()]),
            input=text(request),
            capture_output=True,
            text=True,
            errors="replace",
            timeout=limit,
            check=False,
        )
    except subprocess.TimeoutExpired as error:
        raise NodeProgramError(f"{connection.node}: no answer within {limit:.0f} s") from error
    return answer(connection.node, done.returncode, done.stdout, done.stderr)


def text(request: Mapping[str, Any]) -> str:
    """Return a request as a line of JSON, with the version and the owner."""
    return json.dumps({"version": VERSION, "owner": owner(), **request}) + "\n"


def answer(node: str, status: int, output: str, errors: str) -> dict[str, Any]:
    """Return what a node answered.

    Args:
        node: its name, for messages.
        status: the exit status of `silver-node`, or of ssh.
        output: what it printed; the last line is its answer.
        errors: what it, or ssh, printed to standard error.

    Raises:
        NodeProgramError: it said no, or nothing.
    """
    try:
        answer: dict[str, Any] = json.loads(output.strip().rpartition("\n")[2])
    except ValueError as error:
        raise _no_answer(node, status, errors) from error
    if answer.get("failed"):
        raise NodeProgramError(
            _refusal(answer["msg"], node),
            answer["output"],
            data_changed=answer.get("data_changed", False),
        )
    return answer


def _refusal(message: str, node: str) -> str:
    # A node does not know by which name it is called here.
    other = versions.DIFFERENT.search(message)
    if other:
        return versions.difference(node, other["theirs"], VERSION)
    return f"{node}: {message}"


def _no_answer(node: str, status: int, errors: str) -> NodeProgramError:
    if status in NOT_FOUND or "command not found" in errors:
        return NodeProgramError(f"{node} was never set up; do it with: ./silver setup-node {node}")
    if status == USAGE_ERROR:
        return NodeProgramError(
            f"{node} was set up by an older Silver Lining; run: ./silver setup-node {node}"
        )
    if status == LOST:
        return NodeProgramError(f"{node}: the connection was lost", errors)
    return NodeProgramError(f"{node}: {PROGRAM} exited with status {status}", errors)
