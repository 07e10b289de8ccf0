"""A round of the schedule: every app, whatever becomes of the others."""

import signal

import pytest

from silvernode.data import rounds, status
from silvernode.data.schedule import Schedule
from silvernode.data.status import BACKUP, DRILL, Result
from silvernode.errors import NodeError
from silvernode.interrupts import Interrupted
from silvernode.layout import Layout
from tests.silvernode.conftest import Node
from tests.silvernode.data.test_schedule import give


@pytest.fixture
def served(node: Node) -> Layout:
    """A node that serves three apps and has a schedule."""
    for app in ("blog", "hello", "polls"):
        node.deploy(f"{app}.test", name=app)
    give(node.layout)
    return node.layout


def works(layout: Layout, wanted: Schedule, app: str) -> Result:
    return Result(True, f"{app} is in {wanted.destination}", f"{app}-1.tar.age")


def fails_for_hello(layout: Layout, wanted: Schedule, app: str) -> Result:
    if app == "hello":
        raise NodeError("the store cannot be reached")
    return works(layout, wanted, app)


def test_every_served_app_has_its_turn_and_its_result_is_noted_and_told(
    served: Layout, capsys: pytest.CaptureFixture[str]
) -> None:
    answer = rounds.go(served, BACKUP, works)
    lines = [f"{app}: {app} is in /backups/web1/" for app in ("blog", "hello", "polls")]
    assert answer == {"changed": True, "msg": "\n".join(lines)}
    assert capsys.readouterr().err.splitlines() == lines
    known = status.load_all(served)
    assert list(known) == ["blog", "hello", "polls"]
    assert known["polls"][BACKUP]["archive"] == "polls-1.tar.age"


def test_one_that_fails_keeps_no_other_but_the_round_has_failed(
    served: Layout, capsys: pytest.CaptureFixture[str]
) -> None:
    answer = rounds.go(served, DRILL, fails_for_hello)
    assert (answer["failed"], answer["msg"]) == (True, "1 of 3 drills failed: hello")
    assert "hello: the drill failed: the store cannot be reached" in answer["output"]
    assert "hello: the drill failed" in capsys.readouterr().err
    known = status.load_all(served)
    assert {app: known[app][DRILL]["ok"] for app in known} == {
        "blog": True,
        "hello": False,
        "polls": True,
    }


def test_a_bug_in_one_keeps_no_other_and_leaves_its_traceback_in_the_journal(
    served: Layout, capsys: pytest.CaptureFixture[str]
) -> None:
    def work(layout: Layout, wanted: Schedule, app: str) -> Result:
        return Result(True, str({"hello": 1, "polls": 2}[app]))

    answer = rounds.go(served, BACKUP, work)
    assert answer["msg"] == "1 of 3 backups failed: blog"
    assert "Traceback" in capsys.readouterr().err
    assert "KeyError" in status.load(served, "blog")[BACKUP]["message"]


def test_a_signal_ends_the_round_and_is_noted_where_it_was(served: Layout) -> None:
    def work(layout: Layout, wanted: Schedule, app: str) -> Result:
        if app == "hello":
            raise Interrupted(signal.SIGTERM)
        return Result(True)

    with pytest.raises(Interrupted):
        rounds.go(served, BACKUP, work)
    known = status.load_all(served)
    assert {app: known[app][BACKUP]["ok"] for app in known} == {"blog": True, "hello": False}


def test_a_second_round_is_refused_while_the_first_goes_on(served: Layout) -> None:
    def work(layout: Layout, wanted: Schedule, app: str) -> Result:
        with pytest.raises(NodeError, match="a round of backups is made on this node by"):
            rounds.go(layout, BACKUP, works)
        rounds.go(layout, DRILL, works)
        return Result(True)

    assert not rounds.go(served, BACKUP, work).get("failed")


def test_without_a_schedule_one_is_told_how_to_have_one(node: Node) -> None:
    with pytest.raises(NodeError, match="set backup_schedule"):
        rounds.go(node.layout, BACKUP, works)


def test_a_node_without_apps_has_nothing_to_do(node: Node) -> None:
    give(node.layout)
    assert rounds.go(node.layout, BACKUP, works) == {
        "changed": False,
        "msg": "no app is served on this node",
    }
