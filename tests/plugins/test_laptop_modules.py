"""The modules `etc_hosts` and `server`, run by Ansible as in a playbook."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from silverlining import playbook
from tests.silverlining.nodes.test_servers import FINGERPRINT, KEY

LINE = "172.17.0.2\ta.test\t# silver demo\n"


@pytest.fixture(autouse=True)
def state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))


def ansible(module: str, *options: str, **arguments: Any) -> dict[str, Any]:
    """Run a module and return its result."""
    local = ["-c", "local", "-e", f"ansible_python_interpreter={sys.executable}"]
    command = ["localhost", *local, "-m", module, "-a", json.dumps(arguments), *options]
    done = subprocess.run(
        [playbook.program("ansible"), "-i", "localhost,", *command],
        env=playbook.environment() | playbook.JSON_OUTPUT,
        capture_output=True,
        text=True,
        check=False,
    )
    plays = json.loads(done.stdout)["plays"]
    result: dict[str, Any] = plays[0]["tasks"][0]["hosts"]["localhost"]
    return result


def hosts(path: Path, *options: str, **arguments: Any) -> dict[str, Any]:
    return ansible("etc_hosts", *options, path=str(path), node="demo", **arguments)


def test_names_come_and_go(tmp_path: Path) -> None:
    path = tmp_path / "hosts"
    path.write_bytes(b"10.0.0.1 caf\xe9\n")
    present = {"names": ["a.test"], "address": "172.17.0.2"}
    assert hosts(path, **present)["changed"] is True
    assert path.read_bytes() == b"10.0.0.1 caf\xe9\n" + LINE.encode()
    assert hosts(path, **present)["changed"] is False
    assert hosts(path, state="absent")["changed"] is True
    assert path.read_bytes() == b"10.0.0.1 caf\xe9\n"


def test_check_mode_shows_the_difference_and_writes_nothing(tmp_path: Path) -> None:
    path = tmp_path / "hosts"
    path.write_text("10.0.0.1 a.test\n")
    result = hosts(path, "--check", "--diff", names=["a.test"], address="172.17.0.2")
    assert result["diff"]["after"] == "10.0.0.1 a.test\n" + LINE
    assert "a line of your own for a.test" in result["warnings"][0]
    assert path.read_text() == "10.0.0.1 a.test\n"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"names": ["a b"], "address": "172.17.0.2"}, "'a b' is not a host name"),
        ({"names": ["a.test"]}, "state is present but all of the following are missing: address"),
    ],
)
def test_bad_arguments_are_refused(tmp_path: Path, arguments: dict[str, Any], message: str) -> None:
    path = tmp_path / "hosts"
    path.touch()
    result = hosts(path, **arguments)
    assert result["failed"] is True
    assert message in result["msg"]
    assert path.read_text() == ""


def test_a_missing_file_is_an_error(tmp_path: Path) -> None:
    assert "No such file" in hosts(tmp_path / "hosts", state="absent")["msg"]


@pytest.fixture
def keyscan(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let `ssh-keyscan` answer with KEY, whatever it is asked."""
    program = tmp_path / "bin" / "ssh-keyscan"
    program.parent.mkdir()
    program.write_text(f"#!/bin/sh\necho 'host {KEY}'\n")
    program.chmod(0o755)
    # playbook.environment puts this environment's programs first, which has none of this name.
    monkeypatch.setenv("PATH", f"{program.parent}:{os.environ['PATH']}")


@pytest.mark.usefixtures("keyscan")
def test_a_server_is_recorded_once(tmp_path: Path) -> None:
    path = tmp_path / "servers.yml"
    arguments = {"address": "203.0.113.5", "name": "box", "path": str(path)}
    checked = ansible("server", "--check", **arguments)
    assert checked["changed"] is True
    assert not path.exists()
    first, second = ansible("server", **arguments), ansible("server", **arguments)
    assert (first["changed"], second["changed"]) == (True, False)
    assert first["fingerprints"] == [FINGERPRINT]
    assert "ansible_host: 203.0.113.5" in path.read_text()
    known = tmp_path / "data/silverlining/known_hosts"
    assert known.read_text() == f"box {KEY}\n"


def test_a_machine_that_does_not_answer_is_not_recorded(tmp_path: Path) -> None:
    path = tmp_path / "servers.yml"
    result = ansible("server", address="127.0.0.99", port=9, path=str(path))
    assert "127.0.0.99 port 9 gave no SSH host key" in result["msg"]
    assert not path.exists()
