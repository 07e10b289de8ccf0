"""Scripts on a node, seen from the laptop; `ssh` and `silver-node` are stand-ins."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pexpect
import pytest

from silverlining.remote import attachment, connections, running
from silverlining.remote.attachment import AttachmentError
from silverlining.remote.connections import Connection
from silverlining.remote.running import Run, RunError
from silversupport import VERSION

PATIENCE = 2

SSH = """#!/bin/sh
# Runs the command here. With $SSH_SAYS it fails as ssh does; $SSH_SHARES means an open connection.
[ "$1" = "-O" ] && { [ -n "$SSH_SHARES" ]; exit; }
while [ "$1" != "--" ]; do
  [ "$1" = "-E" ] && log=$2
  [ -z "$SSH_SHARES" ] && case $1 in LocalCommand=*) eval "${1#*=}" ;; esac
  shift
done
[ -n "$SSH_SAYS" ] && { echo "$SSH_SAYS" >"$log"; exit 255; }
exec sh -c "$3"
"""
NODE = """#!/bin/sh
# Notes what it is asked; `run` does what $RUN says.
printf '%s\\n' "$1 $2 $3" >>"$ASKED"
case $1 in
  run) eval "${RUN-true}" ;;
  receive) tar -tf - >>"$ASKED"; echo "${ANSWER-{\\"directory\\": \\"/node/run-1\\"\\}}" ;;
  signal) kill -s "${3#SIG}" "$(cat "$PID")" ;;
  discard) echo "{}" ;;
esac
"""


@pytest.fixture
def asked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The file that says what the node was asked."""
    for name, text in (("ssh", SSH), ("silver-node", NODE)):
        (tmp_path / name).write_text(text)
        (tmp_path / name).chmod(0o755)
    way = Connection("web1", "203.0.113.5", (str(tmp_path / "ssh"),), sudo=False)
    monkeypatch.setattr(connections, "to_location", lambda location, node=None: way)
    monkeypatch.setattr(running, "NODE_PROGRAM", str(tmp_path / "silver-node"))
    monkeypatch.setenv("ASKED", str(tmp_path / "asked"))
    return tmp_path / "asked"


def questions(asked: Path) -> list[list[str]]:
    return [line.split(" ", 1) for line in asked.read_text().splitlines()]


def test_the_node_is_asked_for_all_that_was_typed(asked: Path) -> None:
    assert running.run(Run("polls.test", "manage.py", ["--all", "two words"], id="1f")) == 0
    [[command, request]] = questions(asked)
    assert command == "run"
    assert json.loads(request) == {
        "version": VERSION,
        "node": "web1",
        "location": "polls.test",
        "script": "manage.py",
        "arguments": ["--all", "two words"],
        "tty": False,
        "id": "1f",
        "cron": "",
    }


@pytest.mark.parametrize("status", [0, 3, 125, 255])
def test_the_exit_status_is_the_nodes(
    asked: Path, monkeypatch: pytest.MonkeyPatch, status: int
) -> None:
    monkeypatch.setenv("RUN", f"exit {status}")
    assert running.run(Run("polls.test", "true")) == status


def test_a_failure_of_ssh_is_one_line_that_names_the_node(
    asked: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("SSH_SAYS", "ssh: connect to host 203.0.113.5 port 22: No route to host")
    with pytest.raises(AttachmentError, match=r"^no connection to web1: ssh: connect to .* route"):
        running.run(Run("polls.test", "true"))
    assert capfd.readouterr().err == ""


def test_local_files_are_named_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "data.csv").touch()
    (tmp_path / "link").symlink_to("data.csv")
    (tmp_path / "lost").symlink_to("nowhere")
    arguments = ["data.csv", "--in=data.csv", ".", "link", "data.csv", "gone", "lost", ""]
    assert running.local_files(arguments) == ["data.csv", "link"]


def test_files_are_uploaded_and_the_script_is_told_where_they_are(
    asked: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "data.csv").write_text("1,2")
    (tmp_path / "b.csv").write_text("3")
    arguments = ["-v", "b.csv", str(tmp_path / "data.csv"), "b.csv"]
    assert running.run(Run("polls.test", "load.py", arguments, id="1f")) == 0
    receive, *names, run = questions(asked)
    assert json.loads(receive[1])["files"] == 2
    assert [name[0].rpartition("/")[2] for name in names] == ["b.csv", "data.csv"]
    there = ["/node/run-1/0/b.csv", "/node/run-1/1/data.csv"]
    assert json.loads(run[1])["arguments"] == ["-v", *there, there[0]]
    assert "silver: uploading b.csv (1 bytes)\n" in capfd.readouterr().err


