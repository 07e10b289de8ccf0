"""The action plugin that asks a node what is deployed: its answer, and why there is none."""

from importlib.util import module_from_spec, spec_from_file_location
from typing import Any

import pytest
from ansible.errors import AnsibleConnectionFailure

from silverlining.deploy import node_program
from silverlining.deploy.node_program import NodeProgramError
from silverlining.playbook import ROOT
from silversupport import VERSION

spec = spec_from_file_location("silver_query", ROOT / "plugins/action/silver_query.py")
assert spec and spec.loader
silver_query = module_from_spec(spec)
spec.loader.exec_module(silver_query)

ANSWER = {"version": VERSION, "locations": {}, "addresses": {}, "instances": [], "problems": []}


def ask(monkeypatch: pytest.MonkeyPatch, answer: object, **variables: object) -> dict[str, Any]:
    """Ask a node; `answer` is what it answers, or is raised."""

    def call(*_: object) -> object:
        if isinstance(answer, Exception):
            raise answer
        return answer

    monkeypatch.setattr(node_program, "call", call)
    # What it inherits is made for a play; it uses nothing of it but the connection.
    plugin = silver_query.ActionModule.__new__(silver_query.ActionModule)
    found: dict[str, Any] = plugin._ask({"inventory_hostname": "web1", **variables})
    return found


def test_the_answer_of_the_node_is_passed_on(monkeypatch: pytest.MonkeyPatch) -> None:
    assert ask(monkeypatch, ANSWER) == {"changed": False, "deployed": ANSWER}


@pytest.mark.parametrize(
    ("answer", "key", "message"),
    [
        (NodeProgramError("web1 was never set up"), "failed", "web1 was never set up"),
        (NodeProgramError("web1: no", "Traceback"), "failed", "web1: no\nTraceback"),
        (AnsibleConnectionFailure("no route"), "unreachable", "no route"),
        (
            {"version": "0.0.9", "locations": {}, "addresses": {}},
            "failed",
            f"web1 was set up by Silver Lining 0.0.9, this is {VERSION}:"
            " bring it up to date with: ./silver setup-node web1",
        ),
    ],
)
def test_a_node_that_does_not_answer_is_told_of_with_its_reason(
    monkeypatch: pytest.MonkeyPatch, answer: object, key: str, message: str
) -> None:
    assert ask(monkeypatch, answer) == {key: True, "msg": message}


def test_a_node_that_is_not_running_is_not_tried(monkeypatch: pytest.MonkeyPatch) -> None:
    found = ask(monkeypatch, AssertionError("it was tried"), libcloud_state="stopped")
    assert found["unreachable"] is True
    assert found["msg"].startswith("web1 is stopped, not running")
