"""What is missing or wrong of a backup or restore is said in a line, and no node is contacted."""

from collections.abc import Mapping
from pathlib import Path

import pytest

from tests.support import runs

INVENTORY = """
all:
  hosts: {{web1: {{}}, web2: {{}}}}
  vars: {{ansible_host: 192.0.2.1, ansible_ssh_executable: {ssh}, ansible_user: admin}}
"""
BACKUP = "-e location=polls.test -e destination=/backups/"
RESTORE = "-e source=/backups/polls-20261123T031944Z.tar.age -e location=polls.test"

CASES: dict[str, tuple[str, Mapping[str, str], str]] = {
    "no location": ("backup", {"destination": "/b/"}, f"playbooks/backup.yml {BACKUP}"),
    "no destination": ("backup", {"location": "a.test"}, f"playbooks/backup.yml {BACKUP}"),
    "no source": ("restore", {"location": "a.test"}, f"playbooks/restore.yml {RESTORE}"),
    "nothing": ("clear", {}, "playbooks/clear.yml -e location=polls.test"),
    "no node": ("clear", {"location": "a.test", "node": "web3"}, "there are: web1, web2"),
    "several nodes": ("backup", {"location": "a.test", "destination": "/b/"}, "-e node=web1"),
    "no provider": (
        "backup",
        {"location": "a.test", "destination": "s4://box", "node": "web1"},
        "s4://: there is no such provider; there are: aliyun_oss,",
    ),
    "no credentials": (
        "backup",
        {"location": "a.test", "destination": "azure_blobs://box", "node": "web1"},
        "azure_blobs://: there are no credentials; set AZURE_STORAGE_ACCOUNT in the environment",
    ),
    "no archive": (
        "restore",
        {
            "location": "a.test",
            "source": "/nowhere/x.tar.age",
            "node": "web1",
            "identity": "/etc/hostname",
        },
        "a.test: /nowhere/x.tar.age: no such file or directory",
    ),
    "no key": (
        "restore",
        {"location": "a.test", "source": "/b/x.tar.age", "node": "web1", "identity": "/nowhere/k"},
        "a.test: /nowhere/k: there is no such file of a key",
    ),
    "a recipient that is none": (
        "backup",
        {"location": "a.test", "destination": "/tmp/", "node": "web1", "recipients": "[age1x]"},
        "a recipient of backups is a public key of age",
    ),
}


@pytest.mark.parametrize("case", CASES)
def test_bad_input_is_refused(tmp_path: Path, case: str, monkeypatch: pytest.MonkeyPatch) -> None:
    playbook, extra, said = CASES[case]
    monkeypatch.delenv("AZURE_STORAGE_ACCOUNT", raising=False)
    ssh, called = tmp_path / "ssh", tmp_path / "ssh-was-called"
    ssh.write_text(f'#!/bin/sh\ntouch "{called}"\nexit 255\n')
    ssh.chmod(0o755)
    (tmp_path / "hosts.yml").write_text(INVENTORY.format(ssh=ssh))
    run = runs.run(f"playbooks/{playbook}.yml", extra, inventory=tmp_path / "hosts.yml")
    assert run.status != 0, str(run)
    assert said in " ".join(run.output.split()), str(run)
    assert "Traceback" not in run.output, str(run)
    assert not called.exists(), str(run)
