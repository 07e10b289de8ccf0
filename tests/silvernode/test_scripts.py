"""Scripts of an app: how they are run, and how they end."""

import json
import os
import shutil
import signal
import subprocess
from pathlib import Path
from typing import Any

import pytest

from silvernode import cli, interrupts, scripts, terminal, units
from silvernode.errors import NodeError
from silvernode.scripts import Outcome
from silversupport import VERSION
from tests.silvernode.conftest import Node

ID = "0123456789abcdef" * 2


@pytest.fixture
def instance(node: Node, monkeypatch: pytest.MonkeyPatch) -> str:
    """A deployed app with scripts."""
    monkeypatch.setattr(interrupts, "end_with_client", lambda: None)
    show = "import sys; print(sys.argv[1:]); sys.exit(3)"
    return node.deploy(files={"bin/show.py": show})


def request(**changed: Any) -> str:
    asked = {"version": VERSION, "node": "web1", "location": "hello.test", "id": ID, "tty": False}
    return json.dumps({**asked, "script": "sh", "arguments": ["-c", "exit 7"], **changed})


def test_a_script_runs_as_the_app_and_its_arguments_stay_whole(node: Node, instance: str) -> None:
    done = scripts.run_captured(node.layout, instance, "bin/show.py 'two words' $HOME", 9)
    assert done == (3, "['two words', '$HOME']\n")
    call = node.calls()[-1]
    for option in (
        "--wait",
        "--collect",
        "User=silver-hello",
        "RuntimeMaxSec=9",
        f"Environment=PATH={node.layout.www}/{instance}/bin:",
        "--unit=silver-script-hello-",
    ):
        assert option in call


@pytest.mark.parametrize(
    ("outcome", "status", "reason"),
    [
        (Outcome("success", "exited", "0"), 0, ""),
        (Outcome("exit-code", "exited", "255"), 255, ""),
        (Outcome("success", "killed", "TERM"), 143, "ended by SIGTERM"),
        (Outcome("core-dump", "dumped", "SEGV"), 139, "ended by SIGSEGV"),
        (Outcome("timeout", "killed", "TERM"), 143, "ended by SIGTERM: it took too long"),
        (
            Outcome("oom-kill", "killed", "KILL"),
            137,
            "ended by SIGKILL: it took more memory than role variable app_memory_max allows",
        ),
        (Outcome("timeout", "exited", "0"), 1, "ended: it took too long"),
        (Outcome("timeout", "exited", "9"), 9, "ended: it took too long"),
        (
            Outcome("oom-kill", "exited", "0"),
            1,
            "ended: it took more memory than role variable app_memory_max allows",
        ),
        (Outcome("signal", "killed", "RTMIN+1"), 128 + signal.SIGRTMIN + 1, "ended by SIGRTMIN+1"),
        (Outcome("signal", "killed", "33"), 128 + 33, "ended by SIG33"),
    ],
)
def test_how_a_script_ended(outcome: Outcome, status: int, reason: str) -> None:
    assert (outcome.status, outcome.reason) == (status, reason)


def test_an_update_script_that_a_signal_ended_has_not_succeeded(node: Node, instance: str) -> None:
    done = scripts.run_captured(node.layout, instance, "sh -c 'echo out; kill -KILL $$'", 9)
    assert done[0] == 137
    assert done[1].endswith("\nended by SIGKILL")


def test_the_first_script_after_a_boot_is_run(node: Node, instance: str) -> None:
    shutil.rmtree(node.layout.locks)
    assert cli.main(["run", request()], node.layout) == 7
    assert node.layout.locks.stat().st_mode & 0o777 == 0o700


def test_a_script_that_took_too_long_is_not_one_that_cannot_be_executed(
    node: Node, instance: str, capsys: pytest.CaptureFixture[str]
) -> None:
    (node.fake / "end").write_text("timeout exited 0")
    assert cli.main(["run", request()], node.layout) == 1
    assert capsys.readouterr().err == "silver: sh was ended: it took too long\n"


def test_a_script_that_cannot_be_executed_is_none_that_ended(
    node: Node, instance: str, capsys: pytest.CaptureFixture[str]
) -> None:
    (node.fake / "end").write_text("exit-code exited 203")
    assert cli.main(["run", request()], node.layout) == 126
    assert "sh cannot be executed (systemd: 203)" in capsys.readouterr().err


def test_of_long_output_the_last_is_kept(node: Node, instance: str) -> None:
    done = scripts.run_captured(node.layout, instance, "sh -c 'seq 100000; echo end'", 9)
    assert len(done[1]) == scripts.OUTPUT_CHARACTERS
    assert done[1].endswith("\n100000\nend\n")


def test_the_exit_status_is_passed_on(node: Node, instance: str) -> None:
    assert cli.main(["run", request()], node.layout) == 7
    assert "silver-script-hello-" + ID in node.calls()[-1]


