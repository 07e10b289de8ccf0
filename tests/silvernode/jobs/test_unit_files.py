"""The units of jobs say what they have to, whatever is in app.ini; systemd itself reads them."""

import shutil
import subprocess
from pathlib import Path

import pytest

from silvernode import instances
from silvernode import settings as node_settings
from silvernode.errors import NodeError
from silvernode.instances import Record
from silvernode.jobs import unit_files
from silvernode.jobs.job import Job
from silvernode.layout import Layout

NAME = "hello.20261123_001"


@pytest.fixture
def app(layout: Layout) -> Layout:
    record = Record(NAME, "hello", "127.1.0.7", "ann@laptop", "2026-11-23", {}, "")
    instances.save(layout, record)
    for name in ("bin/work.py", "bin/bad.sh"):
        path = layout.www / NAME / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("")
    return layout


def texts(layout: Layout, job: Job) -> dict[str, str]:
    return unit_files.texts(layout, job, node_settings.load(layout))


def test_a_cron_job_has_a_limit_and_a_timer(app: Layout) -> None:
    job = Job(NAME, "cron", "nightly", "script:bin/work.py", "*-*-* 03:30")
    found = texts(app, job)
    service = found["silver-cron-hello-nightly.service"].splitlines()
    assert {"User=silver-hello", "RuntimeMaxSec=3600", "KillMode=mixed"} <= set(service)
    assert not [line for line in service if line.startswith(("Restart=", "IPAddressAllow="))]
    timer = found["silver-cron-hello-nightly.timer"].splitlines()
    assert {"OnCalendar=*-*-* 03:30", "Persistent=true", "WantedBy=timers.target"} <= set(timer)


def test_a_worker_is_started_again_for_ever(app: Layout) -> None:
    (text,) = texts(app, Job(NAME, "worker", "mail", "script:bin/work.py")).values()
    expected = {"Restart=always", "StartLimitIntervalSec=0", "WantedBy=multi-user.target"}
    assert expected <= set(text.splitlines())
    assert "RuntimeMaxSec" not in text


def test_only_a_request_may_reach_the_instance_and_only_its_own(app: Layout) -> None:
    job = Job(NAME, "cron", "ask", "/tasks?x=1", "hourly")
    text = texts(app, job)[job.unit]
    assert "IPAddressAllow=127.1.0.7\n" in text
    assert '"silversupport.job_request" "ask" "/tasks?x=1"' in text


def test_arguments_arrive_as_they_are(app: Layout) -> None:
    job = Job(
        NAME, "worker", "mail", """script:bin/work.py 'two words' '$HOME' 100% 'a"b\\c' ';'"""
    )
    (text,) = texts(app, job).values()
    (command,) = [line for line in text.splitlines() if line.startswith("ExecStart=")]
    assert command.endswith(r'"two words" "$$HOME" "100%%" "a\"b\\c" ";"')


def test_what_cannot_be_run_is_refused(app: Layout) -> None:
    with pytest.raises(NodeError, match=r"bin/gone\.py"):
        texts(app, Job(NAME, "worker", "mail", "script:bin/gone.py"))
    with pytest.raises(NodeError, match="neither Python nor executable"):
        texts(app, Job(NAME, "worker", "mail", "script:bin/bad.sh"))


def test_the_units_of_an_app_are_not_those_of_another(layout: Layout) -> None:
    for name in ("silver-cron-a-x.timer", "silver-worker-a_b-x.service", "silver-a@.service"):
        (layout.units / name).write_text("")
    assert unit_files.of_app(layout, "a") == {"silver-cron-a-x.timer"}
    assert unit_files.apps(layout) == {"a", "a_b"}


@pytest.mark.skipif(not shutil.which("systemd-analyze"), reason="there is no systemd here")
def test_systemd_understands_them(app: Layout, tmp_path: Path) -> None:
    for job in (
        Job(NAME, "cron", "ask", "/tasks?x=1", "hourly"),
        Job(NAME, "worker", "mail", "script:bin/work.py 100% '$HOME'"),
    ):
        for name, text in texts(app, job).items():
            (tmp_path / name).write_text(text)
    units = sorted(str(path) for path in tmp_path.glob("silver-*.*"))
    done = subprocess.run(
        ["systemd-analyze", "verify", "--man=no", "--recursive-errors=no", *units],
        capture_output=True,
        text=True,
        check=False,
    )
    ours = [line for line in done.stderr.splitlines() if "silver-" in line]
    assert [line for line in ours if "Unknown" in line or "ignoring" in line.lower()] == []
