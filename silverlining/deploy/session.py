"""A switch that a node has begun, and ends as it is told: served, or as if it had never been.

The node keeps its lock and the new instance, which no visitor sees, as long as the connection lives
(`silvernode.deploy.agreement`): whatever kills this side, it undoes what it has begun.
"""

import json
import subprocess
import tempfile
from collections.abc import Mapping
from contextlib import suppress
from typing import IO, Any

from silverlining.deploy import node_program
from silverlining.deploy.node_program import PROGRAM, NodeProgramError
from silverlining.remote.connections import Connection

WORD = "serve\n"
"""What the node waits for, as in `silvernode.deploy.agreement`."""


class Session:
    """A running `silver-node switch`."""

    def __init__(self, connection: Connection, request: Mapping[str, Any]) -> None:
        """Have the node begin.

        Args:
            connection: the way to the node.
            request: what to switch to.
        """
        self.node = connection.node
        # Not a pipe: nobody reads it before the end.
        self._errors: IO[str] = tempfile.TemporaryFile("w+", errors="replace")  # noqa: SIM115
        self._process = subprocess.Popen(
            connection.command([PROGRAM, "switch"]),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._errors,
            text=True,
            errors="replace",
        )
        self._last_line = ""
        self._send(node_program.text(request))

    def tried(self) -> None:
        """Wait until the new instance has passed its trial.

        Raises:
            NodeProgramError: it has not, and nothing of it is left.
        """
        for line in self._process.stdout or ():
            if _tells_of_trial(line):
                return
            self._last_line = line
        self._end()

    def serve(self) -> dict[str, Any]:
        """Have the new instance served, and return the node's answer.

        Raises:
            NodeProgramError: it is not, or the node does not say.
        """
        self._send(WORD)
        return self._end()

    def refuse(self) -> NodeProgramError | None:
        """Have the node undo what it has begun; return what it says of that."""
        try:
            self._end()
        except NodeProgramError as error:
            return error
        return None

    def _send(self, text: str) -> None:
        with suppress(BrokenPipeError):  # It has ended, and says why in what follows.
            self._process.stdin.write(text)  # type: ignore[union-attr]
            self._process.stdin.flush()  # type: ignore[union-attr]

    def _end(self) -> dict[str, Any]:
        with self._errors, self._process:
            with suppress(BrokenPipeError):
                self._process.stdin.close()  # type: ignore[union-attr]
            output = self._last_line + self._process.stdout.read()  # type: ignore[union-attr]
            status = self._process.wait()
            self._errors.seek(0)
            return node_program.answer(self.node, status, output, self._errors.read())


def _tells_of_trial(line: str) -> bool:
    try:
        said = json.loads(line)
    except ValueError:
        return False  # Some logins print something.
    return isinstance(said, dict) and "tried" in said
