"""What goes away: instances beyond the kept ones, uploads of nobody, instances to rest."""

import shutil
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from silvernode import instances, locks
from silvernode.deploy import removal
from silvernode.errors import NodeError
from silvernode.routing import registry
from tests.silvernode.conftest import Node


def on_disk(node: Node) -> list[str]:
    return instances.on_disk(node.layout, "hello")


def test_the_active_the_previous_and_the_newest_few_are_kept(node: Node) -> None:
    deployed = [node.deploy() for _ in range(6)]
    assert on_disk(node) == deployed[:-4:-1], "active, previous, and keep_instances = 1"
    assert node.running() == set(deployed[-2:]), "nobody can reach the kept one"
    assert set(node.routes.addresses) == set(deployed[-3:])


def test_an_instance_of_another_location_is_kept_however_old(node: Node) -> None:
    other = node.deploy("other.test")
    deployed = [node.deploy() for _ in range(5)]
    assert set(on_disk(node)) == {other, *deployed[-3:]}
    assert other in node.running()


def test_other_apps_and_other_directories_are_left_alone(node: Node) -> None:
    places = node.deploy("places.test", name="places")
    (node.layout.www / "hello.backup").mkdir()
    for _ in range(5):
        node.deploy()
    assert places in node.running()
    assert (node.layout.www / "hello.backup").is_dir()


def test_an_instance_that_is_served_cannot_be_removed(node: Node) -> None:
    first, second = node.deploy(), node.deploy()
    for instance in (first, second):
        with pytest.raises(NodeError, match="is in use"):
            removal.remove(node.layout, instance)
    assert node.running() == {first, second}


def test_removing_twice_is_the_same_as_once(node: Node) -> None:
    for _ in range(3):
        node.deploy()
    oldest = on_disk(node)[-1]
    for _ in "12":
        removal.remove(node.layout, oldest)
    assert oldest not in on_disk(node)
    assert oldest not in node.routes.addresses


def test_a_half_removed_instance_is_not_one_to_go_back_to(
    node: Node, monkeypatch: pytest.MonkeyPatch
) -> None:
    deployed = [node.deploy() for _ in range(3)]

    def fail(*_: object) -> None:
        raise OSError("Device or resource busy")

    monkeypatch.setattr(shutil, "rmtree", fail)
    with pytest.raises(OSError, match="busy"):
        removal.remove(node.layout, deployed[0])
    monkeypatch.undo()
    assert instances.load(node.layout, deployed[0]) is None
    assert deployed[0] in on_disk(node), "the next deploy finds it, and removes it"


def test_an_instance_of_an_app_without_a_unit_can_be_removed(node: Node) -> None:
    """A first deploy that failed before it wrote the app's unit: systemctl does not know it."""
    (node.layout.www / "hello.20261122_001").mkdir()
    removal.remove(node.layout, "hello.20261122_001")
    assert on_disk(node) == []


def test_uploads_of_a_day_ago_go_and_younger_ones_stay(node: Node) -> None:
    now, hour = time.time_ns(), 3600 * 10**9
    names = {f"hello.{now - 25 * hour}": False, f"hello.{now - 23 * hour}": True}
    names |= {"hello.rubbish": True, f"places.{now - 25 * hour}": True, ".hello": True}
    for name in names:
        (node.layout.staging / name).mkdir()
    removal.drop_abandoned(node.layout, "hello")
    assert {path.name for path in node.layout.staging.iterdir()} == {
        name for name, stays in names.items() if stays
    }


def test_preparing_an_update_drops_what_was_abandoned(node: Node) -> None:
    (node.layout.staging / "hello.1").mkdir()
    node.prepare()
    assert list(node.layout.staging.iterdir()) == []


def test_an_upload_to_another_location_survives_a_deploy(node: Node) -> None:
    upload = node.layout.staging / f"hello.{time.time_ns()}"
    upload.mkdir()
    node.deploy()
    assert upload.is_dir()


@pytest.mark.parametrize("name", ["", ".", "..", "../hello", "a/b", "/etc"])
def test_only_uploads_can_be_abandoned(node: Node, name: str) -> None:
    with pytest.raises(NodeError, match="not the name of an upload"):
        removal.abandon(node.layout, name)


def test_the_previous_instance_is_laid_to_rest(node: Node) -> None:
    first, second = node.deploy(), node.deploy()
    assert removal.rest(node.layout, first) is True
    assert removal.rest(node.layout, first) is False
    assert node.running() == {second}


def test_an_instance_that_is_active_again_is_not_laid_to_rest(node: Node) -> None:
    first, _ = node.deploy(), node.deploy()
    routes = node.routes.switched("hello.test", "hello", first, "later")
    registry.save(node.layout, routes)
    assert removal.rest(node.layout, first) is False
    assert first in node.running()


def test_an_instance_that_is_active_elsewhere_starts_at_boot(node: Node) -> None:
    first = node.deploy()
    routes = node.routes.switched("other.test", "hello", first, "")
    registry.save(node.layout, routes)
    second = node.deploy()
    assert node.enabled() == {first, second}


def test_an_interrupted_update_is_settled_once_its_switch_has_ended(node: Node) -> None:
    active = node.deploy()
    upload = node.upload()
    with locks.of_app(node.layout, "hello", "ann@laptop", "updating"):
        waiting = ThreadPoolExecutor(1).submit(removal.settle, node.layout, node.request(), upload)
        time.sleep(0.2)
        assert not waiting.done()
        assert (node.layout.staging / upload).exists()
    assert waiting.result(timeout=5) == active
    assert list(node.layout.staging.iterdir()) == []


def test_nobody_waits_for_another_update_for_ever(
    node: Node, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(removal, "SETTLE_SECONDS", 0.1)
    upload = node.upload()
    with locks.of_app(node.layout, "hello", "bob@desk", "updating"):
        assert removal.settle(node.layout, node.request(), upload) == ""
    assert list(node.layout.staging.iterdir()) == []


def test_an_upload_that_still_gets_a_file_is_removed_at_the_second_try(
    node: Node, monkeypatch: pytest.MonkeyPatch
) -> None:
    upload = node.upload()
    rmtree, failures = shutil.rmtree, [OSError("Directory not empty")]

    def fail_once(path: Path) -> None:
        if failures:
            raise failures.pop()
        rmtree(path)

    monkeypatch.setattr(shutil, "rmtree", fail_once)
    removal.abandon(node.layout, upload)
    assert list(node.layout.staging.iterdir()) == []
