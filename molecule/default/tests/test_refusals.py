"""What a node refuses, in one clear line, and without a trace."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from silversupport import VERSION
from tests.support import apps
from tests.support.node import Node, cloud_node, driver

VERSION_FILE = "/usr/local/share/silverlining/silversupport/__init__.py"


def refusal(node: Node, app: Path | str, location: str | None = None) -> str:
    """Return what is said to an update that is refused."""
    run = node.deploy(app, location)
    assert run.status != 0, str(run)
    assert "Traceback" not in run.output, str(run)
    return run.words


def test_a_location_of_another_application(samples: Node, tmp_path: Path) -> None:
    before = samples.registry()
    copy = apps.set_key(apps.copy(apps.PROBE, tmp_path / "app"), "app_name", "robber")
    said = refusal(samples, copy, "hello.test")
    assert "hello.test is served by the app hello" in said
    assert samples.registry() == before
    assert samples.traces("robber") == set()
    assert samples.page("hello.test").status_code == 200


@pytest.fixture
def older(samples: Node) -> Iterator[Node]:
    """A node that an older version has provisioned."""
    samples.sh(f"sed -i.now 's/^VERSION = .*/VERSION = \"0.0.9\"/' {VERSION_FILE}")
    yield samples
    samples.sh(f"mv {VERSION_FILE}.now {VERSION_FILE}")


def test_a_node_of_an_older_version(older: Node) -> None:
    said = refusal(older, "hello")
    assert f"{older.name} was set up by Silver Lining 0.0.9, this is {VERSION}" in said
    assert "setup-node" in said
    assert older.page("hello.test").status_code == 200


def test_a_node_that_was_never_set_up(bare: Node) -> None:
    said = refusal(bare, "hello")
    assert f"{bare.name} was never set up" in said
    assert "setup-node" in said
    assert bare.host.run("ls -d /var/www /etc/silverlining /var/lib/silverlining").stdout == ""


def test_a_node_that_cannot_be_reached(bare: Node) -> None:
    driver().stop_node(cloud_node(bare.name))
    run = bare.deploy("hello")
    driver().start_node(cloud_node(bare.name))
    assert run.status != 0, str(run)
    assert bare.name in run.output, str(run)
    assert "Traceback" not in run.output, str(run)
