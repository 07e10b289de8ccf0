"""What 0.2.0 wrote on a node is read by this release; that it works is a scenario of Molecule."""

import tarfile
from pathlib import Path

import pytest

from silvernode import instances, settings
from silvernode.layout import Layout
from silvernode.routing import registry

FIXTURE = Path(__file__).parent / "0.2.0.tar.xz"
APPS = {"hello", "places", "questioner"}


@pytest.fixture(scope="module")
def layout(tmp_path_factory: pytest.TempPathFactory) -> Layout:
    """The records of the fixture, in the place of a node's."""
    root = tmp_path_factory.mktemp("node")
    with tarfile.open(FIXTURE) as fixture:
        wanted = ("etc/silverlining", "var/lib/silverlining/registry.json")
        fixture.extractall(
            root,
            [member for member in fixture if member.name.startswith(wanted)],
            filter="data",
        )
    return Layout(root)


def test_the_registry_is_read(layout: Layout) -> None:
    found = registry.load(layout)
    assert {route.app for route in found.locations.values()} == APPS
    hello = found.locations["hello.upgrade.test"]
    assert hello.previous == hello.instance.replace("_002", "_001")
    assert len(found.addresses) == 4


def test_the_registry_is_made_again_from_the_records(layout: Layout) -> None:
    found = registry.rebuild(instances.load_all(layout))
    assert found.locations == registry.load(layout).locations


def test_the_records_are_read(layout: Layout) -> None:
    records = instances.load_all(layout)
    assert {record.app for record in records} == APPS
    assert len(records) == 4


def test_settings_that_it_did_not_know_have_their_defaults(layout: Layout) -> None:
    assert settings.load(layout).keep_instances == 2


def test_the_fixture_is_small_and_says_nothing_of_the_machine_that_made_it(layout: Layout) -> None:
    assert {record.uploader for record in instances.load_all(layout)} == {"operator@laptop"}
    assert FIXTURE.stat().st_size < 500_000
