import pytest

from silvernode.errors import NodeError
from silvernode.jobs import schedules
from tests.silvernode.conftest import Node


def test_all_that_is_wrong_is_told_at_once(node: Node) -> None:
    crons = {"a": "bad thing script:bin/x.py", "b": "never /x", "c": "hourly /x"}
    with pytest.raises(NodeError) as failure:
        schedules.check({"crons": crons})
    first, second = str(failure.value).splitlines()
    assert first.startswith("cron.a: 'bad thing' is not a calendar expression of systemd; write ")
    assert second == "cron.b: 'never' never comes"


def test_a_schedule_cannot_be_an_option(node: Node) -> None:
    schedules.check({"crons": {"a": "--help /x"}})
    assert "systemd-analyze calendar -- --help" in node.calls()


def test_it_is_checked_before_anything_is_made_or_uploaded(node: Node) -> None:
    with pytest.raises(NodeError, match=r"cron\.a"):
        node.prepare(crons={"a": "bad /x"})
    assert not node.layout.data("tmp", "hello").exists()


def test_a_plan_of_before_has_no_jobs(node: Node) -> None:
    schedules.check({})
