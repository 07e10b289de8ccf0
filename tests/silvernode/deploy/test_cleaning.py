"""Cleaning a node: what goes, what stays, and how much room it gives back."""

import os
import shutil
import time
from typing import Any

from silvernode import disk_report, instances, locks
from silvernode.deploy import cleaning, deactivation, removal
from tests.silvernode.conftest import Node

PAYLOAD = 300_000


def clean(node: Node, keep: int = 0, *, check: bool = False) -> dict[str, Any]:
    return cleaning.clean(node.layout, cleaning.Order(keep, "ann@laptop", check))


def on_disk(node: Node, app: str = "hello") -> set[str]:
    return set(instances.on_disk(node.layout, app))


def age(node: Node, upload: str) -> str:
    """Make an upload one of the day before yesterday."""
    old = f"{upload.partition('.')[0]}.{time.time_ns() - 48 * 3600 * 10**9}"
    (node.layout.staging / upload).rename(node.layout.staging / old)
    return old


def test_only_what_a_location_refers_to_stays(node: Node) -> None:
    deployed = [node.deploy() for _ in range(4)]
    answer = clean(node)
    assert list(answer["instances"]) == [deployed[1]]
    assert on_disk(node) == set(deployed[2:])
    assert answer["changed"]
    assert clean(node)["msg"].startswith("there is nothing to remove\n")


def test_keep_says_how_many_more_stay(node: Node) -> None:
    deployed = [node.deploy() for _ in range(3)]
    assert clean(node, keep=1)["instances"] == {}
    assert on_disk(node) == set(deployed)


def test_what_no_location_has_any_more(node: Node) -> None:
    instance = node.deploy()
    node.deploy("places.test", name="places")
    deactivation.deactivate(node.layout, deactivation.Unwanted(["hello.test"], "ann@laptop"))
    assert on_disk(node) == {instance}
    clean(node)
    assert on_disk(node) == set()
    assert len(on_disk(node, "places")) == 1


def test_the_bytes_are_what_the_disk_gains(node: Node) -> None:
    text = "".join(map(chr, os.urandom(PAYLOAD)))
    first = node.deploy(files={"static/big": text})
    node.deploy()
    node.deploy()
    link = node.layout.www / "shared"
    answer = clean(node)
    assert answer["instances"].keys() == {first}
    assert answer["freed"] == answer["instances"][first] > PAYLOAD
    second = node.deploy(files={"static/big": text})
    link.hardlink_to(node.layout.www / second / "static/big")
    node.deploy()
    node.deploy()
    assert clean(node)["freed"] < PAYLOAD, "somebody else has the file yet"


def test_check_tells_the_same_and_removes_nothing(node: Node) -> None:
    for _ in range(3):
        node.deploy()
    upload = age(node, node.upload())
    before = node.state()
    told = clean(node, check=True)
    assert node.state() == before
    assert (node.layout.staging / upload).is_dir()
    assert not told["changed"]
    done = clean(node)
    assert (told["instances"], told["uploads"]) == (done["instances"], done["uploads"])
    assert told["msg"].splitlines()[0] == "would " + done["msg"].splitlines()[0].replace(
        "removed", "remove"
    )


def test_old_uploads_go_and_young_ones_stay(node: Node) -> None:
    old, young = age(node, node.upload("places")), node.upload()
    answer = clean(node)
    assert list(answer["uploads"]) == [old]
    assert f"removed the upload {old}, " in answer["msg"]
    assert (node.layout.staging / young).is_dir()


def test_what_a_killed_deploy_left(node: Node) -> None:
    node.deploy()
    left = node.layout.instances / "hello.20260101_007.env"
    left.write_text("")
    assert list(clean(node)["instances"]) == ["hello.20260101_007"]
    assert not left.exists()


def test_an_app_that_is_being_changed_is_left_alone_with_a_warning(node: Node) -> None:
    deployed = [node.deploy() for _ in range(3)]
    places = [node.deploy("places.test", name="places") for _ in range(3)]
    with locks.of_app(node.layout, "hello", "bob@desk", "updating"):
        answer = clean(node)
    assert on_disk(node) == set(deployed)
    assert places[0] not in on_disk(node, "places")
    (warning,) = answer["warnings"]
    assert "hello is being changed" in warning
    assert "bob@desk" in warning


def test_pruning_says_what_it_freed(node: Node) -> None:
    text = "x" * PAYLOAD
    first = node.deploy(files={"static/big": text})
    node.deploy()
    node.deploy()
    freed = removal.prune(node.layout, "hello", 0)
    assert freed.keys() == {first}
    assert freed[first] >= PAYLOAD


def test_the_room_that_each_app_takes(node: Node) -> None:
    shared = node.deploy(files={"static/big": "x" * PAYLOAD})
    (node.layout.logs("hello") / "app.jsonl").write_text("x" * PAYLOAD)
    second = node.deploy()
    (node.layout.www / second / "big").hardlink_to(node.layout.www / shared / "static/big")
    report = disk_report.report(node.layout)
    (hello,) = report["apps"]
    assert hello["app"] == "hello"
    assert hello["instances"] == 2
    assert PAYLOAD < hello["instances_bytes"] < 2 * PAYLOAD, "the file has two names"
    assert hello["logs_bytes"] >= PAYLOAD
    assert hello["services"] == {}
    assert report["total_bytes"] == shutil.disk_usage(node.layout.www).total
    assert report["problems"] == []


def test_a_service_that_cannot_tell_is_a_problem_and_no_failure(node: Node) -> None:
    node.deploy()
    node.layout.service_env("hello", "odd").write_text("")
    report = disk_report.report(node.layout)
    assert report["apps"][0]["services"] == {}
    assert "the data of hello: " in report["problems"][0]
