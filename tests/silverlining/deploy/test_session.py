"""A switch on a node that is this machine: its ssh is a shell, its silver-node a test's script."""

from pathlib import Path

import pytest

from silverlining.deploy import session
from silverlining.deploy.node_program import NodeProgramError
from silverlining.deploy.session import Session
from silverlining.remote.connections import Connection

GOOD = """
echo 'Welcome!'
echo '{"tried": "polls.20261122_002"}'
read word
echo "$word" > word
echo '{"instance": "polls.20261122_002"}'
"""
REFUSED = """echo '{"failed": true, "msg": "no", "output": "trace"}'; exit 1"""


@pytest.fixture
def node(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Connection:
    program = tmp_path / "silver-node"
    program.touch(0o755)
    ssh = tmp_path / "ssh"
    ssh.write_text(
        f'#!/bin/sh\ncd {tmp_path}\nwhile [ "$1" != -- ]; do shift; done\nshift 2\neval "$@"\n'
    )
    ssh.chmod(0o755)
    monkeypatch.setattr(session, "PROGRAM", str(program))
    return Connection("web1", "192.0.2.1", (str(ssh),), sudo=False)


def program(tmp_path: Path, script: str) -> None:
    (tmp_path / "silver-node").write_text(f"#!/bin/sh\nread request\n{script}\n")


def test_a_node_serves_once_it_is_told_to(node: Connection, tmp_path: Path) -> None:
    program(tmp_path, GOOD)
    begun = Session(node, {"staging": "polls.1"})
    begun.tried()
    assert not (tmp_path / "word").exists()
    assert begun.serve() == {"instance": "polls.20261122_002"}
    assert (tmp_path / "word").read_text() == "serve\n"


@pytest.mark.parametrize("script", [REFUSED, f"cat >/dev/null <&-; {REFUSED}"])
def test_a_node_that_refuses_says_why(node: Connection, tmp_path: Path, script: str) -> None:
    program(tmp_path, script)
    begun = Session(node, {})
    with pytest.raises(NodeProgramError, match="web1: no") as caught:
        begun.tried()
    assert caught.value.output == "trace"


def test_a_node_that_is_told_no_more_gives_up(node: Connection, tmp_path: Path) -> None:
    program(tmp_path, f"""echo '{{"tried": "x"}}'; read word || {{ touch gone; {REFUSED}; }}""")
    begun = Session(node, {})
    begun.tried()
    assert str(begun.refuse()) == "web1: no"
    assert (tmp_path / "gone").exists()


@pytest.mark.parametrize(
    ("script", "message"),
    [
        ("echo 'ssh: broken pipe' >&2; exit 255", "web1: the connection was lost"),
        ("exit 137", "web1: /.* exited with status 137"),
    ],
)
@pytest.mark.parametrize("tried", [False, True], ids=["before its trial", "after its trial"])
def test_a_node_that_is_gone_is_told_of(
    node: Connection, tmp_path: Path, script: str, message: str, tried: bool
) -> None:
    program(tmp_path, ("""echo '{"tried": "x"}'\n""" if tried else "") + script)
    begun = Session(node, {})
    with pytest.raises(NodeProgramError, match=message):
        begun.tried()
        begun.serve()


def test_a_node_that_was_never_set_up_says_how(node: Connection, tmp_path: Path) -> None:
    (tmp_path / "silver-node").unlink()
    begun = Session(node, {})
    with pytest.raises(
        NodeProgramError, match=r"never set up; do it with: ./silver setup-node web1"
    ):
        begun.tried()
