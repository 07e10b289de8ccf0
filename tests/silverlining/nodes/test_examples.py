"""The example sources: each is right, and none is read before somebody copies it."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from libcloud.common.google import GoogleOAuth2Credential
from libcloud.compute.drivers.gce import GCENodeDriver

from silverlining.nodes import patterns, providers, sources
from silverlining.playbook import ROOT

EXAMPLES = sorted((ROOT / "inventory" / "examples").glob("*.libcloud.yml"))
PROVIDERS = {"digitalocean", "ec2", "gce", "linode", "openstack", "vultr"}


@pytest.fixture
def credentials(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Credentials of the right form for all, and a Google that need not be asked for more."""
    for example in EXAMPLES:
        for name in re.findall(r"_env: (\w+)", example.read_text()):
            monkeypatch.setenv(name, "x" * 20)
    key = rsa.generate_private_key(65537, 2048).private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    file = tmp_path / "key.json"
    file.write_text(json.dumps({"private_key": key.decode(), "client_email": "a@b"}))
    monkeypatch.setenv("GCE_SERVICE_ACCOUNT", "robot@project.iam.gserviceaccount.com")
    monkeypatch.setenv("GCE_KEY_FILE", str(file))
    monkeypatch.setattr(GoogleOAuth2Credential, "__init__", lambda *_, **__: None)
    for name in ("ex_list_zones", "ex_list_regions"):
        monkeypatch.setattr(GCENodeDriver, name, lambda self: [])
    monkeypatch.setattr(GCENodeDriver, "ex_get_zone", lambda self, name: name)


def test_there_is_one_for_each_provider_of_the_manual() -> None:
    assert {sources.load(path).provider for path in EXAMPLES} == PROVIDERS


@pytest.mark.usefixtures("credentials")
@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.name)
def test_an_example_makes_a_driver_that_takes_all_that_a_node_needs(path: Path) -> None:
    source = sources.load(path)
    driver = source.driver()
    ways = providers.of(source.provider, driver)
    assert all((ways.labels[0], ways.key[0], ways.user_data))
    taken = providers.parameters(driver)
    assert set(source.create_options) <= set(taken)
    for pattern in (source.image, source.size):
        assert pattern and patterns.Pattern.parse(pattern)


@pytest.mark.usefixtures("credentials")
def test_googles_region_is_a_zone_and_its_names_are_its_own() -> None:
    driver: Any = sources.load(ROOT / "inventory/examples/google.libcloud.yml").driver()
    assert (driver.zone, driver.project) == ("europe-west3-a", "my-project-1234")


def test_a_provider_without_credentials_says_where_they_go() -> None:
    with pytest.raises(sources.SourceError, match=r"provider ec2 wants .*'key'.* key or key_env"):
        sources.Source(origin="x", provider="ec2").driver()


def test_the_examples_are_no_part_of_the_inventory() -> None:
    done = subprocess.run(
        [Path(sys.executable).parent / "ansible-inventory", "-i", "inventory", "--list"],
        cwd=ROOT,
        env=os.environ | {"DOCKER_HOST": "unix:///nonexistent"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["_meta"]["hostvars"] == {}
