"""Clouds that run on this machine for the tests, and a laptop of their own."""

import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support import ec2, openstack


@pytest.fixture(scope="session")
def amazon() -> Iterator[ec2.Cloud]:
    with ec2.running() as cloud:
        yield cloud


@pytest.fixture
def cloud(amazon: ec2.Cloud, laptop: Path, monkeypatch: pytest.MonkeyPatch) -> ec2.Cloud:
    """An empty EC2, its credentials in the environment."""
    amazon.reset()
    for name, value in amazon.environ.items():
        monkeypatch.setenv(name, value)
    return amazon


@pytest.fixture(scope="session")
def rack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[openstack.Cloud]:
    with openstack.running(tmp_path_factory.mktemp("mimic") / "log") as cloud:
        yield cloud


@pytest.fixture
def stack(rack: openstack.Cloud, laptop: Path, monkeypatch: pytest.MonkeyPatch) -> openstack.Cloud:
    """An OpenStack, its credentials in the environment."""
    for name, value in rack.environ.items():
        monkeypatch.setenv(name, value)
    return rack


@pytest.fixture
def laptop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The directory of a user with a key pair ``id``, who has used Silver Lining never before."""
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    key = tmp_path / "id"
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", key], check=True)
    return tmp_path
