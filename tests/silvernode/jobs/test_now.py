import pytest

from silvernode import interrupts
from silvernode.data import evidence
from silvernode.jobs import now
from silvernode.scripts import Outcome, Script
from tests.silvernode.conftest import Node


def test_a_cron_job_that_is_run_now_is_seen_by_an_update(
    node: Node, monkeypatch: pytest.MonkeyPatch
) -> None:
    files = {"bin/tidy.py": ""}
    node.deploy("hello.test", files, crons={"tidy": "hourly script:bin/tidy.py"})
    before = evidence.gather(node.layout, "hello", "")
    seen = []

    def run(_: Script) -> tuple[Outcome, str]:
        seen.append(evidence.gather(node.layout, "hello", "").scripts)
        return Outcome("success", "exited", "0"), ""

    monkeypatch.setattr(Script, "run", run)
    monkeypatch.setattr(interrupts, "end_with_client", lambda: None)
    asked = {"location": "hello.test", "cron": "tidy", "id": "0" * 32, "node": "web1"}
    assert now.run(node.layout, asked) == 0
    after = evidence.gather(node.layout, "hello", "").scripts
    assert before.scripts < seen[0] <= after
