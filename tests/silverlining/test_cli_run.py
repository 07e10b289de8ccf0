"""`silver run`: what it makes of its arguments."""

from typing import Any

import pytest

from silverlining import cli
from silverlining.remote import running
from silverlining.remote.running import Run


@pytest.fixture
def ran(monkeypatch: pytest.MonkeyPatch) -> list[tuple[Run, Any]]:
    calls: list[tuple[Run, Any]] = []

    def run(wanted: Run, node: str | None, *, upload: bool) -> int:
        calls.append((wanted, node))
        return 7

    monkeypatch.setattr(running, "run", run)
    return calls


def silver(*arguments: str) -> int:
    with pytest.raises(SystemExit) as caught:
        cli.main(["run", *arguments])
    assert isinstance(caught.value.code, int)
    return caught.value.code


@pytest.mark.parametrize(
    "arguments",
    [("polls.test", "--cron", "nightly"), ("--cron", "nightly", "polls.test")],
)
def test_a_cron_job_is_named_after_the_location_or_before(
    ran: list[tuple[Run, Any]], arguments: tuple[str, ...]
) -> None:
    assert silver("--node", "web1", *arguments) == 7
    [(wanted, node)] = ran
    assert (wanted.location, wanted.cron, wanted.script) == ("polls.test", "nightly", "")
    assert (list(wanted.arguments), node) == ([], "web1")


@pytest.mark.parametrize(
    "arguments",
    [
        ("polls.test",),
        ("polls.test", "--cron"),
        ("polls.test", "--cron", "a", "b"),
        ("--cron", "nightly", "polls.test", "x.py"),
    ],
)
def test_it_is_a_script_or_a_job(
    ran: list[tuple[Run, Any]], arguments: tuple[str, ...], capsys: pytest.CaptureFixture[str]
) -> None:
    assert silver(*arguments) == 125
    assert not ran
    assert "--cron NAME" in capsys.readouterr().err


def test_options_after_the_script_are_its_own(ran: list[tuple[Run, Any]]) -> None:
    assert silver("polls.test", "x.py", "--cron", "nightly") == 7
    assert (ran[0][0].script, ran[0][0].cron) == ("x.py", "")
