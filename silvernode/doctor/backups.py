"""Did the last backup and the last drill of each app succeed, in time?"""

from collections.abc import Iterator

from silvernode.data import schedule
from silvernode.doctor.finding import Finding, note, ok, wrong
from silvernode.doctor.patient import Patient

CHECK = "backups"


def check(patient: Patient) -> Iterator[Finding]:
    """Look at what the timers of the role `backup` noted."""
    if not schedule.load(patient.layout):
        yield note(CHECK, "there is no schedule (role variable backup_schedule)")
        return
    problems = schedule.problems(patient.layout)
    for problem in problems:
        what, _, fix = problem.rpartition("; ")
        yield wrong(CHECK, what, fix)
    if not problems:
        apps = len(schedule.served_apps(patient.layout))
        yield ok(CHECK, f"of {apps} apps none failed, none is overdue")
