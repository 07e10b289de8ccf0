"""Calls of silver-node, and what its answers become."""

import json
from typing import Any

import pytest

from silverlining.deploy import node_program
from silverlining.deploy.node_program import NodeProgramError
from silversupport import VERSION


class FakeAction:
    """An action whose connection answers with what it was made with."""

    def __init__(self, stdout: str = "", stderr: str = "", rc: int = 0) -> None:
        self.answer = {"stdout": stdout, "stderr": stderr, "rc": rc}
        self.command = ""
        self.asked: dict[str, Any] = {}

    def _low_level_execute_command(self, command: str, in_data: bytes) -> dict[str, Any]:
        self.command, self.asked = command, json.loads(in_data)
        return self.answer


def call(action: FakeAction) -> dict[str, Any]:
    return node_program.call(action, "prepare", {"plan": {"name": "hello"}}, "web1")


def test_the_node_is_told_the_version_and_who_asks() -> None:
    action = FakeAction('{"active": ""}')
    assert call(action) == {"active": ""}
    assert action.command == "/usr/local/sbin/silver-node prepare"
    assert action.asked == {
        "version": VERSION,
        "owner": node_program.owner(),
        "plan": {"name": "hello"},
    }
    assert "@" in node_program.owner()


def test_what_a_login_prints_before_the_answer_is_ignored() -> None:
    assert call(FakeAction('Welcome!\nYou have mail.\n{"active": "x"}\n')) == {"active": "x"}


def test_a_refusal_names_the_node_and_carries_the_output() -> None:
    answer = {"failed": True, "msg": "the app cannot be imported", "output": "Traceback"}
    with pytest.raises(NodeProgramError, match="web1: the app cannot be imported") as caught:
        call(FakeAction(json.dumps(answer), rc=1))
    assert caught.value.output == "Traceback"


def test_a_refusal_because_of_its_release_tells_how_to_upgrade_the_node() -> None:
    # The words of 0.2.0, which does not know the node's name.
    message = (
        f"this node was set up by Silver Lining 0.2.0, this is {VERSION};"
        " run ./silver setup-node for it first"
    )
    answer = {"failed": True, "msg": message, "output": ""}
    with pytest.raises(NodeProgramError, match=r"web1 .* 0\.2\.0, .*: \./silver setup-node web1$"):
        call(FakeAction(json.dumps(answer), rc=1))


@pytest.mark.parametrize(
    ("rc", "stderr"),
    [
        (127, "sh: 1: /usr/local/sbin/silver-node: not found"),
        (126, "Permission denied"),
        (1, "sudo: /usr/local/sbin/silver-node: command not found"),
    ],
)
def test_a_node_that_was_never_set_up_says_how(rc: int, stderr: str) -> None:
    with pytest.raises(
        NodeProgramError, match=r"never set up; do it with: \./silver setup-node web1"
    ):
        call(FakeAction(stderr=stderr, rc=rc))


@pytest.mark.parametrize("stdout", ["", "Killed", '{"act'])
def test_no_answer_is_an_error_with_what_was_printed(stdout: str) -> None:
    with pytest.raises(NodeProgramError, match="silver-node exited with status 137") as caught:
        call(FakeAction(stdout, "Traceback", rc=137))
    assert caught.value.output == "Traceback"


def test_a_node_that_does_not_know_a_command_yet_is_of_an_older_release() -> None:
    usage = "usage: silver-node [-h] COMMAND ...\nsilver-node: error: invalid choice: 'activate'"
    with pytest.raises(NodeProgramError, match=r"older Silver Lining; run: ./silver setup-node"):
        call(FakeAction(stderr=usage, rc=2))
