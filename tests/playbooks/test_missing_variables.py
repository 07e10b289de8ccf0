"""A playbook that lacks a variable says which, and prints a command that works."""

from pathlib import Path

import pytest

from tests.support import runs

INVENTORY = "all: {hosts: {box: {ansible_host: 192.0.2.1}}}\n"


@pytest.mark.parametrize(
    ("name", "extra", "said"),
    [
        ("activate", {}, "say location and instance, such as: "),
        ("activate", {"location": "polls.test"}, "say instance, such as: "),
        ("deactivate", {}, "say location, such as: "),
    ],
)
def test_what_is_missing_is_named_before_any_node_is_asked(
    tmp_path: Path, name: str, extra: dict[str, str], said: str
) -> None:
    inventory = tmp_path / "inventory.yml"
    inventory.write_text(INVENTORY)
    run = runs.run(f"playbooks/{name}.yml", extra, inventory=inventory)
    assert run.status != 0
    example = f"ansible-playbook playbooks/{name}.yml -e location=polls.test"
    assert said + example in run.output
    assert "box" not in run.output
