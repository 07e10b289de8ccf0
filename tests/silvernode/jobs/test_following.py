"""Timers and workers follow the active instance, whatever is done and whatever is killed."""

import json
import os
from dataclasses import replace
from typing import Any

import pytest

from silvernode import cli, instances, jobs, locks
from silvernode.deploy import removal
from silvernode.errors import NodeError
from silvernode.jobs import unit_files
from silvernode.routing import registry
from tests.silvernode.conftest import SETTINGS, Node
from tests.silvernode.jobs.conftest import files, state, text

SCRIPTS = {"bin/work.py": "", "bin/tidy.sh": "#!/bin/sh\n"}
JOBS: dict[str, Any] = {
    "crons": {"nightly": "*-*-* 03:30 script:bin/work.py all", "ask": "hourly /tasks?x=1"},
    "workers": {"mail": "script:bin/work.py mail"},
}
NIGHTLY, ASK = "silver-cron-hello-nightly", "silver-cron-hello-ask"
MAIL = "silver-worker-hello-mail.service"
UNITS = {f"{NIGHTLY}.service", f"{NIGHTLY}.timer", f"{ASK}.service", f"{ASK}.timer", MAIL}


def deploy(node: Node, location: str = "hello.test", **plan: Any) -> str:
    return node.deploy(location, SCRIPTS, **{**JOBS, **plan})


def test_a_deploy_starts_timers_and_workers_also_at_boot(node: Node) -> None:
    first = deploy(node)
    assert files(node) == UNITS
    assert state(node) == {f"{NIGHTLY}.timer": "waiting", f"{ASK}.timer": "waiting", MAIL: first}
    assert node.enabled() >= {f"{NIGHTLY}.timer", f"{ASK}.timer", MAIL}


def test_an_app_without_jobs_costs_no_call_of_systemd(node: Node) -> None:
    node.deploy()
    assert not [call for call in node.calls() if "daemon-reload" in call and "cron" in call]
    assert files(node) == set()


def test_at_a_switch_they_become_those_of_the_new_instance(node: Node) -> None:
    deploy(node)
    second = deploy(node)
    assert state(node)[MAIL] == second
    for unit in (f"{NIGHTLY}.service", f"{ASK}.service", MAIL):
        assert f"WorkingDirectory={node.layout.www}/{second}" in text(node, unit)


def test_a_timer_is_not_touched_by_a_switch(node: Node) -> None:
    deploy(node)
    before = len(node.calls())
    deploy(node)
    restarted = [call for call in node.calls()[before:] if call.startswith("systemctl restart")]
    assert not [call for call in restarted if ".timer" in call]


def test_a_job_that_is_gone_from_app_ini_is_gone(node: Node) -> None:
    deploy(node)
    deploy(node, crons={"ask": "hourly /tasks"}, workers={})
    assert files(node) == {f"{ASK}.service", f"{ASK}.timer"}
    assert set(state(node)) == {f"{ASK}.timer"}
    assert not {f"{NIGHTLY}.timer", MAIL} & node.enabled()


def test_one_that_still_runs_keeps_its_unit_until_it_has_ended(node: Node) -> None:
    deploy(node)
    (node.fake / "busy").touch()
    deploy(node, crons={}, workers={})
    assert files(node) == {MAIL}
    assert [call for call in node.calls() if "silver-node rest" in call and "=3660" in call]
    (node.fake / "busy").unlink()
    (node.fake / "jobs" / MAIL).unlink()
    assert jobs.follow(node.layout, "hello") == []
    assert files(node) == set()


def test_going_back_brings_the_jobs_of_before(node: Node) -> None:
    first, _ = deploy(node), deploy(node, crons={}, workers={})
    routes = registry.load(node.layout)
    registry.save(node.layout, routes.switched("hello.test", "hello", first, "2026-11-23"))
    assert jobs.follow(node.layout, "hello") == []
    assert files(node) == UNITS
    assert state(node)[MAIL] == first


