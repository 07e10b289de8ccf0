"""What is told of jobs, whatever the app has made of the files that say it."""

import json
from pathlib import Path
from typing import Any

import pytest

from silvernode.jobs import telling
from silvernode.routing import registry
from tests.silvernode.conftest import Node
from tests.silvernode.jobs.test_following import MAIL, deploy

STATE = {"began": 1795404900.5, "ended": 1795404901.5, "status": 3, "reason": "too long"}


def told(node: Node) -> dict[str, dict[str, Any]]:
    return {each["job"]: each for each in telling.tell(node.layout, registry.load(node.layout))}


@pytest.fixture
def kept(node: Node) -> Path:
    """What is kept of the last run of a job."""
    path = node.layout.data("jobs", "hello") / "cron.nightly.json"
    path.parent.mkdir(parents=True)
    return path


def test_a_node_without_apps_is_not_asked(node: Node) -> None:
    assert telling.tell(node.layout, registry.load(node.layout)) == []
    assert not (node.fake / "calls").exists()


def test_a_job_is_told_of_with_its_last_run(node: Node, kept: Path) -> None:
    name = deploy(node)
    kept.write_text(json.dumps({**STATE, "run": "1f", "secret": "x"}))
    assert told(node)["cron.nightly"] == {
        "app": "hello",
        "job": "cron.nightly",
        "instance": name,
        "schedule": "*-*-* 03:30",
        "command": "script:bin/work.py all",
        "state": "waiting",
        "restarts": 0,
        "began": "2026-11-23T03:35:00+00:00",
        "ended": "2026-11-23T03:35:01+00:00",
        "status": 3,
        "reason": "too long",
        "next": None,
    }


@pytest.mark.parametrize(
    ("unit", "state"),
    [
        ("ActiveState=active\nSubState=running\n", "running"),
        ("ActiveState=activating\nSubState=auto-restart\n", "restarting"),
        ("ActiveState=activating\nSubState=start\n", "starting"),
        ("ActiveState=deactivating\nSubState=stop-sigterm\n", "stopping"),
        ("ActiveState=inactive\nSubState=dead\n", "stopped"),
    ],
)
def test_the_state_of_a_worker_is_that_of_its_unit(node: Node, unit: str, state: str) -> None:
    deploy(node)
    (node.fake / "jobs" / MAIL).write_text(f"Id={MAIL}\nNRestarts=4\n{unit}")
    found = told(node)["worker.mail"]
    assert (found["state"], found["restarts"], found["schedule"]) == (state, 4, None)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{",
        "[1]",
        "[" * 100_000,
        '{"began": "x", "ended": [], "status": "y", "reason": 1}',
        '{"began": 1e300, "ended": NaN}',
        "x" * 1_000_000,
    ],
)
def test_an_app_may_damage_what_is_kept(node: Node, kept: Path, text: str) -> None:
    deploy(node)
    kept.write_text(text)
    found = told(node)["cron.nightly"]
    assert (found["began"], found["ended"], found["status"]) == (None, None, None)


def test_what_is_kept_is_not_looked_for_elsewhere(node: Node, kept: Path) -> None:
    deploy(node)
    (kept.parent / "other").write_text(json.dumps(STATE))
    kept.symlink_to("other")
    assert told(node)["cron.nightly"]["began"] is None
    kept.unlink()
    kept.mkdir()
    assert told(node)["cron.nightly"]["began"] is None
