"""Do the workers run, and did each job succeed when it ran last?"""

from collections.abc import Iterator
from typing import Any

from silvernode.doctor.finding import Finding, ok, wrong
from silvernode.doctor.patient import Patient
from silvernode.jobs import telling

CHECK = "jobs"
WELL = ("running", "starting", "stopping", "waiting")


def check(patient: Patient) -> Iterator[Finding]:
    """Look at every `cron.NAME` and `worker.NAME`."""
    told = telling.tell(patient.layout, patient.routes)
    ill = [(job, text) for job in told if (text := _problem(job))]
    for job, text in ill:
        location = patient.active.get(job["instance"], job["app"])
        yield wrong(
            CHECK, f"{job['job']} of {job['app']} {text}", f"./silver logs {location} --errors"
        )
    if told and not ill:
        yield ok(CHECK, f"{len(told)} are well")


def _problem(job: dict[str, Any]) -> str:
    """Return what is wrong with a job; empty if nothing is."""
    if job["state"] not in WELL:
        return f"is {job['state']}" + (f" ({job['restarts']} times)" if job["restarts"] else "")
    if job["status"] and job["schedule"]:
        return f"ended with status {job['status']} when it ran last"
    return ""