def test_following_again_changes_nothing(node: Node) -> None:
    deploy(node)
    found, before = state(node), {unit: text(node, unit) for unit in files(node)}
    assert jobs.follow(node.layout, "hello") == []
    assert (state(node), {unit: text(node, unit) for unit in files(node)}) == (found, before)


def test_what_a_killed_switch_left_is_finished_by_the_next_prepare(node: Node) -> None:
    deploy(node)
    second = deploy(node)
    # As if it had been killed after it wrote the units: the old instance's worker still runs.
    old = next((node.fake / "processes").iterdir())
    (node.fake / "jobs" / MAIL).write_text(
        f"Id={MAIL}\nActiveState=active\nSubState=running\nMainPID={old.name}\n"
    )
    old.write_text("hello.20200101_001")
    node.prepare()
    assert state(node)[MAIL] == second


def test_a_unit_that_systemd_has_not_read_is_read(node: Node) -> None:
    deploy(node)
    unit = node.fake / "jobs" / MAIL
    unit.write_text(f"{unit.read_text()}NeedDaemonReload=yes\n")
    before = len(node.calls())
    jobs.follow(node.layout, "hello")
    assert "systemctl daemon-reload" in node.calls()[before:]


def test_a_changed_schedule_does_not_make_up_for_what_it_never_had(node: Node) -> None:
    deploy(node)
    stamp = unit_files.stamp(node.layout, f"{NIGHTLY}.timer")
    stamp.parent.mkdir(parents=True)
    stamp.touch()
    os.utime(stamp, (1, 1))
    deploy(node)
    assert stamp.stat().st_mtime == 1
    deploy(node, crons={"nightly": "hourly script:bin/work.py"})
    assert stamp.stat().st_mtime > 1
    deploy(node, crons={})
    assert not stamp.exists()


def test_the_jobs_are_those_of_the_main_location(node: Node) -> None:
    deploy(node, "www.hello.test", default_location="www.hello.test")
    second = deploy(node, "a.test", workers={})
    assert MAIL in files(node)
    routes = registry.load(node.layout)
    del routes.locations["www.hello.test"]
    registry.save(node.layout, routes)
    jobs.follow(node.layout, "hello")
    assert MAIL not in files(node)
    assert second in text(node, f"{NIGHTLY}.service")


def test_without_a_default_they_are_those_of_the_shortest(node: Node) -> None:
    short = deploy(node, "a.test")
    deploy(node, "long.test")
    assert state(node)[MAIL] == short


def test_they_go_with_the_last_location(node: Node) -> None:
    deploy(node)
    registry.save(node.layout, replace(registry.load(node.layout), locations={}))
    jobs.follow(node.layout, "hello")
    assert (files(node), state(node)) == (set(), {})


def test_only_the_first_node_of_a_set_has_them(node: Node) -> None:
    name = deploy(node)
    record = instances.load(node.layout, name)
    assert record
    instances.save(node.layout, replace(record, leader=False))
    jobs.follow(node.layout, "hello")
    assert files(node) == set()


def test_a_worker_that_ends_at_once_is_told_of_with_what_it_wrote(node: Node) -> None:
    name = deploy(node)
    (node.layout.www / name / "dying").touch()
    (node.fake / "jobs" / MAIL).unlink()
    log = node.layout.logs("hello")
    log.mkdir(parents=True, exist_ok=True)
    event = {"time": 9e9, "instance": name, "pid": 1, "job": "worker.mail", "stream": "output"}
    (log / "app.jsonl").write_text(json.dumps({**event, "text": "no such queue\n"}) + "\n")
    (said,) = jobs.follow(node.layout, "hello")
    assert f"worker.mail of {name} ended right after its start" in said
    assert "no such queue" in said


def test_one_that_waits_for_the_end_of_the_old_one_is_told_of(node: Node) -> None:
    name = deploy(node)
    unit = f"Id={MAIL}\nActiveState=deactivating\nSubState=stop-sigterm\nMainPID=77\n"
    (node.fake / "processes/77").write_text("hello.20200101_001")
    (node.fake / "jobs" / MAIL).write_text(unit)
    (node.fake / "slow").touch()
    (said,) = jobs.follow(node.layout, "hello")
    assert f"worker.mail of {name} starts when that of the instance before has ended" in said


