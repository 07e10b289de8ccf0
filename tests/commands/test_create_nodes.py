"""`silver create-nodes`, typed: a set of bare nodes on the local engine."""

import json
import os
import re
import secrets
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from silverlining import playbook
from silverlining.nodes import engine
from silverlining.playbook import ROOT
from tests.support.commands import must, silver

SIZE = "ram 512"


class Shop:
    """A set of its own, and the file that declares it."""

    def __init__(self, directory: Path) -> None:
        self.name = f"t{secrets.token_hex(3)}"
        self.file = directory / "shop.yml"

    def declare(self, **counts: int) -> Path:
        """Write the file, with so many nodes of each kind."""
        kinds = {kind: {"count": count} for kind, count in counts.items()}
        self.file.write_text(
            json.dumps({"create_nodes": {"set": self.name, "size": SIZE, **kinds}})
        )
        return self.file

    def nodes(self) -> dict[str, tuple[str, list[str]]]:
        """Return state and groups of each node of the set, without its name."""
        rows = json.loads(must("list-nodes", "--json").out)
        return {
            row["name"].removeprefix(f"{self.name}-"): (
                row["state"],
                [group for group in row["groups"] if group != f"set_{self.name}"],
            )
            for row in rows
            if f"set_{self.name}" in row["groups"]
        }


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shop]:
    """Four nodes: two web servers, a database and a balancer."""
    shop = Shop(tmp_path_factory.mktemp("shop"))
    must("create-nodes", shop.declare(web=2, db=1, balancer=1))
    yield shop
    left = [f"{shop.name}-{name}" for name in shop.nodes()]
    must("destroy-node", *left, "--yes")


def test_every_node_runs_in_its_groups(shop: Shop) -> None:
    assert shop.nodes() == {
        "web1": ("running", ["web"]),
        "web2": ("running", ["web"]),
        "db1": ("running", ["db"]),
        "balancer1": ("running", ["balancer"]),
    }


def test_again_nothing_is_changed_and_the_set_is_shown(shop: Shop) -> None:
    again = must("create-nodes", shop.declare(web=2, db=1, balancer=1))
    assert "nothing was changed" in again.out
    for name in ("web1", "web2", "db1", "balancer1"):
        assert re.search(rf"^{shop.name}-{name} +running +[\d.]+ ", again.out, re.M), str(again)


def test_a_dry_run_names_what_is_missing_and_makes_nothing(shop: Shop) -> None:
    before = shop.nodes()
    told = must("create-nodes", shop.declare(web=3, db=1, balancer=1), "--dry-run")
    assert f"1 of 5 nodes are missing in the set {shop.name}: {shop.name}-web3" in told.out
    assert shop.nodes() == before


def test_a_lower_count_only_names_what_is_too_many(shop: Shop) -> None:
    told = must("create-nodes", shop.declare(web=1, db=1))
    assert f"In the set, but not declared: {shop.name}-balancer1, {shop.name}-web2" in told.out
    assert f"./silver destroy-node {shop.name}-balancer1 {shop.name}-web2" in told.out
    assert len(shop.nodes()) == 4


def test_what_was_removed_or_stopped_in_between_comes_back_and_a_count_can_be_raised(
    shop: Shop,
) -> None:
    containers = engine.connect().containers
    containers.get(f"{shop.name}-web1").remove(force=True)
    containers.get(f"{shop.name}-db1").stop()
    kept = containers.get(f"{shop.name}-web2").id
    done = must("create-nodes", shop.declare(web=3, db=1, balancer=1))
    assert f"3 of 5 nodes are missing in the set {shop.name}" in done.out
    assert {name: state for name, (state, _) in shop.nodes().items()} == dict.fromkeys(
        ("web1", "web2", "web3", "db1", "balancer1"), "running"
    )
    assert containers.get(f"{shop.name}-web2").id == kept


def test_a_node_of_other_groups_is_refused_before_anything_is_made(shop: Shop) -> None:
    before = shop.nodes()
    must("create-node", f"{shop.name}-web9", "--group", f"web,set_{shop.name}x", "--no-wait")
    try:
        refused = silver("create-nodes", shop.declare(web=9))
        assert refused.status != 0
        assert f"there is a node {shop.name}-web9 already" in refused.out, str(refused)
        assert shop.nodes() == before
    finally:
        must("destroy-node", f"{shop.name}-web9", "--yes")


def test_plain_ansible_does_the_same_and_says_as_much(shop: Shop) -> None:
    command = [playbook.program("ansible-playbook"), "playbooks/create-nodes.yml", "-e"]
    done = subprocess.run(
        [*command, f"@{shop.declare(web=2)}"],
        cwd=ROOT,
        env=os.environ,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "In the set, but not declared: " in done.stdout
    assert "changed=0" in done.stdout


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{}", "say which nodes there are to be, with a variable such as create_nodes"),
        ("create_nodes: {set: shop, wbe: {count: 1}}", "unknown key 'wbe'"),
        ("create_nodes: {set: shop, db: {count: 2}}", "2 nodes in db"),
    ],
)
def test_a_wrong_file_is_refused_by_name(tmp_path: Path, text: str, message: str) -> None:
    path = tmp_path / "wrong.yml"
    path.write_text(text)
    refused = silver("create-nodes", path)
    assert refused.status == 1
    assert f"silver: {path}: " in refused.err
    assert message in refused.err


def test_a_wrong_variable_is_refused_by_ansible_alone_too() -> None:
    command = [playbook.program("ansible-playbook"), "playbooks/create-nodes.yml"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert "say which nodes there are to be" in " ".join(done.stdout.split())
