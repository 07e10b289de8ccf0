"""A node whose jobs are those of silvernode's own code, and whose systemd is a stand-in."""

from pathlib import Path

import pytest

from silvernode.jobs import running, watching
from tests.silvernode.conftest import Node


@pytest.fixture
def node(node: Node, monkeypatch: pytest.MonkeyPatch) -> Node:
    def instance(process: int) -> str:
        return (node.fake / "processes" / str(process)).read_text()

    monkeypatch.setattr(running, "_instance", instance)
    monkeypatch.setattr(watching, "WATCH_SECONDS", 0.0)
    monkeypatch.setattr(watching, "START_SECONDS", 0.3)
    (node.fake / "jobs").mkdir()
    return node


def state(node: Node) -> dict[str, str]:
    """What runs of each unit of a job: the state of a timer, the instance of a worker."""
    found = {}
    for path in (node.fake / "jobs").iterdir():
        values = dict(line.split("=", 1) for line in path.read_text().splitlines())
        process = values["MainPID"]
        runs = (node.fake / "processes" / process).read_text() if process != "0" else ""
        found[path.name] = runs or values["SubState"]
    return found


def files(node: Node) -> set[str]:
    """The units of jobs that there are."""
    return {path.name for path in node.layout.units.glob("silver-*-*-*")}


def text(node: Node, unit: str) -> str:
    return (node.layout.units / unit).read_text()


def lines(path: Path) -> list[str]:
    return path.read_text().splitlines() if path.exists() else []
