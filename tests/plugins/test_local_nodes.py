"""The playbooks, modules and inventory together, against the real engine."""

import json
import os
import secrets
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from silverlining.nodes import engine

pytestmark = pytest.mark.engine

ROOT = Path(__file__).parents[2]


@pytest.fixture
def environment(tmp_path: Path) -> dict[str, str]:
    try:
        engine.connect()
    except engine.EngineError as error:
        pytest.skip(str(error))
    path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
    return {
        **os.environ,
        "PATH": path,
        "ANSIBLE_CONFIG": str(ROOT / "ansible.cfg"),
        "XDG_DATA_HOME": str(tmp_path),
    }


@pytest.fixture
def name(environment: dict[str, str]) -> Iterator[str]:
    name = f"test-{secrets.token_hex(3)}"
    yield name
    play(environment, "destroy-node", f"node={name}")


def run(environment: dict[str, str], *command: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        command,
        cwd=ROOT,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )


def play(
    environment: dict[str, str], playbook: str, *variables: str
) -> "subprocess.CompletedProcess[str]":
    extra = [word for variable in variables for word in ("-e", variable)]
    return run(environment, "ansible-playbook", f"playbooks/{playbook}.yml", *extra)


def test_a_node_is_made_reached_kept_and_destroyed(
    environment: dict[str, str], name: str, tmp_path: Path
) -> None:
    created = play(environment, "create-node", f"node={name}", "size='ram 512'", "group=web,set_x")
    assert created.returncode == 0, created.stdout
    ping = run(environment, "ansible", name, "-m", "ansible.builtin.ping")
    assert ping.returncode == 0, ping.stdout

    hostvars = json.loads(run(environment, "ansible-inventory", "--host", name).stdout)
    assert (hostvars["libcloud_size"], hostvars["ansible_user"]) == ("tiny", "admin")
    groups = json.loads(run(environment, "ansible-inventory", "--list").stdout)
    assert {group for group in groups if name in groups[group].get("hosts", [])} == {"web", "set_x"}

    again = play(environment, "create-node", f"node={name}")
    assert (again.returncode, f"Node {name} exists already" in again.stdout) == (2, True)
    kept = play(environment, "create-node", f"node={name}", "if_not_exists=true")
    assert "changed=0" in kept.stdout, kept.stdout

    destroyed = play(environment, "destroy-node", f"node={name}")
    assert "changed=1" in destroyed.stdout, destroyed.stdout
    assert (tmp_path / "silverlining" / "known_hosts").read_text() == ""
    assert "changed=0" in play(environment, "destroy-node", f"node={name}").stdout


def test_a_stopped_node_is_started_again(environment: dict[str, str], name: str) -> None:
    assert play(environment, "create-node", f"node={name}").returncode == 0
    engine.connect().containers.get(name).stop()
    kept = play(environment, "create-node", f"node={name}", "if_not_exists=true")
    assert "changed=1" in kept.stdout, kept.stdout
    assert run(environment, "ansible", name, "-m", "ansible.builtin.ping").returncode == 0


@pytest.mark.parametrize("playbook", ["create-node", "destroy-node"])
@pytest.mark.parametrize("variable", ["node=", "node='a;reboot'"])
def test_a_missing_or_bad_name_shows_a_full_command(
    environment: dict[str, str], playbook: str, variable: str
) -> None:
    done = play(environment, playbook, variable)
    assert done.returncode == 2
    assert f"playbooks/{playbook}.yml -e node=box" in " ".join(done.stdout.split())


def test_an_unknown_image_lists_those_there_are(environment: dict[str, str]) -> None:
    done = play(environment, "create-node", "node=test-none", "image='name beos*'")
    assert done.returncode == 2
    assert "No image matches 'name beos*'; there are: " in done.stdout


def test_the_inventory_works_without_an_engine(environment: dict[str, str]) -> None:
    absent = {**environment, "DOCKER_HOST": "unix:///nonexistent/docker.sock"}
    done = run(absent, "ansible-inventory", "--graph", "-v")
    assert done.returncode == 0, done.stdout
    assert "no local nodes: No Docker engine answers" in " ".join(done.stdout.split())


@pytest.mark.parametrize(
    ("kind", "name"),
    [("inventory", "libcloud"), ("module", "libcloud_node"), ("module", "local_engine")],
)
def test_the_plugins_are_documented(environment: dict[str, str], kind: str, name: str) -> None:
    done = run(environment, "ansible-doc", "-t", kind, name)
    assert done.returncode == 0, done.stdout
    assert "EXAMPLES" in done.stdout
