"""docs/clouds.md: a reader with an account at each provider, which runs on this machine here.

The page is followed in a copy of the repository. In its examples, the addresses of the providers
are replaced by those of emulators and stand-ins, and so are the images and sizes of two of them:
moto has no newer Ubuntu than 16.04, and mimic neither flavours of OVHcloud nor networks nor keys.
"""

import os
import subprocess
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
import yaml

from docs.tests import repository
from docs.tests.reader import Reader
from silverlining.nodes import sources
from tests.support import ec2, openstack, recorded

PAGE = "docs/clouds.md"
TOKENS = {
    "digitalocean": "DIGITALOCEAN_TOKEN",
    "linode": "LINODE_TOKEN",
    "vultr": "VULTR_API_KEY",
}


# The only driver that takes no address as an option: it is given one when Python starts.
ELSEWHERE = """
from libcloud.common.digitalocean import DigitalOcean_v2_Connection as Connection
connect = Connection.connect
def elsewhere(self, *arguments, **options):
    self.host, self.port, self.secure = "127.0.0.1", {port}, 0
    return connect(self, *arguments, **options)
Connection.connect = elsewhere
"""


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    """A copy of the repository with an inventory of its own, and `ansible-doc` in its place."""
    return repository.copied_with_programs(tmp_path / "silverlining")


@pytest.fixture
def desk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A home with a key pair, and with nothing else in it."""
    home = tmp_path / "home"
    (home / ".ssh").mkdir(parents=True)
    key = home / ".ssh" / "id_ed25519"
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", key], check=True)
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.setenv("XDG_DATA_HOME", str(home / "data"))
    monkeypatch.setenv("DOCKER_HOST", "unix:///nonexistent")


@pytest.fixture
def clouds(
    copy: Path, desk: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[dict[str, Any]]:
    """The providers, running; the credentials of the reader's accounts in the environment."""
    with ExitStack() as stack:
        amazon = stack.enter_context(ec2.running())
        rack = stack.enter_context(openstack.running(tmp_path / "mimic.log"))
        for name, value in {**amazon.environ, **rack.environ}.items():
            monkeypatch.setenv(name, value)
        change(
            copy,
            "amazon",
            options=at(amazon.port),
            image="first name ubuntu/images/*xenial*",
        )
        settings = yaml.safe_load(rack.source(tmp_path / "rack.libcloud.yml").read_text())
        change(
            copy,
            "openstack",
            **{name: settings[name] for name in ("region", "options", "create_options")},
            image="first name *Ubuntu*",
            size="id performance1-2",
        )
        made = {}
        for provider, variable in TOKENS.items():
            made[provider] = stack.enter_context(recorded.running(provider))
            monkeypatch.setenv(variable, f"token-of-{provider}")
            if provider != "digitalocean":
                change(copy, provider, options=at(made[provider].port))
        port = made["digitalocean"].port
        (copy / "sitecustomize.py").write_text(ELSEWHERE.format(port=port))
        source = sources.load(copy / "inventory" / "examples" / "amazon.libcloud.yml")
        driver: Any = source.driver()
        driver.ex_create_security_group("web", "as the page says", vpc_id=None)
        yield made


def at(port: int) -> dict[str, Any]:
    return {"host": "127.0.0.1", "port": port, "secure": False}


def change(copy: Path, name: str, **settings: Any) -> None:
    """Change options of an example."""
    path = copy / "inventory" / "examples" / f"{name}.libcloud.yml"
    path.write_text(yaml.safe_dump(yaml.safe_load(path.read_text()) | settings))


def test_the_commands_of_the_page_work_at_every_provider(
    copy: Path, clouds: dict[str, Any]
) -> None:
    with Reader(copy) as reader:
        reader.follow(PAGE)
    for provider, cloud in clouds.items():
        assert (len(cloud.sent), cloud.nodes) == (1, []), provider
        assert "silverlining" not in str(cloud.sent[0].get("tags", ""))
    assert os.environ["AWS_SECRET_ACCESS_KEY"] not in reader.output
