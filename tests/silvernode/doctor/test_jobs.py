from typing import Any

import pytest

from silvernode.doctor import jobs
from silvernode.doctor.patient import Patient
from silvernode.jobs import telling

WORKER: dict[str, Any] = {
    "app": "hello",
    "job": "worker.mail",
    "instance": "hello.1",
    "schedule": None,
}
WORKER |= {"state": "running", "restarts": 0, "status": None}
CRON = WORKER | {"job": "cron.nightly", "schedule": "daily", "state": "waiting", "status": 0}


def told(
    patient: Patient, monkeypatch: pytest.MonkeyPatch, *found: dict[str, Any]
) -> list[tuple[str, str]]:
    monkeypatch.setattr(telling, "tell", lambda *_: list(found))
    return [(each.state, each.text) for each in jobs.check(patient)]


def test_jobs_that_do_their_work_are_well(
    patient: Patient, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert told(patient, monkeypatch, WORKER, CRON) == [("ok", "2 are well")]
    assert told(patient, monkeypatch) == []


@pytest.mark.parametrize(
    ("job", "text"),
    [
        (WORKER | {"state": "stopped"}, "worker.mail of hello is stopped"),
        (
            WORKER | {"state": "restarting", "restarts": 7},
            "worker.mail of hello is restarting (7 times)",
        ),
        (CRON | {"status": 3}, "cron.nightly of hello ended with status 3 when it ran last"),
    ],
)
def test_what_is_wrong_is_told(
    patient: Patient, monkeypatch: pytest.MonkeyPatch, job: dict[str, Any], text: str
) -> None:
    assert told(patient, monkeypatch, job, CRON) == [("wrong", text)]
