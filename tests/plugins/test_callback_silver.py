"""The condensed output, as ansible-playbook prints it with the plugin."""

import os
import subprocess
from pathlib import Path

import pexpect
import pytest

from silverlining.playbook import ROOT, environment, program

HEAD = """\
- hosts: all
  connection: local
  gather_facts: false
  vars: {ansible_python_interpreter: "{{ ansible_playbook_python }}"}
  tasks:
"""

CASES = {
    "a task that changed nothing is not shown": (
        "- {name: Look, ansible.builtin.assert: {that: true}}",
        0,
        ["Done in"],
        ["Look"],
    ),
    "one that changed something is, with its node": (
        "- {name: Change, ansible.builtin.command: 'true'}",
        0,
        ["Change ", " web1 ", " web2 ", "changed", "1 step changed something"],
        [],
    ),
    "one that is slow is, though it changed nothing": (
        "- {name: Wait, ansible.builtin.command: sleep 2.1, changed_when: false}",
        0,
        ["Wait ", " ok ", "nothing was changed"],
        [],
    ),
    "one that is skipped is not": (
        "- {name: Skip, ansible.builtin.command: 'true', when: false}",
        0,
        ["nothing was changed"],
        ["Skip"],
    ),
    "a message is shown": (
        "- {ansible.builtin.debug: {msg: [It is served., It is new.]}}",
        0,
        ["It is served.\nIt is new.\n"],
        ["debug", "msg:"],
    ),
    "a failure is shown in full, as text": (
        "- {name: Fail, ansible.builtin.fail: {msg: \"line 1\\nline 2: 'x'\"}}",
        2,
        ["Fail ", "FAILED", "\nline 1\nline 2: 'x'\n", "Failed on web1, web2 after"],
        ["fatal:", "msg:"],
    ),
    "what a program that failed printed is shown": (
        "- {ansible.builtin.command: 'sh -c \"echo out; echo err >&2; exit 3\"'}",
        2,
        ["FAILED", "\nnon-zero return code\nout\nerr\n"],
        [],
    ),
    "in a loop the item that failed is named": (
        "- {ansible.builtin.fail: {msg: 'no {{ item }}'}, loop: [a, b], when: item == 'b'}",
        2,
        ["\nb:\nno b\n"],
        ["a:"],
    ),
    "a failure that does not matter is not shown": (
        "- {ansible.builtin.command: 'false', ignore_errors: true}",
        0,
        ["Done in"],
        ["FAILED"],
    ),
    "a secret stays one": (
        "- {ansible.builtin.fail: {msg: hunter2}, no_log: true}",
        2,
        ["FAILED"],
        ["hunter2"],
    ),
    "a new attempt is told": (
        "- {name: Try, ansible.builtin.command: 'false', register: _t, until: _t is success,"
        " retries: 1, delay: 0}",
        2,
        ["Try: trying again (1 of "],
        [],
    ),
}


def variables() -> dict[str, str]:
    return environment() | {"ANSIBLE_STDOUT_CALLBACK": "silver", "ANSIBLE_FORCE_COLOR": "0"}


def command(play: Path) -> list[str]:
    return [program("ansible-playbook"), str(play), "-i", "web1,web2,", "--diff"]


def play_of(directory: Path, tasks: str) -> Path:
    play = directory / "play.yml"
    play.write_text(HEAD + "".join(f"    {line}\n" for line in tasks.splitlines()))
    return play


@pytest.mark.parametrize("case", CASES, ids=str)
def test_condensed_output(case: str, tmp_path: Path) -> None:
    tasks, status, shown, hidden = CASES[case]
    done = subprocess.run(
        command(play_of(tmp_path, tasks)),
        cwd=ROOT,
        env=variables(),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == status, done.stdout + done.stderr
    assert [text for text in shown if text not in done.stdout] == [], done.stdout
    assert [text for text in hidden if text in done.stdout] == [], done.stdout


def test_differences_are_shown_when_asked_for(tmp_path: Path) -> None:
    copy = f"- {{ansible.builtin.copy: {{content: new, dest: {tmp_path}/x}}}}"
    play = play_of(tmp_path, copy)
    (tmp_path / "x").write_text("old")
    done = subprocess.run(
        command(play), cwd=ROOT, env=variables(), capture_output=True, text=True, check=False
    )
    assert "\n-old\n" in done.stdout
    assert "\n+new\n" in done.stdout


def test_an_unreachable_node_is_one_failure_with_its_reason(tmp_path: Path) -> None:
    play = tmp_path / "play.yml"
    play.write_text("- {hosts: all, gather_facts: false, tasks: [{ansible.builtin.ping: }]}\n")
    done = subprocess.run(
        [program("ansible-playbook"), str(play), "-i", "127.0.0.1,", "-e", "ansible_port=1"],
        cwd=ROOT,
        env=variables(),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 4
    assert "UNREACHABLE" in done.stdout
    assert "Connection refused" in done.stdout


def test_a_terminal_shows_the_task_that_runs(tmp_path: Path) -> None:
    tasks = "- {name: Wait long, ansible.builtin.command: sleep 0.5, changed_when: false}"
    program, *arguments = command(play_of(tmp_path, tasks))
    terminal = pexpect.spawn(
        program, arguments, cwd=str(ROOT), env=os.environ | variables(), encoding="utf-8"
    )
    terminal.expect_exact("Wait long … ", timeout=20)
    terminal.expect_exact("Done in", timeout=20)
