"""Fixtures for the tests of all scenarios. Molecule says where things are in its environment."""

import os
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

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
Figure = Callable[[str], None]


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


@pytest.fixture
def figure(record_property: Callable[[str, object], None]) -> Figure:
    """Notes a figure that was measured; all of them are printed at the end."""
    return lambda text: record_property("figure", text)


def pytest_terminal_summary(terminalreporter: Any) -> None:
    """Print the figures, with the tests that measured them."""
    reports = [*terminalreporter.getreports("passed"), *terminalreporter.getreports("failed")]
    for report in reports:
        for name, text in report.user_properties:
            if name == "figure" and report.when == "call":
                terminalreporter.write_line(f"{report.nodeid.rpartition('/')[2]}: {text}")
