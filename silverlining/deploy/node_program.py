"""Calls of `silver-node`, the program on a node, over the connection of an Ansible action."""

import getpass
import json
import socket
from collections.abc import Mapping
from typing import Any

from ansible.plugins.action import ActionBase

from silversupport import VERSION, versions
from silversupport.errors import SilverError

PROGRAM = "/usr/local/sbin/silver-node"
NOT_FOUND = (126, 127)
"""Exit statuses of a shell (and of sudo: 1) for a program that is not there."""
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
    asked = {"version": VERSION, "owner": owner(), **request}
    # The only way; a module costs 0.3 s more.
    done = action._low_level_execute_command(
        f"{PROGRAM} {command}", in_data=json.dumps(asked).encode()
    )
    try:
        answer: dict[str, Any] = json.loads(done["stdout"].strip().rpartition("\n")[2])
    except ValueError as error:
        raise _no_answer(done, node) from error
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


def _no_answer(done: Mapping[str, Any], node: str) -> NodeProgramError:
    if done["rc"] in NOT_FOUND or "command not found" in done["stderr"]:
        return NodeProgramError(f"{node} was never set up; do it with: ./silver setup-node {node}")
    if done["rc"] == USAGE_ERROR:
        return NodeProgramError(
            f"{node} was set up by an older Silver Lining; run: ./silver setup-node {node}"
        )
    return NodeProgramError(f"{node}: {PROGRAM} exited with status {done['rc']}", done["stderr"])