def test_files_stay_here_if_that_is_wanted(
    asked: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    running.run(Run("polls.test", "cat", ["ssh"]), upload=False)
    [[command, request]] = questions(asked)
    assert (command, json.loads(request)["arguments"]) == ("run", ["ssh"])


@pytest.mark.parametrize(
    ("answer", "message"),
    [
        ('{"failed": true, "msg": "the disk is full"}', "^web1: the disk is full$"),
        ("", "web1 gave no answer"),
    ],
)
def test_nothing_is_run_without_its_files_and_none_is_left(
    asked: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, answer: str, message: str
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("ANSWER", answer)
    with pytest.raises(RunError, match=message):
        running.run(Run("polls.test", "cat", ["ssh"], id="1f"))
    assert [question[0] for question in questions(asked)] == ["receive", "ssh", "discard"]
    assert questions(asked)[-1][1].strip() == "1f"


CODE = """
import sys
from silverlining.remote.attachment import Attachment
from silverlining.remote.connections import Connection
way = Connection("web1", "host", (sys.argv[1] + "/ssh",), sudo=False)
node = sys.argv[1] + "/silver-node"
sys.exit(Attachment(way, [node, "run", "{}"], [node, "signal", "1f"], tty=sys.stdin.isatty()).run())
"""


def attach(tmp_path: Path, script: str) -> subprocess.Popen[str]:
    """Run a shell script "on the node", in a process of its own, until it says that it is ready."""
    process = subprocess.Popen(
        [sys.executable, "-c", CODE, str(tmp_path)],
        env=os.environ | {"PID": str(tmp_path / "pid"), "RUN": script},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stdout
    assert process.stdout.readline() == "ready\n"
    return process


@pytest.mark.parametrize("shares", ["", "yes"])
def test_in_a_terminal_an_interrupt_is_a_key_once_there_is_a_connection(
    asked: Path, tmp_path: Path, shares: str
) -> None:
    child = pexpect.spawn(
        "/bin/sh",
        ["-c", 'stty -a; "$@"; stty -a', "sh", sys.executable, "-c", CODE, str(tmp_path)],
        env=os.environ | {"RUN": "stty -a", "SSH_SHARES": shares},
        timeout=PATIENCE * 5,
        encoding="utf-8",
    )
    child.expect(r"\sisig .*\s-isig .*\sisig ")
    child.expect(pexpect.EOF)


@pytest.mark.parametrize("number", attachment.SIGNALS)
def test_a_signal_is_passed_on_and_the_script_ends_as_it_likes(
    asked: Path, tmp_path: Path, number: signal.Signals
) -> None:
    wait = "echo ready; while :; do sleep 0.05; done"
    process = attach(tmp_path, f"echo $$ >$PID; trap 'exit 5' {number.name[3:]}; {wait}")
    process.send_signal(number)
    _, errors = process.communicate(timeout=10)
    assert process.returncode == 5
    assert f"signal 1f {number.name}" in asked.read_text()
    assert ("Ctrl-C again kills it" in errors) == (number == signal.SIGINT)


def test_a_node_that_takes_no_signal_is_left(asked: Path, tmp_path: Path) -> None:
    process = attach(tmp_path, "echo ready; exec sleep 5 >/dev/null 2>&1")
    process.send_signal(signal.SIGINT)
    _, errors = process.communicate(timeout=10)
    assert process.returncode == 130
    assert errors.endswith("silver: interrupted; whatever it started on web1 ends by itself\n")


def test_ssh_ends_with_this_process_even_if_that_is_killed(asked: Path, tmp_path: Path) -> None:
    process = attach(tmp_path, "echo $$ >$PID; echo ready; exec sleep 5 >/dev/null 2>&1")
    [ssh] = Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()
    with process:
        process.kill()
        assert process.stdout
        process.stdout.close()
        assert process.stderr
        process.stderr.close()
    deadline = time.monotonic() + PATIENCE
    while Path(f"/proc/{ssh}").exists():
        assert time.monotonic() < deadline, "ssh is still there"
        time.sleep(0.02)
