"""A node for development is touched by nothing that does not name it."""

from pathlib import Path

import pytest

from tests.support import runs


@pytest.fixture
def inventory(tmp_path: Path) -> Path:
    """One node to deploy to, and one for development."""
    file = tmp_path / "hosts.yml"
    file.write_text("all: {hosts: {box: {}, pg: {}}, children: {devel: {hosts: {pg: {}}}}}\n")
    return file


def hosts(run: runs.Run) -> list[str]:
    """Return the hosts of the last play that `--list-hosts` shows."""
    last = run.output.rpartition("hosts (")[2]
    return [line.strip() for line in last.splitlines()[1:] if line.strip()]


@pytest.mark.parametrize(
    ("extra", "expected"), [({}, ["box"]), ({"node": "pg"}, ["pg"]), ({"node": "box"}, ["box"])]
)
def test_provisioning_takes_only_what_is_named_or_deployed_to(
    inventory: Path, extra: dict[str, str], expected: list[str]
) -> None:
    run = runs.run("provision.yml", extra, "--list-hosts", inventory=inventory)
    assert hosts(run) == expected, run


def test_without_another_node_there_is_none_to_provision(tmp_path: Path) -> None:
    file = tmp_path / "hosts.yml"
    file.write_text("all: {children: {devel: {hosts: {pg: {}}}}}\n")
    run = runs.run("provision.yml", {}, inventory=file)
    assert run.status != 0
    assert "There is no node yet. Create one with:" in run.words, run


def test_postgis_for_development_goes_to_no_node_that_is_deployed_to(inventory: Path) -> None:
    run = runs.run("playbooks/devel-postgis.yml", {"node": "box"}, inventory=inventory)
    assert run.status != 0
    assert "One of the group devel" in run.words, run
    assert "There are: pg." in run.words, run
