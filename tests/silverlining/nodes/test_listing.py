from pathlib import Path

import pytest

from silverlining import playbook
from silverlining.nodes import listing
from silverlining.nodes.sources import Source, SourceError
from tests.silverlining.cloud import FakeDriver


@pytest.fixture
def source(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Make a repository with one source, whose provider is not real."""
    monkeypatch.setattr(playbook, "ROOT", tmp_path)
    monkeypatch.setattr(Source, "driver", lambda self: FakeDriver())
    path = tmp_path / "inventory/my.libcloud.yml"
    path.parent.mkdir()
    path.write_text("plugin: libcloud\nprovider: ec2\nkey: k\nsecret: hush\n")
    (path.parent / "servers.yml").write_text("all:\n")
    return path


@pytest.mark.parametrize("explicit", [True, False])
def test_images_and_sizes_are_those_of_the_sources(source: Path, explicit: bool) -> None:
    paths = [source] if explicit else []
    images, sizes = listing.images(paths), listing.sizes(paths)
    driver = FakeDriver()
    assert [row["id"] for row in images] == [image.id for image in driver.list_images()]
    assert [row["ram"] for row in sizes] == [size.ram for size in driver.list_sizes()]
    assert {row["provider"] for row in [*images, *sizes]} == {"ec2"}


def test_a_provider_that_cannot_be_asked_is_named_without_the_credentials(
    source: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(self: FakeDriver) -> None:
        raise KeyError("Signature=hush")

    monkeypatch.setattr(FakeDriver, "list_images", fail)
    with pytest.raises(SourceError, match=r"my\.libcloud\.yml: provider ec2") as caught:
        listing.images([])
    assert "hush" not in str(caught.value)


def test_nodes_of_clouds_and_machines_of_ones_own_are_listed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    hosts = {
        "a": {
            "ansible_host": "203.0.113.1",
            "libcloud_provider": "ec2",
            "libcloud_state": "running",
        },
        "b": {"ansible_host": "203.0.113.2"},
    }
    groups = {"a": ["web", "set_shop"], "b": ["ungrouped"]}
    monkeypatch.setattr(playbook, "inventory_and_groups", lambda paths: (hosts, groups))
    columns = ("name", "groups", "state", "provider")
    assert [tuple(row[column] for column in columns) for row in listing.nodes([])] == [
        ("a", ["web", "set_shop"], "running", "ec2"),
        ("b", [], None, "servers.yml"),
    ]
