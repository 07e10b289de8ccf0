"""The commands for applications: what they make of their arguments, and of how it ended."""

import json
import signal
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from silverlining import cli, playbook
from silverlining.deploy import interruption

Calls = list[tuple[dict[str, Any], list[str]]]


@pytest.fixture(autouse=True)
def signals() -> Iterator[None]:
    """Undo what a command that was interrupted does to this process's signals."""
    before = signal.getsignal(signal.SIGINT)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.fixture
def played(monkeypatch: pytest.MonkeyPatch) -> Calls:
    """What deploy.yml was run with."""
    calls: Calls = []

    def run(name: str, extra: dict[str, Any], arguments: Any = (), verbosity: int = 0) -> int:
        assert name == "deploy"
        given = {key: value for key, value in extra.items() if value is not None}
        calls.append((given, list(arguments)))
        return 0

    monkeypatch.setattr(playbook, "run", run)
    return calls


def silver(*arguments: str) -> int:
    with pytest.raises(SystemExit) as caught:
        cli.main(arguments)
    return int(caught.value.code or 0)


def test_a_configuration_is_found_from_any_directory(
    played: Calls, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert silver("update", ".", "polls.test", "--config", "conf", "--no-etc-hosts") == 0
    assert played[0][0] == {
        "app": str(tmp_path),
        "location": "polls.test",
        "config": str(tmp_path / "conf"),
    }


def test_data_is_cleared_only_after_a_yes(
    played: Calls, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert silver("update", "/", "--clear") == 1
    assert "say --yes" in capsys.readouterr().err
    monkeypatch.setattr("sys.stdin.isatty", lambda: True, raising=False)
    monkeypatch.setattr("click.confirm", lambda *_, **__: True)
    assert silver("update", "/", "--clear") == 0
    assert silver("update", "/", "--clear", "--yes") == 0
    assert [extra["clear"] for extra, _ in played] == [True, True]
    assert silver("update", "/") == 0
    assert "clear" not in played[-1][0]


def test_a_difference_is_a_look(played: Calls) -> None:
    assert silver("diff", "/", "polls.test", "--node", "web1") == 0
    extra, arguments = played[0]
    assert extra == {"app": "/", "location": "polls.test", "node": "web1"}
    assert arguments == ["--check", "--diff"]


def test_differences_are_printed_for_programs(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    answers = {"web1": {"differences": {"changed": ["a"]}}}
    monkeypatch.setattr(playbook, "answers", lambda *_: answers)
    assert silver("diff", "/", "--json") == 0
    assert json.loads(capsys.readouterr().out) == [{"node": "web1", "changed": ["a"]}]


def test_a_node_that_says_no_is_an_error(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(playbook, "answers", lambda *_: {"web1": {"msg": "web1: it is not mine"}})
    assert silver("diff", "/", "--json") == 1
    assert capsys.readouterr().err == "silver: web1: it is not mine\n"


def end_once(told: str) -> Callable[..., int]:
    def run(*_: object, **__: object) -> int:
        interruption.tell(told)
        return playbook.INTERRUPTED

    return run


def end_twice(told: str) -> Callable[..., int]:
    def run(*_: object, **__: object) -> int:
        interruption.tell(told)
        raise KeyboardInterrupt

    return run


@pytest.mark.parametrize("end", [end_once, end_twice])
@pytest.mark.parametrize(
    ("told", "said"),
    [
        ("polls.test stays as it was", "polls.test stays as it was"),
        ("", "nothing was uploaded, and nothing switched"),
    ],
)
def test_an_interrupted_update_says_what_was_done(
    end: Callable[[str], Callable[..., int]],
    told: str,
    said: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr(playbook, "run", end(told))
    assert silver("update", "/") == playbook.INTERRUPTED
    assert capsys.readouterr().err == f"silver: {said}\n"


def test_an_interrupted_update_that_clears_says_that_data_may_be_gone(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(playbook, "run", end_once(""))
    assert silver("update", "/", "--clear", "--yes") == playbook.INTERRUPTED
    assert "its data may be cleared" in capsys.readouterr().err
