"""The commands for data: what they make of their arguments, and what they ask."""

import json
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click
import pytest

from silverbackup import encryption
from silverlining import cli, playbook

Calls = list[tuple[str, dict[str, Any]]]


@pytest.fixture(autouse=True)
def signals() -> Iterator[None]:
    """Undo what a command that was interrupted does to this process's signals."""
    before = signal.getsignal(signal.SIGINT)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.fixture
def answer() -> dict[str, Any]:
    """What a restore answers when it only looks."""
    return {"question": "Replace all data of polls?"}


@pytest.fixture
def played(monkeypatch: pytest.MonkeyPatch, answer: dict[str, Any]) -> Calls:
    """The playbooks that were run, with their variables."""
    calls: Calls = []

    def run(name: str, extra: dict[str, Any], arguments: Any = (), verbosity: int = 0) -> int:
        calls.append((name, {key: value for key, value in extra.items() if value is not None}))
        return 0

    def answers(name: str, extra: dict[str, Any], arguments: Any = ()) -> dict[str, Any]:
        assert list(arguments) == ["--check"]
        return {"web1": answer}

    monkeypatch.setattr(playbook, "run", run)
    monkeypatch.setattr(playbook, "answers", answers)
    return calls


def silver(*arguments: str) -> int:
    with pytest.raises(SystemExit) as caught:
        cli.main(arguments)
    return int(caught.value.code or 0)


def at_a_terminal(monkeypatch: pytest.MonkeyPatch, reply: str) -> list[str]:
    """Have questions answered; what is asked."""
    asked: list[str] = []

    def confirm(question: str, **_options: object) -> None:
        asked.append(question)
        if reply != "y":
            raise click.Abort

    monkeypatch.setattr("sys.stdin.isatty", lambda: True, raising=False)
    monkeypatch.setattr(click, "confirm", confirm)
    return asked


def test_a_backup_means_the_same_from_every_directory(
    played: Calls, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert silver("backup", "polls.test", "here/", "--node", "web1", "--recipient", "team") == 0
    assert silver("backup", "polls.test", "s3://box/polls", "--recipient", "age1x") == 0
    assert silver("backup", "polls.test", "x", "--no-verify", "--identity", "key") == 0
    assert played == [
        (
            "backup",
            {
                "location": "polls.test",
                "destination": f"{tmp_path}/here/",
                "node": "web1",
                "recipients": [f"{tmp_path}/team"],
            },
        ),
        (
            "backup",
            {"location": "polls.test", "destination": "s3://box/polls", "recipients": ["age1x"]},
        ),
        (
            "backup",
            {
                "location": "polls.test",
                "destination": f"{tmp_path}/x",
                "verify": False,
                "identity": f"{tmp_path}/key",
            },
        ),
    ]


def test_a_backup_to_a_site_is_a_restore_there(
    played: Calls, capsys: pytest.CaptureFixture[str]
) -> None:
    there = ["backup", "polls.test", "site:new.test@web2", "--node", "web1", "--yes"]
    assert silver(*there) == 0
    expected = {"source": "site:polls.test@web1", "location": "new.test", "node": "web2"}
    assert played == [("restore", expected)]
    assert silver(*there, "--recipient", "age1x") == 2
    assert "leave --recipient" in capsys.readouterr().err


def test_a_restore_asks_what_the_playbook_would_do(
    played: Calls, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = at_a_terminal(monkeypatch, "y")
    assert silver("restore", "/b/x.tar.age", "polls.test") == 0
    assert asked == ["Replace all data of polls?"]
    expected = {"source": "/b/x.tar.age", "location": "polls.test", "verified": True}
    assert played == [("restore", expected)]


def test_a_no_changes_nothing(played: Calls, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = at_a_terminal(monkeypatch, "n")
    assert silver("restore", "/b/x.tar.age", "polls.test") != 0
    assert silver("clear", "polls.test") != 0
    assert len(asked) == 2
    assert played == []


def test_nothing_is_asked_where_there_is_nothing_to_lose(
    played: Calls, answer: dict[str, Any]
) -> None:
    answer["question"] = ""
    assert silver("restore", "/b/x.tar.age", "polls.test") == 0
    assert played == [("restore", {"source": "/b/x.tar.age", "location": "polls.test"})]


def test_yes_asks_nobody(played: Calls, answer: dict[str, Any]) -> None:
    del answer["question"]
    assert silver("restore", "/b/x.tar.age", "polls.test", "--yes") == 0
    assert silver("clear", "polls.test", "--yes") == 0
    assert [name for name, _ in played] == ["restore", "clear"]


def test_an_archive_that_is_no_good_is_refused_before_anything_is_asked(
    played: Calls, answer: dict[str, Any], capsys: pytest.CaptureFixture[str]
) -> None:
    answer.clear()
    answer["msg"] = "polls.test: the archive is damaged"
    assert silver("restore", "/b/x.tar.age", "polls.test") == 1
    assert capsys.readouterr().err == "silver: polls.test: the archive is damaged\n"
    assert played == []


@pytest.mark.usefixtures("played")
def test_without_a_terminal_one_has_to_say_yes(capsys: pytest.CaptureFixture[str]) -> None:
    assert silver("restore", "/b/x.tar.age", "polls.test") == 1
    assert silver("clear", "polls.test") == 1
    assert capsys.readouterr().err.count("there is no terminal to ask: say --yes") == 2


def test_archives_are_listed(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "polls-20261123T031944Z.tar.age").write_bytes(b"12345")
    (tmp_path / "mine.tar.age").write_bytes(b"1")
    (tmp_path / "notes.txt").write_bytes(b"1")
    assert silver("list-backups", str(tmp_path)) == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[-1] for line in lines] == [
        "archive",
        f"{tmp_path}/mine.tar.age",
        f"{tmp_path}/polls-20261123T031944Z.tar.age",
    ]
    assert silver("list-backups", str(tmp_path), "--json") == 0
    assert json.loads(capsys.readouterr().out)["archives"][1] == {
        "archive": f"{tmp_path}/polls-20261123T031944Z.tar.age",
        "app": "polls",
        "created": "2026-11-23T03:19:44+00:00",
        "bytes": 5,
    }


def test_no_archives(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert silver("list-backups", str(tmp_path)) == 0
    assert capsys.readouterr().out == "there is no archive\n"
    assert silver("list-backups", f"{tmp_path}/gone/") == 1
    assert "gone: no such file or directory" in capsys.readouterr().err


def test_what_is_no_archive_is_said_to_be_none(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    encryption.make_identity(tmp_path / "key")
    (tmp_path / "x.tar.age").write_bytes(b"junk" * 100)
    key = ["--identity", str(tmp_path / "key")]
    assert silver("list-backups", str(tmp_path / "x.tar.age"), *key) == 1
    assert "it is none, or its beginning is damaged" in capsys.readouterr().err
