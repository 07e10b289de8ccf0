"""What a node tells of all that is deployed on it."""

import json
from typing import Any

import pytest

from silvernode import instances, report
from silvernode.data import status
from silvernode.data.status import Result
from silvernode.layout import Layout
from silvernode.routing import registry
from silversupport import VERSION
from tests.silvernode.conftest import Node
from tests.silvernode.data import test_schedule


def told(node: Node) -> dict[str, dict[str, Any]]:
    return {each["instance"]: each for each in report.report(node.layout)["instances"]}


def test_a_node_without_apps_has_nothing_to_tell(node: Node) -> None:
    assert report.report(node.layout) == {
        "version": VERSION,
        "locations": {},
        "addresses": {},
        "instances": [],
        "jobs": [],
        "backups": {},
        "problems": [],
    }


def test_an_instance_is_told_of_with_its_upload_and_its_state(node: Node) -> None:
    name = node.deploy(files={"src/app.py": "x" * 100})
    record = instances.load(node.layout, name)
    assert record
    assert told(node)[name] == {
        "instance": name,
        "app": "hello",
        "uploaded": record.uploaded,
        "uploader": "ann@laptop",
        "files": 2,
        "bytes": 100,
        "config": "",
        "revisions": [],
        "serves": ["hello.test"],
        "previous_of": [],
        "state": "running",
        "memory": 25_000_000,
    }


def test_instances_come_by_app_the_newest_first_with_where_they_serve(node: Node) -> None:
    other = node.deploy("blog.test", name="blog")
    first, second = node.deploy(), node.deploy()
    third = node.deploy("www.hello.test/blog")
    found = told(node)
    assert list(found) == [other, third, second, first]
    where = {name: (each["serves"], each["previous_of"]) for name, each in found.items()}
    assert where == {
        other: (["blog.test"], []),
        third: (["www.hello.test/blog"], []),
        second: (["hello.test"], []),
        first: ([], ["hello.test"]),
    }
    routes = registry.load(node.layout)
    assert report.report(node.layout)["addresses"] == routes.addresses


@pytest.mark.parametrize(
    ("unit", "expected"),
    [
        (None, ("stopped", None)),
        ("inactive 0", ("stopped", 0)),
        ("deactivating 4096", ("stopped", 4096)),
        ("activating 4096", ("starting", 4096)),
        ("failed [not_set]", ("failed", None)),
        ("active 18446744073709551615", ("running", None)),
    ],
)
def test_the_state_of_an_instance_is_that_of_its_unit(
    node: Node, unit: str | None, expected: tuple[str, int | None]
) -> None:
    name = node.deploy()
    path = node.fake / "active" / name
    path.unlink() if unit is None else path.write_text(unit)
    found = told(node)[name]
    assert (found["state"], found["memory"]) == expected


def test_systemd_is_asked_once_for_all_instances(node: Node) -> None:
    for _ in range(3):
        node.deploy()
    before = len(node.calls())
    report.report(node.layout)
    assert len(node.calls()) == before + 1


def test_a_record_of_an_earlier_version_leaves_open_what_it_does_not_tell(node: Node) -> None:
    name = node.deploy()
    path = instances.path(node.layout, name)
    record = json.loads(path.read_bytes())
    for key in ("files", "bytes", "revisions", "config"):
        del record[key]
    path.write_text(json.dumps(record))
    found = told(node)[name]
    assert (found["files"], found["bytes"], found["revisions"]) == (None, None, [])


def test_a_damaged_record_is_named_and_the_others_are_told_of(node: Node, layout: Layout) -> None:
    first, second = node.deploy(), node.deploy()
    instances.path(layout, first).write_text("{")
    (layout.instances / "notes.json").write_text("")
    answer = report.report(layout)
    assert [each["instance"] for each in answer["instances"]] == [second]
    (problem,) = answer["problems"]
    assert f"{first}.json is damaged" in problem


def test_backups_are_told_of_for_every_app_once_there_is_one(node: Node, layout: Layout) -> None:
    node.deploy()
    node.deploy("blog.test", name="blog")
    assert report.report(layout)["backups"] == {}
    status.note(layout, "gone", status.BACKUP, Result(True))
    status.note(layout, "blog", status.DRILL, Result(False, "it is cut off"))
    found = report.report(layout)["backups"]
    assert {app: list(ended) for app, ended in found.items()} == {
        "blog": ["drill"],
        "gone": ["backup"],
        "hello": [],
    }
    assert found["blog"]["drill"]["message"] == "it is cut off"


def test_a_schedule_that_failed_or_is_damaged_is_a_problem(node: Node, layout: Layout) -> None:
    node.deploy()
    test_schedule.give(layout)
    status.note(layout, "hello", status.BACKUP, Result(False, "the store cannot be reached"))
    (problem,) = report.report(layout)["problems"]
    assert "the store cannot be reached" in problem
    (layout.etc / "backup/settings.json").write_text("{")
    (problem,) = report.report(layout)["problems"]
    assert "settings.json cannot be used" in problem
