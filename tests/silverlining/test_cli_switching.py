"""The commands that switch, take away and clean: what they make of their arguments."""

from typing import Any

import pytest

from silverlining import cli, playbook

Calls = list[tuple[str, dict[str, Any]]]


@pytest.fixture
def played(monkeypatch: pytest.MonkeyPatch) -> Calls:
    """The playbooks that were run, and with what."""
    calls: Calls = []

    def run(name: str, extra: dict[str, Any], arguments: Any = (), verbosity: int = 0) -> int:
        calls.append((name, {key: value for key, value in extra.items() if value is not None}))
        return 0

    monkeypatch.setattr(playbook, "run", run)
    return calls


def silver(*arguments: str) -> int:
    with pytest.raises(SystemExit) as caught:
        cli.main(arguments)
    return int(caught.value.code or 0)


@pytest.mark.parametrize(
    ("typed", "name", "extra"),
    [
        (
            "activate a.test b.test prev",
            "activate",
            {"location": ["a.test", "b.test"], "instance": "prev"},
        ),
        (
            "activate a.test a.1 --node web1",
            "activate",
            {"location": ["a.test"], "instance": "a.1", "node": "web1"},
        ),
        ("deactivate a.test", "deactivate", {"location": ["a.test"]}),
        ("deactivate a.test a.test", "deactivate", {"location": ["a.test", "a.test"]}),
        ("deactivate *.test --yes", "deactivate", {"location": ["*.test"]}),
        ("clean-node", "clean-node", {"keep": 0}),
        ("clean-node web1 -n --keep 2", "clean-node", {"node": "web1", "keep": 2, "tell": True}),
    ],
)
def test_arguments_become_variables(
    played: Calls, typed: str, name: str, extra: dict[str, Any]
) -> None:
    assert silver(*typed.split()) == 0
    assert played == [(name, extra)]


@pytest.mark.parametrize(
    "typed", ["activate a.test", "activate", "deactivate", "clean-node --keep -1"]
)
def test_what_is_missing_or_wrong_is_an_error(played: Calls, typed: str) -> None:
    assert silver(*typed.split()) == 2
    assert played == []


@pytest.mark.parametrize(
    ("typed", "meant", "asks"),
    [
        ("a.test b.test", [], True),
        ("*.test", ["a.test", "b.test"], True),
        ("*.test", ["a.test"], False),
        ("*.test a.test", ["a.test"], False),
    ],
)
def test_several_locations_are_asked_about(
    played: Calls, monkeypatch: pytest.MonkeyPatch, typed: str, meant: list[str], asks: bool
) -> None:
    told: Calls = []

    def answers(name: str, extra: dict[str, Any]) -> dict[str, dict[str, Any]]:
        told.append((name, extra))
        return {"web1": {"locations": meant}}

    monkeypatch.setattr(playbook, "answers", answers)
    status = silver("deactivate", *typed.split())  # There is no terminal to ask.
    assert (status, len(played)) == ((1, 0) if asks else (0, 1))
    assert [extra["tell"] for _, extra in told] == [True] * len(meant[:1]), "a look only"


def test_a_node_that_cannot_tell_which_locations_are_meant(
    played: Calls, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(playbook, "answers", lambda *_: {"web1": {"failed": True, "msg": "no"}})
    assert silver("deactivate", "*.test") == 1
    assert capsys.readouterr().err == "silver: no\n"
    assert played == []
