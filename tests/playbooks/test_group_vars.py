"""What `inventory/group_vars` works out for every node."""

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest

from silverlining import playbook

PUBLIC = "age1vcs5npllkn85s4k9hj7wvtwgtue3awsux2tvy2y7dpqgxxwcrsxqftghak"


def shown(name: str, home: Path) -> Any:
    """Return a variable of a node, for the operator whose files are in a directory."""
    (home / "hosts.yml").write_text("all: {hosts: {box: {ansible_connection: local}}}\n")
    (home / "group_vars").symlink_to(playbook.ROOT / "inventory/group_vars")
    ansible = [playbook.program("ansible"), "-i", str(home / "hosts.yml"), "box"]
    done = subprocess.run(
        [*ansible, "-m", "ansible.builtin.debug", "-a", f"var={name}"],
        env=playbook.environment() | playbook.JSON_OUTPUT | {"XDG_DATA_HOME": str(home)},
        capture_output=True,
        text=True,
        check=True,
    )
    [play] = json.loads(done.stdout)["plays"]
    return play["tasks"][0]["hosts"]["box"][name]


@pytest.mark.parametrize(
    ("key", "expected"),
    [
        # As age-keygen writes it.
        (f"# created: 2026-11-23T03:19:44Z\n# public key: {PUBLIC}\nAGE-SECRET-KEY-1X\n", [PUBLIC]),
        ("AGE-SECRET-KEY-1X\n", []),
        (None, []),
    ],
)
def test_whoever_provisions_can_read_the_backups(
    tmp_path: Path, key: str | None, expected: list[str]
) -> None:
    (tmp_path / "silverlining").mkdir()
    if key is not None:
        (tmp_path / "silverlining/backup-identity").write_text(key)
    assert shown("backup_recipients", tmp_path) == expected
