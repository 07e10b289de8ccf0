"""`silver doctor`, as its user sees it."""

import json
from typing import Any

import pytest
from click.testing import CliRunner

from silverlining import playbook
from silverlining.cli.doctor import doctor

WELL = {"check": "disk", "state": "ok", "text": "34% full", "fix": ""}
FULL = {"check": "disk", "state": "wrong", "text": "95% full", "fix": "./silver clean-node web1"}


def answer(monkeypatch: pytest.MonkeyPatch, **nodes: dict[str, Any]) -> None:
    monkeypatch.setattr(playbook, "answers", lambda *_: nodes)


def findings(*found: dict[str, str]) -> dict[str, Any]:
    return {"address": "203.0.113.5", "findings": list(found)}


def run(*arguments: str) -> tuple[int, str]:
    done = CliRunner().invoke(doctor, arguments, standalone_mode=False)
    return done.return_value, done.output


def test_all_is_well(monkeypatch: pytest.MonkeyPatch) -> None:
    answer(monkeypatch, web1=findings(WELL))
    status, output = run()
    assert status == 0
    assert output.splitlines() == [
        "web1  203.0.113.5",
        "  ok     disk          34% full",
        "  nothing is wrong",
    ]


def test_what_is_wrong_is_shown_with_what_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    answer(monkeypatch, web1=findings(WELL), web2=findings(FULL))
    status, output = run()
    assert status == 1
    assert "  wrong  disk          95% full\n" in output
    assert "→ ./silver clean-node web1\n  1 to be mended\n" in output


def test_machines_get_json(monkeypatch: pytest.MonkeyPatch) -> None:
    answer(monkeypatch, web1=findings(FULL))
    status, output = run("--json")
    assert status == 1
    assert json.loads(output) == {
        "nodes": [{"name": "web1", "address": "203.0.113.5", "findings": [FULL]}]
    }


def test_a_node_that_does_not_answer_is_wrong(monkeypatch: pytest.MonkeyPatch) -> None:
    answer(monkeypatch, web1={"unreachable": True, "msg": "Data could not be sent\nto host"})
    status, output = run()
    assert status == 1
    assert "wrong  node          Data could not be sent to host" in output
