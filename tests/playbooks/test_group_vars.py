"""What `inventory/group_vars` works out for every node."""

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from silverlining import playbook

PUBLIC = "age1vcs5npllkn85s4k9hj7wvtwgtue3awsux2tvy2y7dpqgxxwcrsxqftghak"


def shown(name: str, home: Path, inventory: dict[str, Any] | None = None, host: str = "box") -> Any:
    """Return a variable of a node, for the operator whose files are in a directory."""
    (home / "hosts.yml").write_text(yaml.safe_dump(inventory or {"all": {"hosts": {"box": {}}}}))
    if not (home / "group_vars").exists():
        (home / "group_vars").symlink_to(playbook.ROOT / "inventory/group_vars")
    ansible = [playbook.program("ansible"), "-i", str(home / "hosts.yml"), host]
    done = subprocess.run(
        [*ansible, "-c", "local", "-m", "ansible.builtin.debug", "-a", f"var={name}"],
        env=playbook.environment() | playbook.JSON_OUTPUT | {"XDG_DATA_HOME": str(home)},
        capture_output=True,
        text=True,
        check=True,
    )
    [play] = json.loads(done.stdout)["plays"]
    return play["tasks"][0]["hosts"][host][name]


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


SET: dict[str, Any] = {
    "all": {"hosts": {"db1": {}, "lb1": {}, "web1": {}, "web2": {}, "other": {}}},
    "web": {"hosts": {"web1": {}, "web2": {}, "other": {}}},
    "db": {"hosts": {"db1": {}, "other": {}}},
    "balancer": {"hosts": {"lb1": {}, "other": {}}},
    "set_shop": {"hosts": {"db1": {}, "lb1": {}, "web1": {}, "web2": {}}},
    "set_other": {"hosts": {"other": {}}},
}
ALONE: dict[str, Any] = {"all": {"hosts": {"box": {}}}}


@pytest.mark.parametrize(
    ("inventory", "host", "expected"),
    [
        (SET, "web2", (["web1", "web2"], ["db1"], ["lb1"], True, False, False)),
        (SET, "db1", (["web1", "web2"], ["db1"], ["lb1"], False, True, False)),
        (SET, "lb1", (["web1", "web2"], ["db1"], ["lb1"], False, False, True)),
        (SET, "other", (["other"], ["other"], [], True, True, False)),
        (ALONE, "box", (["box"], ["box"], [], True, True, False)),
    ],
    ids=["a web node", "a database node", "a balancer", "a node that is all", "in no group"],
)
def test_what_a_node_does_in_its_set(
    tmp_path: Path, inventory: dict[str, Any], host: str, expected: tuple[Any, ...]
) -> None:
    names = ("web_nodes", "db_nodes", "balancer_nodes", "is_web", "is_db", "is_balancer")
    found = tuple(shown(f"silver_{name}", tmp_path, inventory, host) for name in names)
    assert found == expected


@pytest.mark.parametrize(
    ("variables", "expected"),
    [
        ({"libcloud_private_ips": ["10.0.0.5"], "ansible_host": "203.0.113.5"}, "10.0.0.5"),
        ({"libcloud_private_ips": [], "ansible_host": "203.0.113.5"}, "203.0.113.5"),
        ({"ansible_host": "203.0.113.5"}, "203.0.113.5"),
        ({}, "box"),
    ],
)
def test_nodes_of_a_set_use_their_private_network_if_they_have_one(
    tmp_path: Path, variables: dict[str, Any], expected: str
) -> None:
    inventory = {"all": {"hosts": {"box": variables}}}
    assert shown("silver_internal_address", tmp_path, inventory) == expected
