"""Fixtures for the tests of all scenarios. Molecule says where things are in its environment."""

import os
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
import testinfra
import yaml
from testinfra.host import Host

ROOT = Path(__file__).parents[1]
PLATFORMS = [
    platform["name"]
    for platform in yaml.safe_load(Path(os.environ["MOLECULE_FILE"]).read_text())["platforms"]
    if "molecule" in platform["groups"]
]

Connect = Callable[[str], Host]
Provision = Callable[..., subprocess.CompletedProcess[str]]


def connect_to(name: str) -> Host:
    """Return the node of that name, where every command runs as root."""
    ssh_config = Path(os.environ["MOLECULE_EPHEMERAL_DIRECTORY"]) / "ssh_config"
    return testinfra.get_host(f"ssh://{name}?sudo=true", ssh_config=str(ssh_config))


@pytest.fixture(scope="session", params=PLATFORMS)
def node(request: pytest.FixtureRequest) -> Host:
    """Each provisioned node of the scenario in turn."""
    return connect_to(request.param)


@pytest.fixture(scope="session")
def connect() -> Connect:
    """The way to a node by its name."""
    return connect_to


@pytest.fixture(scope="session")
def provision() -> Provision:
    """Provisions a node of the scenario once more, with further arguments for ansible-playbook."""

    def run(name: str, *arguments: str) -> subprocess.CompletedProcess[str]:
        command = ["ansible-playbook", str(ROOT / "provision.yml"), "-e", f"node={name}"]
        command += ["-i", str(ROOT / "inventory/local.libcloud.yml"), *arguments]
        environment = os.environ | {"ANSIBLE_CONFIG": str(ROOT / "ansible.cfg")}
        return subprocess.run(command, env=environment, capture_output=True, text=True, check=False)

    return run
