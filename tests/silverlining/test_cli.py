import json
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import click
import pytest

from silverlining import checks, cli, demo, playbook
from silverlining.cli import nodes
from silverlining.nodes import listing
from silversupport import VERSION
from silversupport.errors import SilverError

Calls = list[tuple[str, dict[str, Any]]]


@pytest.fixture
def played(monkeypatch: pytest.MonkeyPatch) -> Calls:
    """Return the playbooks that were run; the inventory has one node."""
    calls: Calls = []

    def run(
        name: str, extra: dict[str, Any], _arguments: Sequence[str] = (), verbosity: int = 0
    ) -> int:
        calls.append((name, {key: val for key, val in extra.items() if val is not None}))
        return 4 if extra.get("node") == "bad" or extra.get("address") == "bad" else 0

    monkeypatch.setattr(playbook, "run", run)
    monkeypatch.setattr(playbook, "inventory", lambda: {"web1": {"ansible_host": "203.0.113.5"}})
    return calls


def silver(*arguments: str) -> int:
    with pytest.raises(SystemExit) as caught:
        cli.main(arguments)
    assert isinstance(caught.value.code, int)
    return caught.value.code


COMMANDS = [
    ("create-node a", [("create-node", {"node": "a"})]),
    (
        "create-node a --image X --size Y --group web --no-wait --if-not-exists",
        [
            (
                "create-node",
                {
                    "node": "a",
                    "image": "X",
                    "size": "Y",
                    "group": "web",
                    "wait": False,
                    "if_not_exists": True,
                },
            )
        ],
    ),
    (
        "create-node a --setup-node",
        [("create-node", {"node": "a"}), ("provision", {"node": "a"})],
    ),
    ("setup-node web1", [("provision", {"node": "web1"})]),
    ("setup-node 203.0.113.5", [("provision", {"node": "web1"})]),
    (
        "setup-node 203.0.113.6",
        [("add-server", {"address": "203.0.113.6"}), ("provision", {"node": "203.0.113.6"})],
    ),
    (
        "setup-node 203.0.113.6 --name web2 --user root --port 2222",
        [
            (
                "add-server",
                {"address": "203.0.113.6", "node": "web2", "user": "root", "ssh_port": 2222},
            ),
            ("provision", {"node": "web2"}),
        ],
    ),
    ("destroy-node a b --yes", [("destroy-node", {"node": "a,b", "must_exist": True})]),
    (
        f"update {playbook.ROOT}/apps/hello www.hello.test --node web1",
        [
            (
                "deploy",
                {
                    "app": str(playbook.ROOT / "apps/hello"),
                    "location": "www.hello.test",
                    "node": "web1",
                    "etc_hosts": True,
                },
            )
        ],
    ),
]


@pytest.mark.parametrize(("line", "expected"), COMMANDS)
def test_a_command_is_a_playbook(line: str, expected: Calls, played: Calls) -> None:
    assert silver(*line.split()) == 0
    assert played == expected


