"""What a node sends and takes: nothing that was cut off is taken for the whole."""

import json
import stat
from pathlib import Path

import pytest

from silverbackup.errors import BackupError
from silverlining.backup import nodes
from silverlining.remote.connections import Connection
from silversupport import VERSION


@pytest.fixture
def node(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Connection:
    """A node that is this machine: its ssh is a shell, its silver-node a script of the test's."""
    program = tmp_path / "silver-node"
    program.touch()
    program.chmod(program.stat().st_mode | stat.S_IXUSR)
    ssh = tmp_path / "ssh"
    ssh.write_text('#!/bin/sh\nwhile [ "$1" != -- ]; do shift; done\nshift 2\neval "$@"\n')
    ssh.chmod(0o755)
    monkeypatch.setattr(nodes, "PROGRAM", str(program))
    return Connection("web1", "192.0.2.1", (str(ssh),), sudo=False)


def program(script: str) -> None:
    Path(vars(nodes)["PROGRAM"]).write_text(f"#!/bin/sh\n{script}\n")


def test_a_node_is_asked(node: Connection) -> None:
    program('test "$1" = describe && cat')
    answer = nodes.ask(node, "describe", location="polls.test")
    assert answer["location"] == "polls.test"
    assert (answer["version"], answer["node"]) == (VERSION, "web1")
    assert "@" in answer["owner"]


FAILURES = {
    "refuses": ("""echo '{"failed": true, "msg": "no", "output": ""}'; exit 1""", "web1: no"),
    "shows": (
        """printf '%s' '{"failed": true, "msg": "no", "output": "a\\nb"}'; exit 1""",
        "web1: no\na\nb",
    ),
    "dies": ("exit 255", "web1: the connection was lost (exit status 255)"),
    "complains": ("echo 'silver: the disk is full' >&2; exit 125", "web1: the disk is full"),
    "is older": (
        "echo 'usage: silver-node COMMAND' >&2; exit 2",
        "web1 was set up by an older Silver Lining; run: ./silver setup-node web1",
    ),
}


@pytest.mark.parametrize("case", FAILURES)
def test_a_node_that_cannot_answer(node: Connection, case: str) -> None:
    script, message = FAILURES[case]
    program(script)
    with pytest.raises(BackupError) as caught:
        nodes.ask(node, "describe", app="polls")
    assert str(caught.value) == message


def test_a_node_that_was_never_set_up(node: Connection) -> None:
    Path(vars(nodes)["PROGRAM"]).unlink()
    with pytest.raises(BackupError, match="web1 was never set up"):
        nodes.ask(node, "describe", app="polls")


def test_what_a_node_sends(node: Connection) -> None:
    program('echo "$2"; head -c 3000000 /dev/zero')
    with nodes.sent(node, "backup", location="polls.test") as sent:
        data = b""
        while more := sent.read(1 << 20):
            data += more
    request, _, rest = data.partition(b"\n")
    assert json.loads(request)["location"] == "polls.test"
    assert rest == bytes(3_000_000)


def test_a_node_that_fails_in_the_middle_is_not_taken_for_one_that_sent_all(
    node: Connection,
) -> None:
    program("head -c 3000000 /dev/zero; echo 'silver: pg_dump failed' >&2; exit 125")
    with nodes.sent(node, "backup") as sent, pytest.raises(BackupError, match="pg_dump failed"):
        while sent.read(1 << 20):
            pass
    assert isinstance(sent.failure, BackupError)


def test_what_a_node_takes(node: Connection) -> None:
    program("""printf '{"bytes": %s}' $(wc -c)""")
    with nodes.taker(node, "restore", app="polls") as taker:
        for _ in range(30):
            taker.write(bytes(100_000))
        assert taker.answer() == {"bytes": 3_000_000}


def test_a_node_that_does_not_take_all_says_why(node: Connection) -> None:
    program("""head -c 5 >/dev/null; echo '{"failed": true, "msg": "wrong app", "output": ""}'""")
    with (
        nodes.taker(node, "restore") as taker,
        pytest.raises(BackupError, match="web1: wrong app"),
    ):
        while True:
            taker.write(bytes(100_000))


def test_a_stream_that_is_left_is_never_ended_in_order(node: Connection, tmp_path: Path) -> None:
    program(f"cat >{tmp_path}/taken; echo whole >{tmp_path}/whole; sleep 60")
    with pytest.raises(RuntimeError), nodes.taker(node, "restore") as taker:
        taker.write(b"x")
        raise RuntimeError
