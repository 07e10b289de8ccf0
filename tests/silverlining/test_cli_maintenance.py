"""`silver disable` and `silver enable`: what they make of their arguments."""

from typing import Any

import pytest

from silverlining import cli, playbook

Calls = list[tuple[str, dict[str, Any]]]


@pytest.fixture
def played(monkeypatch: pytest.MonkeyPatch) -> Calls:
    """Which playbooks were run with what."""
    calls: Calls = []

    def run(name: str, extra: dict[str, Any], verbosity: int = 0) -> int:
        calls.append((name, {key: value for key, value in extra.items() if value}))
        return 0

    monkeypatch.setattr(playbook, "run", run)
    return calls


def silver(*arguments: str) -> int:
    with pytest.raises(SystemExit) as caught:
        cli.main(arguments)
    return int(caught.value.code or 0)


@pytest.mark.parametrize("command", ["disable", "enable"])
def test_apps_and_locations_may_be_given_several_times(played: Calls, command: str) -> None:
    words = ["--by-name", "polls", "--by-location", "a.test", "--by-location", "*.b.test"]
    assert silver(command, *words, "--node", "web1") == 0
    expected = {"app": ["polls"], "location": ["a.test", "*.b.test"], "node": "web1"}
    assert played == [(command, expected)]


@pytest.mark.parametrize("command", ["disable", "enable"])
def test_nothing_is_not_everything(
    played: Calls, capsys: pytest.CaptureFixture[str], command: str
) -> None:
    assert silver(command, "--node", "web1") == 2
    said = capsys.readouterr().err
    assert "say what: --by-name APP or --by-location LOCATION" in said
    assert f"silver {command} --help" in said
    assert played == []
