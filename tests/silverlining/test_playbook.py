import base64
import subprocess
import sys
import time
from pathlib import Path

import pytest

from silverlining import playbook
from silverlining.playbook import PlaybookError, Result
from silverlining.polling import wait_until

PLAY = """\
- hosts: localhost
  gather_facts: false
  tasks:
    - name: Check the word
      ansible.builtin.assert:
        that: word == "it's {\\"odd\\"}"
    - name: Change something
      ansible.builtin.command: "true"
    - name: Say where the settings are from
      ansible.builtin.debug:
        msg: "{{ lookup('ansible.builtin.env', 'ANSIBLE_CONFIG') }} {{ missing | default('none') }}"
"""
EXTRA = {"word": 'it\'s {"odd"}', "missing": None}


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Make a repository with one playbook and one host."""
    (tmp_path / "playbooks").mkdir()
    (tmp_path / "playbooks/play.yml").write_text(PLAY)
    settings = f"[defaults]\ninventory = hosts.yml\ninterpreter_python = {sys.executable}\n"
    settings += f"callback_plugins = {playbook.ROOT}/plugins/callback\n"
    (tmp_path / "ansible.cfg").write_text(settings)
    hosts = "all: {hosts: {here: {ansible_connection: local, colour: !unsafe 'red'}}}\n"
    (tmp_path / "hosts.yml").write_text(hosts)
    monkeypatch.setattr(playbook, "ROOT", tmp_path)
    return tmp_path


def test_a_playbook_is_given_its_variables_and_streams(
    root: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    assert playbook.run("play", EXTRA) == 0
    assert f"{root}/ansible.cfg none" in capfd.readouterr().out


def test_its_exit_status_is_passed_on(root: Path) -> None:
    assert playbook.run("play", {"word": "another"}) == 2
    assert playbook.run("missing", {}) != 0


def test_its_output_is_condensed_unless_more_is_asked_for(
    root: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    playbook.run("play", EXTRA)
    assert "TASK [" not in capfd.readouterr().out
    playbook.run("play", EXTRA, verbosity=1)
    assert "TASK [Change something]" in capfd.readouterr().out
    playbook.run("play", EXTRA, verbosity=2)
    assert "true" in capfd.readouterr().out.partition("Change something")[2]


def test_arguments_are_passed_on(root: Path) -> None:
    assert playbook.run("play", {"word": "unchecked"}, ["--list-tasks"]) == 0


def test_a_quiet_run_keeps_its_output_and_tells_its_tasks(
    root: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    tasks: list[str] = []
    result = playbook.run_quietly("play", EXTRA, tasks.append)
    assert (result.status, result.changed) == (0, 1)
    assert tasks == ["Check the word", "Change something", "Say where the settings are from"]
    assert capfd.readouterr().out == ""


def test_a_quiet_run_that_fails_has_the_reason(root: Path) -> None:
    result = playbook.run_quietly("play", {"word": "another"})
    assert result.status == 2
    assert "Assertion failed" in result.output


@pytest.mark.parametrize("run", ["run", "run_quietly"])
def test_what_ends_the_command_ends_its_playbook(root: Path, run: str) -> None:
    mark = root / "mark"
    sleep = f"touch {mark}.begun; sleep 3; touch {mark}.ended"
    play = "- hosts: localhost\n  gather_facts: false\n  tasks:\n    - shell: "
    (root / "playbooks/slow.yml").write_text(play + sleep)
    code = "from pathlib import Path; from silverlining import playbook\n"
    code += f"playbook.ROOT = Path({str(root)!r})\nplaybook.{run}('slow', {{}})"
    with subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.DEVNULL) as command:
        assert wait_until(Path(f"{mark}.begun").exists, 10)
        command.terminate()
        command.wait(2)
    time.sleep(3)
    assert not Path(f"{mark}.ended").exists()


def test_changes_of_all_hosts_and_plays_count() -> None:
    recap = "a : ok=3    changed=2    unreachable=0\nb-1 : ok=10   changed=11   failed=0\n"
    assert Result(0, f"changed=7 in the text\n{recap}").changed == 13


def test_the_inventory_is_read(root: Path) -> None:
    assert playbook.inventory()["here"]["colour"] == "red"


def test_another_inventory_may_be_asked(root: Path) -> None:
    (root / "other.yml").write_text("all: {hosts: {there: }}\n")
    assert list(playbook.inventory([root / "other.yml"])) == ["there"]


def test_an_inventory_that_cannot_be_read_is_an_error(root: Path) -> None:
    with (root / "ansible.cfg").open("a") as file:
        file.write("[inventory]\nany_unparsed_is_failed = True\n")
    (root / "hosts.yml").write_text("all: [")
    with pytest.raises(PlaybookError, match=r"ansible-inventory failed.*hosts\.yml"):
        playbook.inventory()


def test_a_file_is_read_from_a_node(root: Path, tmp_path: Path) -> None:
    content = base64.b64decode("/wAK")
    (tmp_path / "note").write_bytes(content)
    assert playbook.read_file("here", f"{tmp_path}/note") == content


@pytest.mark.parametrize("node", ["here", "nowhere"])
def test_a_file_that_is_missing_is_none(root: Path, node: str) -> None:
    assert playbook.read_file(node, "/does/not/exist") is None


ASK = """\
- hosts: localhost
  gather_facts: false
  tasks:
    - name: Check the word
      ansible.builtin.assert: {that: word == "right", fail_msg: "say right, not {{ word }}"}
- hosts: all
  gather_facts: false
  tasks:
    - {name: Wait, ansible.builtin.debug: {msg: not this}}
    - {name: Answer, ansible.builtin.debug: {msg: "it is {{ colour }}"}}
"""


def test_the_last_task_answers_for_each_host(root: Path) -> None:
    (root / "playbooks/ask.yml").write_text(ASK)
    found = playbook.answers("ask", {"word": "right", "missing": None})
    assert {host: answer["msg"] for host, answer in found.items()} == {"here": "it is red"}


SKIP = """\
    - {name: Skip, ansible.builtin.debug: {msg: not this}, when: false}
"""


def test_a_last_task_that_is_skipped_leaves_the_answer_to_the_one_before(root: Path) -> None:
    (root / "playbooks/ask.yml").write_text(ASK + SKIP)
    assert playbook.answers("ask", {"word": "right"})["here"]["msg"] == "it is red"


def test_a_host_for_which_all_is_skipped_is_told_of(root: Path) -> None:
    play, _ = ASK.split("    - {name: Wait")
    (root / "playbooks/ask.yml").write_text(play + SKIP)
    found = playbook.answers("ask", {"word": "right"})
    assert {host: answer["skipped"] for host, answer in found.items()} == {"here": True}


def test_a_playbook_that_ends_before_a_host_is_asked_is_an_error(root: Path) -> None:
    (root / "playbooks/ask.yml").write_text(ASK)
    with pytest.raises(PlaybookError, match=r"^say right, not wrong$"):
        playbook.answers("ask", {"word": "wrong"})
    (root / "hosts.yml").write_text("all: [")
    settings = (root / "ansible.cfg").read_text()
    (root / "ansible.cfg").write_text(f"{settings}\n[inventory]\nany_unparsed_is_failed = True\n")
    with pytest.raises(PlaybookError, match=r"^ask\.yml failed: .*hosts\.yml"):
        playbook.answers("ask", {"word": "right"})