def test_a_failure_is_a_warning_of_a_switch_that_is_done(node: Node) -> None:
    deploy(node)
    node.fail("daemon-reload")
    needs = node.prepare(**JOBS)
    assert needs["active"]
    found = jobs.follow(node.layout, "hello")
    assert found == []
    (node.layout.units / MAIL).write_text("something else")
    (said,) = jobs.follow(node.layout, "hello")
    assert "the jobs of hello could not be brought up to date: systemctl daemon-reload" in said


def test_a_schedule_of_an_earlier_version_that_is_none_keeps_no_other_job(node: Node) -> None:
    name = deploy(node)
    record = instances.load(node.layout, name)
    assert record
    crons = {"nightly": "bad script:bin/work.py", "ask": "hourly /x"}
    instances.save(node.layout, replace(record, plan={**record.plan, "crons": crons}))
    (said,) = jobs.follow(node.layout, "hello")
    assert said.startswith(f"cron.nightly of {name} is not carried out: 'bad' is not a calendar")
    assert files(node) == {f"{ASK}.service", f"{ASK}.timer", MAIL}


def test_a_pause_stops_them_all_and_following_starts_them_again(node: Node) -> None:
    name = deploy(node)
    jobs.pause(node.layout, "hello")
    assert state(node) == {}
    jobs.follow(node.layout, "hello")
    assert state(node) == {f"{NIGHTLY}.timer": "waiting", f"{ASK}.timer": "waiting", MAIL: name}


def test_a_job_that_goes_on_ends_the_pause(node: Node) -> None:
    name = deploy(node)
    node.layout.settings.write_text(json.dumps({**SETTINGS, "job_stop_timeout": 0}))
    (node.fake / "busy").touch()
    with pytest.raises(NodeError, match=r"worker\.mail of hello did not end"):
        jobs.pause(node.layout, "hello")
    assert state(node)[MAIL] == name


def test_an_app_without_jobs_pauses_at_once(node: Node) -> None:
    node.deploy()
    before = node.calls()
    jobs.pause(node.layout, "hello")
    assert node.calls() == before


def test_a_refresh_is_for_all_apps_but_those_being_changed(
    node: Node, capsys: pytest.CaptureFixture[str]
) -> None:
    deploy(node)
    deploy(node, "other.test", name="other")
    for unit in node.layout.units.glob("silver-worker-*"):
        unit.unlink()
    with locks.of_app(node.layout, "other", "ann@laptop", "updating"):
        assert cli.main(["refresh"], node.layout) == 0
    assert "silver-worker-hello-mail.service" in files(node)
    assert "silver-worker-other-mail.service" not in files(node)
    capsys.readouterr()


def test_an_instance_whose_files_a_job_uses_is_not_removed(node: Node) -> None:
    first = deploy(node)
    cron = node.fake / "jobs" / f"{NIGHTLY}.service"
    (node.fake / "processes/77").write_text(first)
    cron.write_text(f"Id={cron.name}\nActiveState=active\nSubState=running\nMainPID=77\n")
    for _ in range(4):
        deploy(node)
    assert (node.layout.www / first).is_dir()
    cron.unlink()
    assert first in removal.prune(node.layout, "hello", 1)


def test_a_script_that_cannot_be_run_is_refused_before_the_instance_is_started(node: Node) -> None:
    first = deploy(node)
    with pytest.raises(NodeError) as failure:
        deploy(node, crons={"a": "hourly script:bin/tidy.sh"}, workers={"b": "script:bin/gone.py"})
    cron, worker = str(failure.value).splitlines()
    assert cron == "cron.a: bin/tidy.sh is neither Python nor executable: chmod +x it and update"
    assert worker.startswith("worker.b: there is no file bin/gone.py in hello.")
    assert state(node)[MAIL] == first
    assert files(node) == UNITS