@pytest.mark.parametrize("command", ["update", "diff"])
@pytest.mark.parametrize(
    ("given", "directory", "location"),
    [
        ("", ".", None),
        ("polls", "polls", None),
        ("polls.test", ".", "polls.test"),
        ("polls.test/vote", ".", "polls.test/vote"),
        ("there.test", "there.test", None),
        ("./polls.test", "polls.test", None),
        ("polls polls.test", "polls", "polls.test"),
        ("there.test polls.test", "there.test", "polls.test"),
    ],
)
def test_a_location_may_be_given_without_a_directory(  # noqa: PLR0917
    command: str,
    given: str,
    directory: str,
    location: str | None,
    played: Calls,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    (tmp_path / "there.test").mkdir()
    monkeypatch.chdir(tmp_path)
    assert silver(command, *given.split()) == 0
    extra = played[0][1]
    assert (extra["app"], extra.get("location")) == (str(tmp_path / directory), location)


@pytest.mark.parametrize("line", ["create-node bad --setup-node", "setup-node bad"])
def test_a_failed_playbook_ends_the_command_with_its_status(line: str, played: Calls) -> None:
    assert silver(*line.split()) == 4
    assert len(played) == 1


@pytest.mark.parametrize(
    ("options", "playbooks"),
    [
        ([], ["create-nodes"]),
        (["--setup-node"], ["create-nodes", "provision"]),
        (["--setup-node", "--dry-run"], ["create-nodes"]),
    ],
)
def test_the_nodes_of_a_set_are_created_and_set_up_as_one(
    played: Calls, tmp_path: Path, options: list[str], playbooks: list[str]
) -> None:
    path = tmp_path / "shop.yml"
    path.write_text("create_nodes: {set: shop, web: {count: 1}}")
    assert silver("create-nodes", str(path), *options) == 0
    assert [name for name, _ in played] == playbooks
    assert all(extra == {"node": "set_shop"} for name, extra in played if name == "provision")


@pytest.mark.parametrize("command", ["create-node", "create-nodes"])
def test_how_long_to_wait_for_a_node_is_handed_on(
    played: Calls, tmp_path: Path, command: str
) -> None:
    path = tmp_path / "shop.yml"
    path.write_text("create_nodes: {set: shop, web: {count: 1}}")
    assert silver(command, str(path), "--wait-timeout", "600") == 0
    assert played[0][1]["wait_timeout"] == 600


def test_a_source_is_found_from_any_directory(
    played: Calls, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "my.libcloud.yml").touch()
    monkeypatch.chdir(tmp_path)
    silver("create-node", "a", "--source", "my.libcloud.yml")
    assert played[0][1]["source"] == f"{tmp_path}/my.libcloud.yml"


def test_without_a_terminal_nothing_is_destroyed_unconfirmed(
    played: Calls, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.stdin", Path("/dev/null").open())  # noqa: SIM115
    assert silver("destroy-node", "a") == 1
    assert "say --yes" in capsys.readouterr().err
    assert not played


@pytest.mark.parametrize(("answer", "status"), [("y\n", 0), ("n\n", 130), ("", 130)])
def test_on_a_terminal_destroying_asks(
    answer: str, status: int, played: Calls, monkeypatch: pytest.MonkeyPatch
) -> None:
    terminal = subprocess.Popen(["printf", answer], stdout=subprocess.PIPE, text=True).stdout
    assert terminal
    monkeypatch.setattr(terminal, "isatty", lambda: True)
    monkeypatch.setattr("sys.stdin", terminal)
    monkeypatch.setattr("click.termui.visible_prompt_func", lambda _: terminal.readline() or end())
    assert silver("destroy-node", "a") == status
    assert bool(played) is (status == 0)


def end() -> str:
    raise EOFError


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("create-node", "silver: Missing argument 'NAME'. (see 'silver create-node --help')\n"),
        ("creat-node", "silver: No such command 'creat-node'"),
        ("test lint nonsense", "'nonsense' is not one of"),
        ("list-nodes --source /nowhere.libcloud.yml", "'/nowhere.libcloud.yml' does not exist"),
    ],
)
def test_a_wrong_command_line_is_one_line(
    line: str, message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert silver(*line.split()) == 2
    error = capsys.readouterr().err
    assert message in error
    assert error.count("\n") == 1


@pytest.mark.parametrize(
    ("error", "status", "message"),
    [
        (SilverError("no engine: start it"), 1, "silver: no engine: start it\n"),
        (KeyboardInterrupt(), 130, "silver: interrupted\n"),
    ],
)
def test_an_error_is_its_message(
    error: BaseException,
    status: int,
    message: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    def fail(*_: object) -> None:
        raise error

    monkeypatch.setattr(demo, "run", fail)
    assert silver("demo") == status
    assert capsys.readouterr().err.lstrip() == message


def test_a_reader_that_went_away_is_no_traceback() -> None:
    silver_program = playbook.program("silver")
    done = subprocess.run(
        ["bash", "-c", f"{silver_program} --help | true"], capture_output=True, text=True
    )
    assert "Traceback" not in done.stderr


def test_the_version_is_the_packages(capsys: pytest.CaptureFixture[str]) -> None:
    assert silver("--version") == 0
    assert capsys.readouterr().out == f"silver {VERSION}\n"


@pytest.mark.parametrize("name", sorted(cli.COMMANDS))
def test_every_command_has_help_with_an_example(
    name: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert silver(name, "--help") == 0
    out = capsys.readouterr().out
    assert f"silver {name}" in out.partition("Example:")[2]


def test_without_a_command_the_commands_are_listed(capsys: pytest.CaptureFixture[str]) -> None:
    assert silver() == 0
    assert "create-node" in capsys.readouterr().out


ROWS: list[listing.Row] = [{"name": "web1", "ram": 2048}, {"name": "a" * 90, "ram": None}]


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[Sequence[Path]]:
    """Let `list-nodes` list ROWS; return the sources that it asked."""
    paths: list[Sequence[Path]] = []

    def rows(sources: Sequence[Path]) -> list[listing.Row]:
        paths.append(sources)
        return ROWS

    _have_list_nodes(monkeypatch, rows)
    return paths


def _have_list_nodes(monkeypatch: pytest.MonkeyPatch, rows: listing.Rows) -> None:
    monkeypatch.setattr(nodes, "list_nodes", nodes._list_command("list-nodes", "x", rows))


def test_a_list_as_json(asked: object, capsys: pytest.CaptureFixture[str]) -> None:
    assert silver("list-nodes", "--json") == 0
    assert json.loads(capsys.readouterr().out) == ROWS


def test_a_list_in_a_pipe_cuts_nothing(asked: object, capsys: pytest.CaptureFixture[str]) -> None:
    assert silver("list-nodes") == 0
    header, first, second = capsys.readouterr().out.splitlines()
    assert header.split() == ["name", "ram"]
    assert first.split() == ["web1", "2048"]
    assert second.split() == ["a" * 90]


def test_an_empty_list_is_no_error(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    _have_list_nodes(monkeypatch, lambda sources: [])
    assert silver("list-nodes") == 0
    assert capsys.readouterr().out.strip() == ""


def test_test_runs_all_parts_or_those_named(monkeypatch: pytest.MonkeyPatch) -> None:
    ran: list[Sequence[str]] = []
    monkeypatch.setattr(checks, "run", lambda parts: ran.append(parts) or 1)  # type: ignore[func-returns-value]
    assert silver("test") == 1
    assert silver("test", "unit", "lint") == 1
    assert ran == [checks.PARTS, ("unit", "lint")]


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_completion_comes_with_it(shell: str) -> None:
    done = subprocess.run(
        [playbook.program("silver")],
        env=playbook.environment() | {"_SILVER_COMPLETE": f"{shell}_source"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0
    assert "_SILVER_COMPLETE" in done.stdout


@pytest.mark.parametrize("name", sorted(cli.COMMANDS))
def test_each_command_is_where_it_is_said_to_be(name: str) -> None:
    command = cli.cli.get_command(click.Context(cli.cli), name)
    assert command is not None
    assert command.name == name


def test_a_command_imports_nothing_of_the_others() -> None:
    slow = "{'libcloud', 'ansible', 'requests', 'rich'} & set(sys.modules)"
    code = f"import sys; from silverlining.cli import apps; sys.exit(repr({slow} or 0))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.stderr.strip() in ("", "0"), done.stderr


def test_every_command_is_listed_once_in_the_help() -> None:
    assert sorted(name for names in cli.SECTIONS.values() for name in names) == sorted(cli.COMMANDS)