def test_a_script_has_a_terminal_if_it_was_asked_for(
    node: Node, instance: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    # What they do takes a terminal: test_terminal.
    monkeypatch.setattr(terminal, "be_interrupted", lambda: None)
    asked = []
    monkeypatch.setattr(terminal, "lend", lambda _, is_early: asked.append(is_early()))
    assert cli.main(["run", request(tty=True)], node.layout) == 7
    begun, shown = node.calls()[-2:]
    if not begun.startswith("systemd-run "):  # it is not waited for before the question
        begun, shown = shown, begun
    assert " --pty " in begun
    assert shown == f"systemctl show --property=Job --value silver-script-hello-{ID}.service"
    assert asked == [False]


def test_a_script_that_died_is_named(
    node: Node, instance: str, capsys: pytest.CaptureFixture[str]
) -> None:
    asked = request(arguments=["-c", "kill -KILL $$"])
    assert cli.main(["run", asked], node.layout) == 137
    assert capsys.readouterr().err == "silver: sh was ended by SIGKILL\n"


@pytest.mark.parametrize(
    ("changed", "status", "message"),
    [
        ({"location": "helo.test"}, 125, "nothing is served at helo.test on web1; there is hello"),
        ({"location": "prev.hello.test"}, 125, "nothing is served at prev.hello.test on web1"),
        ({"script": "nonsense"}, 127, "has no bin/nonsense, and the node no program nonsense"),
        ({"version": "0.0.9"}, 125, f"set up by Silver Lining {VERSION}, this is 0.0.9"),
        ({"id": "../x"}, 125, "not the id of a script"),
    ],
)
@pytest.mark.usefixtures("instance")
def test_what_is_no_failure_of_the_script(
    node: Node,
    capsys: pytest.CaptureFixture[str],
    changed: dict[str, Any],
    status: int,
    message: str,
) -> None:
    assert cli.main(["run", request(**changed)], node.layout) == status
    printed = capsys.readouterr()
    assert printed.out == ""
    assert message in printed.err
    assert printed.err.count("\n") == 1


def test_a_unit_that_cannot_be_started_is_no_script_that_ended(
    node: Node, instance: str, capsys: pytest.CaptureFixture[str]
) -> None:
    (node.fake / "silent").touch()
    assert cli.main(["run", request()], node.layout) == 125
    assert "systemd could not start sh" in capsys.readouterr().err


def test_the_instance_before_is_addressed_too(node: Node, instance: str) -> None:
    node.deploy()
    assert cli.main(["run", request(location="prev.hello.test")], node.layout) == 7
    assert f"/{instance}/bin:" in node.calls()[-1]


def test_an_interrupted_script_is_stopped_and_leaves_nothing(
    node: Node, instance: str, capsys: pytest.CaptureFixture[str]
) -> None:
    (node.layout.state / f"tmp/hello/run-{ID}").mkdir(parents=True)
    asked = request(arguments=["-c", f"kill -HUP {os.getpid()}; sleep 60"])
    assert cli.main(["run", asked], node.layout) == 128 + signal.SIGHUP
    assert node.calls()[-1] == f"systemctl stop silver-script-hello-{ID}.service"
    assert not list(node.layout.state.glob("tmp/hello/*"))
    assert "interrupted by SIGHUP" in capsys.readouterr().err


def test_an_interrupted_script_is_not_started_if_systemd_has_yet_to_read_of_it(
    node: Node, instance: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    noted = []
    monkeypatch.setattr(scripts.Script, "_stop", lambda script: noted.append(script._note.exists()))
    asked = request(arguments=["-c", f"kill -HUP {os.getpid()}; sleep 60"])
    cli.main(["run", asked], node.layout)
    assert f"--property=ConditionPathExists={node.layout.locks}/script-{ID}" in node.calls()[-1]
    assert noted == [False]


def test_a_signal_is_sent_to_every_process_of_a_script_that_runs(node: Node) -> None:
    unit = f"silver-script-*-{ID}.service"
    with pytest.raises(NodeError, match="does not run"):
        scripts.send_signal(ID, "SIGINT")
    (node.fake / "listed").write_text("silver-script-hello\n")
    scripts.send_signal(ID, "SIGINT")
    assert node.calls()[-1] == f"systemctl kill --signal=SIGINT {unit}"
    for wrong in ("INT", "9", "SIGNONE"):
        with pytest.raises(NodeError, match="not a signal"):
            scripts.send_signal(ID, wrong)


def test_output_is_not_mixed_up_with_the_answer(node: Node, instance: str) -> None:
    captured = scripts.Script(node.layout, instance, ["echo", "hi"])
    assert captured.run(output=subprocess.PIPE)[1] == "hi\n"


def test_scripts_and_instances_have_the_same_limits(node: Node, instance: str) -> None:
    scripts.run_captured(node.layout, instance, "true", 9)
    call = node.calls()[-1]
    for line in units.properties(node.layout, "hello", instance):
        assert f"--property={line}" in call


def test_the_notes_of_scripts_are_removed(node: Node, instance: str) -> None:
    scripts.run_captured(node.layout, instance, "true", 9)
    assert not list(Path(node.layout.locks).glob("script-*"))
